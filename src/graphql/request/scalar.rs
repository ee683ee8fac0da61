//! The scalars of the specification, as it coerces them.

use async_graphql::Number;
use async_graphql_value::Value;

/// Where a value was written: JSON has one kind of number, a document has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A variable of the request.
    Json,
    /// A literal.
    Document,
}

/// The value as the scalar of that name; `None` for one that is not of the specification.
///
/// # Errors
/// What it must be, and is not.
pub(super) fn coerce(name: &str, value: &Value, source: Source) -> Option<Result<Value, String>> {
    let coerced = match name {
        "Int" => int(value, source),
        "Float" => match value {
            Value::Number(_) => Ok(value.clone()),
            _ => Err(not("a Float, a number", value)),
        },
        "String" => match value {
            Value::String(_) => Ok(value.clone()),
            _ => Err(not("a String", value)),
        },
        "Boolean" => match value {
            Value::Boolean(_) => Ok(value.clone()),
            _ => Err(not("a Boolean, true or false", value)),
        },
        "ID" => id(value, source),
        _ => return None,
    };
    Some(coerced)
}

fn int(value: &Value, source: Source) -> Result<Value, String> {
    let whole = match value {
        Value::Number(number) => whole(number, source),
        _ => None,
    };
    let fits = whole.and_then(|whole| i32::try_from(whole).ok());
    fits.map(|int| Value::Number(int.into())).ok_or_else(|| {
        let (least, most) = (i32::MIN, i32::MAX);
        not(&format!("an Int, a whole number from {least} to {most}"), value)
    })
}

/// JSON does not tell 1000 from 1000.0 and 1e3.
fn whole(number: &Number, source: Source) -> Option<i64> {
    // 2^53: up to there a float is the number that was written.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT)?;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number up to 2^53")]
    (source == Source::Json).then_some(float as i64)
}

fn id(value: &Value, source: Source) -> Result<Value, String> {
    match value {
        Value::String(_) => Ok(value.clone()),
        Value::Number(number) => match number.as_u64() {
            Some(whole) => Ok(Value::String(whole.to_string())),
            None => whole(number, source)
                .map(|whole| Value::String(whole.to_string()))
                .ok_or_else(|| not("an ID, a string or a whole number", value)),
        },
        _ => Err(not("an ID, a string or a whole number", value)),
    }
}

/// The sentence about a value that is something else.
pub(super) fn not(expected: &str, value: &Value) -> String {
    format!("must be {expected}, not {}", shown(value))
}

/// A value as its sender may recognise it, and not longer than a line.
fn shown(value: &Value) -> String {
    match value {
        Value::List(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Binary(_) => "bytes".to_owned(),
        Value::String(text) => format!("\"{}\"", line(text)),
        Value::Enum(word) => line(word),
        other => other.to_string(),
    }
}

/// What somebody has sent, escaped and not longer than a line.
pub(super) fn line(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text[..end].escape_debug()),
        None => text.escape_debug().to_string(),
    }
}
