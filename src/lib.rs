//! Frontrow: concert tickets for more fans than there are seats.

pub mod clock;
pub mod domain;
