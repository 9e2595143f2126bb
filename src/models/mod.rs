//! Speech models: listed, fetched, verified.
