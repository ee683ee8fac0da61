//! Whether a long answer could be sent at all: asked before it is made.

use std::{fmt, sync::Arc};

/// A list of more seats than this makes a long answer.
pub(super) const MANY_SEATS: usize = 200;

/// Asks the transport whether there is room for a long answer to this caller. Put into a request by whoever will have to
/// send the answer.
#[derive(Clone)]
pub struct Sendable(Arc<dyn Fn() -> bool + Send + Sync>);

impl Sendable {
    /// `has_room` is asked once for each operation.
    #[must_use]
    pub fn new(has_room: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(has_room))
    }

    /// The answer at this moment.
    #[must_use]
    pub fn has_room(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Sendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sendable").field(&self.has_room()).finish()
    }
}
