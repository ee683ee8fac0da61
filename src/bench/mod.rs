//! Measurements that the documentation quotes: `frontrow bench …` runs them on the reader's own machine.

mod catalog;
pub mod fans;
mod long_line;
pub mod memory;
pub mod processes;
pub mod reads;
pub mod restart;
pub mod room;
pub mod sale;
