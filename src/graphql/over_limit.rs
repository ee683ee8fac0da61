//! QUERY_TOO_COMPLEX: what was counted, how much was asked for, and how much is allowed.

use async_graphql::{Error, ErrorExtensionValues, Name, ServerError, Value};

use crate::graphql::code;

/// Something of which a request asks for more than it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// What was counted.
    pub of: &'static str,
    /// How much was asked for; where counting was given up, one more than is allowed.
    pub asked: usize,
    /// How much is allowed.
    pub allowed: usize,
}

impl OverLimit {
    /// Compares.
    ///
    /// # Errors
    /// If more was asked for than is allowed.
    pub fn check(of: &'static str, asked: usize, allowed: usize) -> Result<(), Self> {
        if asked > allowed { Err(Self { of, asked, allowed }) } else { Ok(()) }
    }

    fn message(&self) -> String {
        let Self { of, asked, allowed } = self;
        format!("This is over the limit of {of}: {allowed} allowed, {asked} asked for.")
    }

    fn extensions(&self) -> ErrorExtensionValues {
        let limit = [
            ("of", Value::from(self.of)),
            ("asked", Value::from(self.asked)),
            ("allowed", Value::from(self.allowed)),
        ];
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", code::QUERY_TOO_COMPLEX);
        extensions.set("limit", Value::Object(limit.map(|(name, value)| (Name::new(name), value)).into()));
        extensions
    }
}

impl From<OverLimit> for ServerError {
    fn from(over: OverLimit) -> Self {
        let mut error = Self::new(over.message(), None);
        error.extensions = Some(over.extensions());
        error
    }
}

impl From<OverLimit> for Error {
    fn from(over: OverLimit) -> Self {
        let mut error = Self::new(over.message());
        error.extensions = Some(over.extensions());
        error
    }
}
