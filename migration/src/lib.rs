//! Frontrow's schema.
