//! The GraphQL room: what may be asked, in which words, and how it is answered.

pub mod code;
pub mod guard;
