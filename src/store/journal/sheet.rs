//! Rows that are handed to a statement as values, any number of them with one text: a statement is prepared once for each
//! connection and remembered by its text, and no two batches have the same sizes. PostgreSQL gets an array a column,
//! SQLite one text of JSON; in the statement both are a table `r`.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::{DbBackend, Value, sea_query::ArrayType};
use uuid::Uuid;

/// What stands for no time in an array, which can hold no nulls. In front of every time that can be told.
const NO_TIME: i64 = -62_200_000_000;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Uuid,
    UuidOrNull,
    Text,
    /// Where text is never empty.
    TextOrNull,
    Int,
    BigInt,
    Bool,
    Time,
    TimeOrNull,
}

/// The name of a column, and what it holds.
pub(super) type Column = (&'static str, Kind);

/// Rows of the same columns.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    columns: &'static [Column],
    values: Vec<Vec<Value>>,
}

impl Sheet {
    pub(super) fn new(columns: &'static [Column]) -> Self {
        Self { columns, values: vec![Vec::new(); columns.len()] }
    }

    /// Of one column.
    pub(super) fn of<V: Into<Value>>(
        columns: &'static [Column; 1],
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self { columns, values: vec![values.into_iter().map(Into::into).collect()] }
    }

    /// Adds a row, its values in the order of the columns.
    pub(super) fn push<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(N, self.columns.len());
        for (column, value) in self.values.iter_mut().zip(row) {
            column.push(value);
        }
    }

    pub(super) fn columns(&self) -> &'static [Column] {
        self.columns
    }

    pub(super) fn len(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows as parameters: as many as [`parameters`] says.
    pub(super) fn bound(self, backend: DbBackend) -> Vec<Value> {
        if backend != DbBackend::Postgres {
            return vec![self.json().into()];
        }
        let arrays = self.columns.iter().zip(self.values).map(|((_, kind), values)| {
            let values = values.into_iter().map(|value| kind.no_null(value)).collect();
            Value::Array(kind.array(), Some(Box::new(values)))
        });
        arrays.collect()
    }

    fn json(&self) -> String {
        let mut text = String::from("[");
        for row in 0..self.len() {
            text.push_str(if row == 0 { "[" } else { ",[" });
            for (at, column) in self.values.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                if let Some(value) = column.get(row) {
                    write_json(&mut text, value);
                }
            }
            text.push(']');
        }
        text.push(']');
        text
    }
}

/// How many parameters rows of these columns take.
pub(super) fn parameters(columns: &[Column], backend: DbBackend) -> usize {
    if backend == DbBackend::Postgres { columns.len() } else { 1 }
}

/// The rows as a table `r`, their parameters numbered from `first`.
pub(super) fn table(columns: &[Column], backend: DbBackend, first: usize) -> String {
    let names = columns.iter().map(|(name, _)| *name);
    if backend == DbBackend::Postgres {
        let arrays = (first..).zip(columns).map(|(n, (_, kind))| format!("${n}::{}[]", kind.type_name()));
        let read = columns.iter().map(|(name, kind)| kind.read(name));
        let (arrays, read) = (joined(arrays), joined(read));
        let names = joined(names.map(str::to_owned));
        format!("(SELECT {read} FROM unnest({arrays}) AS u({names})) AS r")
    } else {
        let read = (0..).zip(columns).map(|(at, (name, kind))| match kind {
            Kind::Uuid | Kind::UuidOrNull => format!("unhex(value->>{at}) AS {name}"),
            _ => format!("value->>{at} AS {name}"),
        });
        format!("(SELECT {} FROM json_each(${first})) AS r", joined(read))
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

impl Kind {
    fn type_name(self) -> &'static str {
        match self {
            Self::Uuid | Self::UuidOrNull => "uuid",
            Self::Text | Self::TextOrNull => "text",
            Self::Int => "integer",
            Self::BigInt => "bigint",
            Self::Bool => "boolean",
            Self::Time | Self::TimeOrNull => "timestamptz",
        }
    }

    fn array(self) -> ArrayType {
        match self {
            Self::Uuid | Self::UuidOrNull => ArrayType::Uuid,
            Self::Text | Self::TextOrNull => ArrayType::String,
            Self::Int => ArrayType::Int,
            Self::BigInt => ArrayType::BigInt,
            Self::Bool => ArrayType::Bool,
            Self::Time | Self::TimeOrNull => ArrayType::ChronoDateTimeUtc,
        }
    }

    /// A column of the arrays, with nulls in the place of what stands for them.
    fn read(self, name: &str) -> String {
        match self {
            Self::UuidOrNull => format!("NULLIF({name}, '{}'::uuid) AS {name}", Uuid::nil()),
            Self::TextOrNull => format!("NULLIF({name}, '') AS {name}"),
            Self::TimeOrNull => format!("NULLIF({name}, to_timestamp({NO_TIME})) AS {name}"),
            _ => name.to_owned(),
        }
    }

    fn no_null(self, value: Value) -> Value {
        match (self, value) {
            (Self::UuidOrNull, Value::Uuid(None)) => Uuid::nil().into(),
            (Self::TextOrNull, Value::String(None)) => String::new().into(),
            (Self::TimeOrNull, Value::ChronoDateTimeUtc(None)) => {
                DateTime::from_timestamp(NO_TIME, 0).unwrap_or(DateTime::<Utc>::MIN_UTC).into()
            }
            (_, value) => value,
        }
    }
}

/// As SQLite is to store it: ids as bytes (see [`table`]), times in the form that sqlx gives them.
fn write_json(text: &mut String, value: &Value) {
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Uuid(Some(id)) => write!(text, "\"{}\"", id.simple()),
        Value::String(Some(value)) => write!(text, "{}", serde_json::Value::from(value.as_str())),
        Value::Int(Some(n)) => write!(text, "{n}"),
        Value::BigInt(Some(n)) => write!(text, "{n}"),
        Value::Bool(Some(yes)) => write!(text, "{}", i32::from(*yes)),
        Value::ChronoDateTimeUtc(Some(time)) => {
            write!(text, "\"{}\"", time.to_rfc3339_opts(SecondsFormat::AutoSi, false))
        }
        _ => write!(text, "null"),
    };
}
