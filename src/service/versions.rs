//! What changes, counted: for whoever remembers answers.

pub use crate::sales::versions::{Point, Source, Versions};
