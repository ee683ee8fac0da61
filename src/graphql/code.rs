//! The words that `extensions.code` of a top-level error may hold.

/// No token where one is needed, or a forged, malformed or outdated one.
pub const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
/// The caller may not do this.
pub const FORBIDDEN: &str = "FORBIDDEN";
/// The request itself is wrong: it cannot be read, or does not fit the schema.
pub const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
/// The document asks for more than one request may.
pub const QUERY_TOO_COMPLEX: &str = "QUERY_TOO_COMPLEX";
/// A hash of a document that is not known here: the client sends the document.
pub const PERSISTED_QUERY_NOT_FOUND: &str = "PERSISTED_QUERY_NOT_FOUND";
/// A hash where hashes are off: the client sends documents from now on.
pub const PERSISTED_QUERY_NOT_SUPPORTED: &str = "PERSISTED_QUERY_NOT_SUPPORTED";
/// Too many requests; the error says when to come back.
pub const RATE_LIMITED: &str = "RATE_LIMITED";
/// A store is down or overloaded; it is safe to try again.
pub const UNAVAILABLE: &str = "UNAVAILABLE";
/// Something broke on our side; the error holds a request id and nothing else.
pub const INTERNAL: &str = "INTERNAL";
/// There is no such thing, or it is another user's.
pub const NOT_FOUND: &str = "NOT_FOUND";
/// The concert has no date yet.
pub const SERIES_NOT_CREATED: &str = "SERIES_NOT_CREATED";
