//! Failures as top-level errors, and the one way to read what a client sent.

use std::{
    any::{Any, TypeId},
    str::FromStr,
    sync::Arc,
};

use async_graphql::{Context, Data, Error, ErrorExtensions, ID, Name, Value};
use chrono::{DateTime, Utc};

use crate::{
    domain::{
        identity::Caller,
        mistake::{Mistake, Mistakes, Step},
    },
    graphql::{code, shown::Shown},
    service::{Failure, Services, identity::BadToken},
};

/// How long a client should wait before it tries again when a store is not available, in milliseconds.
const RETRY_AFTER_MS: u64 = 1_000;

/// The failure as an error with its code. A problem is not an error: a mutation puts it into its payload; in a
/// query it means that the thing asked for is not there.
#[must_use]
pub fn error(failure: Failure) -> Error {
    let (code, message) = match failure {
        Failure::Problem(problem) => (code::NOT_FOUND, problem.to_string()),
        Failure::Unauthenticated(message) => (code::UNAUTHENTICATED, message),
        Failure::Forbidden(message) => (code::FORBIDDEN, message),
        Failure::BadInput(mistakes) => return bad_inputs(&mistakes),
        Failure::NotFound(message) => (code::NOT_FOUND, message),
        Failure::SeriesNotCreated => {
            (code::SERIES_NOT_CREATED, "No date of this concert has been created yet.".to_owned())
        }
        Failure::Unavailable => return unavailable(RETRY_AFTER_MS),
        Failure::Overloaded { retry_after_ms } => return unavailable(retry_after_ms),
        Failure::RateLimited { message, retry_after } => {
            // To come back a moment too early would be to be refused again.
            let ms = u64::try_from(retry_after.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
            return with_code(message, code::RATE_LIMITED)
                .extend_with(|_, extensions| extensions.set("retryAfterMs", ms));
        }
        // With a source and without a code: logged with a request id, and hidden, by the transport.
        Failure::Internal(source) => return Error::new_with_source(Broken(source)),
    };
    with_code(message, code)
}

fn unavailable(retry_after_ms: u64) -> Error {
    let message = "We are overloaded or a store is down; it is safe to try again in a moment.";
    with_code(message, code::UNAVAILABLE)
        .extend_with(|_, extensions| extensions.set("retryAfterMs", retry_after_ms))
}

#[derive(Debug)]
struct Broken(Box<dyn std::error::Error + Send + Sync>);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn with_code(message: impl Into<String>, code: &'static str) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// How many mistakes are told: nobody mends more at once, and an answer has to end.
const TOLD: usize = 100;

/// How many of them the message is made of.
const IN_THE_MESSAGE: usize = 10;

/// BAD_USER_INPUT with every mistake of an input and its place, in `extensions.inputs`.
#[must_use]
pub fn bad_inputs(mistakes: &[Mistake]) -> Error {
    let mut message =
        mistakes.iter().take(IN_THE_MESSAGE).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if mistakes.len() > IN_THE_MESSAGE {
        message.push_str(&format!("; and {} more", mistakes.len() - IN_THE_MESSAGE));
    }
    let inputs = mistakes.iter().take(TOLD).map(|Mistake { path, message }| {
        let path = path.iter().map(|step| match step {
            Step::Name(name) => Value::from(name.as_ref()),
            Step::Index(index) => Value::from(*index),
        });
        let entry = [("path", Value::List(path.collect())), ("message", Value::from(message.as_str()))];
        Value::Object(entry.map(|(key, value)| (Name::new(key), value)).into())
    });
    let inputs = Value::List(inputs.collect());
    with_code(message, code::BAD_USER_INPUT)
        .extend_with(|_, extensions| extensions.set("inputs", inputs.clone()))
}

/// Put into a request instead of a [`Shown`] by a token that was good and has ended, with what to tell whoever shows
/// it: it is as good as none where none is needed, and refused where one is.
#[derive(Clone, Debug)]
pub struct Outdated(pub String);

/// Who is asking.
///
/// # Errors
/// UNAUTHENTICATED if nobody has said so, or by a token that has ended.
pub fn caller<'a>(ctx: &Context<'a>) -> Result<&'a Caller, Error> {
    caller_opt(ctx)?.ok_or_else(nobody)
}

