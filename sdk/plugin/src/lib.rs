//! Write modhost plugins in Rust
