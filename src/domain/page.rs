//! Pages of lists that grow without bound, newest first.

/// Which part of a list: up to `limit` rows from its newer or its older end, between two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<K> {
    /// Only rows that come after this one, which are older.
    pub after: Option<K>,
    /// Only rows that come before this one, which are newer.
    pub before: Option<K>,
    /// How many, 1 to [`MAX_PAGE`].
    pub limit: u64,
    /// Whether to take them from the older end.
    pub from_end: bool,
}

/// The most rows of one page.
pub const MAX_PAGE: u64 = 100;

/// A part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Whether there are newer ones.
    pub has_previous: bool,
    /// Whether there are older ones.
    pub has_next: bool,
}

impl<T> Slice<T> {
    /// The same slice of something made of the rows.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Slice<U> {
        let Self { items, has_previous, has_next } = self;
        Slice { items: items.into_iter().map(f).collect(), has_previous, has_next }
    }
}
