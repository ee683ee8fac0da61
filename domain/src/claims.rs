//! What a token says, once its signature has been checked (rule 1): the claims of RFC 7519 and OpenID Connect as real
//! providers write them. What those allow is taken; what they forbid is refused, with the claim named, so that whoever
//! set the provider up can see what to change.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::{
    id::{SeriesId, TokenId, UserId},
    identity::{Caller, JoinOrder, QueuePass, Role},
    text::PersonName,
};

/// By how much the provider's clock may be ahead of ours: `nbf` is often the moment at which a token is made.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(5);

/// Who has signed a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// We have: it may be a queue token.
    Ourselves,
    /// The site's identity provider: whatever it says beside who somebody is means something else than with us.
    Provider,
}

/// What an identity token has to say of where it comes from and whom it is for; nothing where nothing is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// `iss`.
    pub issuer: Option<String>,
    /// One of these has to be in `aud`.
    pub audiences: Vec<String>,
}

/// Why a token is no good; in words, for whoever shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It was good, and has ended: where no token is needed it is as good as none.
    #[error("The token is outdated by its \"exp\"; get a new one.")]
    Outdated,
    /// It never was one of ours or of the identity provider's, or is not good yet: refused whatever is asked, because who
    /// sends it is mistaken or means harm.
    #[error("{0}")]
    Unacceptable(String),
}

impl BadToken {
    fn claim(name: &str, why: &str) -> Self {
        Self::Unacceptable(format!("The token's \"{name}\" {why}."))
    }
}

/// What a token says, whatever the time is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who shows it.
    pub caller: Caller,
    /// `nbf`: when it begins to be good.
    pub from: Option<DateTime<Utc>>,
    /// `exp`: when it ends.
    pub until: DateTime<Utc>,
}

impl Verified {
    /// Sees that the token is good at this moment.
    ///
    /// # Errors
    /// It is not good yet, or has ended.
    pub fn check_at(&self, now: DateTime<Utc>) -> Result<(), BadToken> {
        if self.from.is_some_and(|from| now + LEEWAY < from) {
            return Err(BadToken::claim("nbf", "is ahead: the token is not good yet"));
        }
        if now >= self.until {
            return Err(BadToken::Outdated);
        }
        Ok(())
    }
}

/// Who shows a token with these claims, and when it is good: that is to be looked at each time.
///
/// # Errors
/// What is wrong with it; of several things one.
pub fn read(claims: &Map<String, Value>, signer: Signer, expected: &Expected) -> Result<Verified, BadToken> {
    let until = time(claims, "exp")?.ok_or_else(|| BadToken::claim("exp", "is missing"))?;
    let from = time(claims, "nbf")?;
    time(claims, "iat")?;
    let pass = match signer {
        Signer::Ourselves => pass(claims)?,
        Signer::Provider => None,
    };
    let user = text(claims, "sub")?.ok_or_else(|| BadToken::claim("sub", "is missing"))?;
    let caller = Caller {
        user: UserId::try_new(user).map_err(|why| BadToken::claim("sub", &why))?,
        name: PersonName::of_claim(text(claims, "name")?.unwrap_or_default()),
        roles: roles(claims)?,
        pass,
    };
    // A queue token comes from here and is for here, whatever the provider's tokens are to say.
    let is_identity = caller.pass.is_none();
    issuer(claims, expected, is_identity)?;
    audience(claims, expected, is_identity)?;
    Ok(Verified { caller, from, until })
}

/// A claim that is there; a null says nothing.
fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    claims.get(name).filter(|value| !value.is_null())
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, BadToken> {
    claim(claims, name)
        .map(|value| value.as_str().ok_or_else(|| BadToken::claim(name, "must be a string")))
        .transpose()
}

/// The earliest and the latest moment that a time can be: what lies beyond is as good as this.
const TIMES: [DateTime<Utc>; 2] = [
    DateTime::UNIX_EPOCH,
    match DateTime::from_timestamp(253_402_300_799, 0) {
        Some(end_of_the_year_9999) => end_of_the_year_9999,
        None => DateTime::<Utc>::MAX_UTC,
    },
];

