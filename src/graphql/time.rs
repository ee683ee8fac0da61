//! Instants, as clients write and read them.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{DateTime, Utc};

use crate::domain::time;

/// An instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub DateTime<Utc>);

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

/// An instant as RFC 3339 has it, in the years 0000 to 9999, with seconds from 00 to 59 and an offset: `Z`, or such as
/// `+09:00`. What is less than a millisecond is cut off. It comes back in UTC and with milliseconds:
/// `2031-05-01T10:30:00.000Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339")]
impl ScalarType for Time {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => time::parse(&text).map(Self).map_err(InputValueError::custom),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(time::format(self.0))
    }
}
