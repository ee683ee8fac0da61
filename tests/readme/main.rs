//! What the README and the page about the draw say, tried out.

mod draw;
mod journey;
mod running;
mod settings;
mod steps;
