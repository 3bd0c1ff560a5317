//! The `modhost` command.
fn main() {}
