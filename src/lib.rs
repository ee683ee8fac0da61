//! Frontrow: concert tickets for more fans than there are seats.

pub mod bench;
pub mod domain;
