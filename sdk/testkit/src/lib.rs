//! modhost's conformance suite and a mock host for plugin tests
