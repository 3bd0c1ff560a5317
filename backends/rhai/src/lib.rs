//! modhost backend: Rhai