/// A `NumericDate`: seconds since 1970, also in parts and also written as 1.7e9 (RFC 7519, 2). Of a part of a millisecond
/// nothing is left, so that nothing lasts longer than it should.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<DateTime<Utc>>, BadToken> {
    let Some(value) = claim(claims, name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|_| value.is_number());
    let seconds = seconds
        .ok_or_else(|| BadToken::claim(name, "must be a number, the seconds since 1970 (RFC 7519, 2)"))?;
    let [first, last] = TIMES;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast of a float ends at the bounds of the integer"
    )]
    let millis = (seconds * 1_000.0).floor() as i64;
    let millis = millis.clamp(first.timestamp_millis(), last.timestamp_millis());
    Ok(DateTime::from_timestamp_millis(millis))
}

/// The roles that are ours; others mean something elsewhere. A list, or one string with blanks between them as in `scope`.
fn roles(claims: &Map<String, Value>) -> Result<Vec<Role>, BadToken> {
    match claim(claims, "roles") {
        None => Ok(Vec::new()),
        Some(Value::String(names)) => Ok(names.split_whitespace().filter_map(Role::from_name).collect()),
        Some(Value::Array(names)) => {
            Ok(names.iter().filter_map(Value::as_str).filter_map(Role::from_name).collect())
        }
        Some(_) => Err(BadToken::claim("roles", "must be a list of strings, or a string")),
    }
}

fn issuer(claims: &Map<String, Value>, expected: &Expected, is_needed: bool) -> Result<(), BadToken> {
    let (named, Some(issuer)) = (text(claims, "iss")?, &expected.issuer) else { return Ok(()) };
    match named {
        Some(named) if named == issuer => Ok(()),
        None if !is_needed => Ok(()),
        Some(_) => Err(BadToken::claim("iss", "is not the identity provider of this server")),
        None => Err(BadToken::claim("iss", "is missing")),
    }
}

/// `aud` is a string, or a list of them (RFC 7519, 4.1.3).
fn audience(claims: &Map<String, Value>, expected: &Expected, is_needed: bool) -> Result<(), BadToken> {
    let unreadable = || BadToken::claim("aud", "must be a string, or a list of strings");
    let named: Option<Vec<&str>> = match claim(claims, "aud") {
        None => None,
        Some(Value::String(one)) => Some(vec![one]),
        Some(Value::Array(all)) => {
            Some(all.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(unreadable)?)
        }
        Some(_) => return Err(unreadable()),
    };
    if expected.audiences.is_empty() {
        return Ok(());
    }
    match named {
        Some(named) if named.iter().any(|named| expected.audiences.iter().any(|one| one == named)) => Ok(()),
        None if !is_needed => Ok(()),
        Some(_) => Err(BadToken::claim("aud", "does not name this server: the token is for another one")),
        None => Err(BadToken::claim("aud", "is missing")),
    }
}

/// What a queue token says beside who its owner is; nothing if it is none. A `jti` alone is just the name of a token.
fn pass(claims: &Map<String, Value>) -> Result<Option<QueuePass>, BadToken> {
    let (Some(token), Some(series)) = (text(claims, "jti")?, text(claims, "series")?) else {
        return Ok(None);
    };
    let seq = claim(claims, "seq")
        .map(|seq| seq.as_u64().ok_or_else(|| BadToken::claim("seq", "must be a number that counts")));
    let lobby = claim(claims, "lobby").is_some_and(|lobby| *lobby == Value::Bool(true));
    Ok(Some(QueuePass {
        token: token.parse::<TokenId>().map_err(|_| BadToken::claim("jti", "is not the id of a token"))?,
        series: series
            .parse::<SeriesId>()
            .map_err(|_| BadToken::claim("series", "is not the id of a date"))?,
        order: seq.transpose()?.map(|seq| JoinOrder { seq, lobby }),
    }))
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
