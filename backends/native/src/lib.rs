//! modhost backend: native libraries