/// Who is asking, where that need not be said.
///
/// # Errors
/// UNAUTHENTICATED for a token that has ended.
pub fn caller_opt<'a>(ctx: &Context<'a>) -> Result<Option<&'a Caller>, Error> {
    if let Some(Outdated(message)) = ctx.data_opt::<Outdated>() {
        return Err(with_code(message, code::UNAUTHENTICATED));
    }
    let Some(shown) = ctx.data_opt::<Arc<Shown>>() else { return Ok(None) };
    // A stream may outlive the token that opened it.
    let caller = shown.caller(ctx.data::<Arc<Services>>()?.clock().now());
    caller.map(Some).ok_or_else(lapsed)
}

/// Who opens a stream, and until when the token is good that says so.
///
/// # Errors
/// As [`caller`].
pub fn shown(data: &Data, now: DateTime<Utc>) -> Result<&Arc<Shown>, Error> {
    if let Some(Outdated(message)) = data_of::<Outdated>(data) {
        return Err(with_code(message, code::UNAUTHENTICATED));
    }
    let shown = data_of::<Arc<Shown>>(data).ok_or_else(nobody)?;
    shown.caller(now).map(|_| shown).ok_or_else(lapsed)
}

fn data_of<T: Any + Send + Sync>(data: &Data) -> Option<&T> {
    data.get(&TypeId::of::<T>())?.downcast_ref()
}

fn nobody() -> Error {
    with_code("This needs a token: send \"Authorization: Bearer <token>\".", code::UNAUTHENTICATED)
}

/// The token that allowed something has ended.
#[must_use]
pub fn lapsed() -> Error {
    with_code(BadToken::Outdated.to_string(), code::UNAUTHENTICATED)
}

/// Reads the arguments of a field that is not a mutation's `input`.
///
/// # Errors
/// BAD_USER_INPUT with all of the mistakes.
pub fn read<T>(arguments: Result<T, Vec<Mistake>>) -> Result<T, Error> {
    arguments.map_err(|mistakes| bad_inputs(&mistakes))
}

/// Reads a mutation's `input`.
///
/// # Errors
/// As [`read`].
pub fn read_input<T>(input: Result<T, Vec<Mistake>>) -> Result<T, Error> {
    input.map_err(|mistakes| error(Failure::BadInput(mistakes).below("input")))
}

/// The same for one argument.
///
/// # Errors
/// BAD_USER_INPUT with its name.
pub fn read_one<T>(name: &'static str, argument: Result<T, String>) -> Result<T, Error> {
    read(argument.map_err(|why| vec![Mistake::at([name.into()], why)]))
}

/// The same for one field of a mutation's `input`.
///
/// # Errors
/// BAD_USER_INPUT with its name.
pub fn read_one_input<T>(name: &'static str, field: Result<T, String>) -> Result<T, Error> {
    read_input(field.map_err(|why| vec![Mistake::at([name.into()], why)]))
}

/// Reads an id by itself.
///
/// # Errors
/// BAD_USER_INPUT if it has not the form of one.
pub fn id<T: FromStr>(name: &'static str, value: &ID) -> Result<T, Error> {
    read_one(name, parse_id(value))
}

/// Reads an id that may be left out.
///
/// # Errors
/// As [`id`].
pub fn id_opt<T: FromStr>(name: &'static str, value: Option<&ID>) -> Result<Option<T>, Error> {
    value.map(|value| id(name, value)).transpose()
}

/// Reads an id.
///
/// # Errors
/// A sentence, without the name of the input, that says what an id looks like.
pub fn parse_id<T: FromStr>(id: &ID) -> Result<T, String> {
    id.parse().map_err(|_| {
        let shown: String = id.chars().take(40).collect();
        format!(
            "must be a UUID such as 0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f, not \"{}\"",
            shown.escape_debug()
        )
    })
}

/// Reads a list of ids, of which there may be `most`: how many there are is looked at before any of them.
///
/// # Errors
/// Each that has not the form of an id, or that there are more.
pub fn parse_ids<T: FromStr>(ids: &[ID], most: u32) -> Result<Vec<T>, Vec<Mistake>> {
    if ids.len() > most as usize {
        return Err(vec![Mistake::at([], format!("must name at most {most}, not {}", ids.len()))]);
    }
    let mut wrong = Mistakes::default();
    let read: Vec<_> =
        ids.iter().enumerate().filter_map(|(at, id)| wrong.take([at.into()], parse_id(id))).collect();
    wrong.none_or(read)
}
