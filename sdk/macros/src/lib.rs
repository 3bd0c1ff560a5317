//! Derives for modhost values
