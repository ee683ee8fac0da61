//! Tokens whose signatures were checked lately, so that those of a fan who asks again are not checked again.
//!
//! Kept is what a good signature stands under, by the whole text of the token; a forged one is never kept. Whether a token
//! is good yet, or still, is not remembered: that is looked at each time it is shown.

use std::{fmt, sync::Arc};

use moka::sync::Cache;

use crate::domain::claims::Verified;

/// All tokens that are kept together, in bytes: some twelve thousand of the usual length. The cache lets go of what is too
/// much a few hundred tokens at a time.
const BYTES: u64 = 16 << 20;

/// What a token takes beside its text and its roles: who shows it, and its place in the cache. A name is part of the text.
const OVERHEAD: usize = 512;

/// A longer one is checked each time: a hundred of them would fill the room of all others.
const MOST_OF_ONE: usize = 16 << 10;

/// By their texts.
#[derive(Clone)]
pub(super) struct VerifiedTokens(Cache<Arc<str>, Arc<Verified>>);

impl Default for VerifiedTokens {
    fn default() -> Self {
        let weigh = |token: &Arc<str>, _: &Arc<Verified>| u32::try_from(weight(token)).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(BYTES).weigher(weigh).build())
    }
}

impl fmt::Debug for VerifiedTokens {
    /// Without the tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedTokens(..)")
    }
}

impl VerifiedTokens {
    /// What this token says, if its signature was checked.
    pub(super) fn get(&self, token: &str) -> Option<Arc<Verified>> {
        self.0.get(token)
    }

    /// Keeps a token whose signature is good.
    pub(super) fn keep(&self, token: &str, verified: &Arc<Verified>) {
        if weight(token) <= MOST_OF_ONE {
            self.0.insert(token.into(), Arc::clone(verified));
        }
    }

    /// How much of [`BYTES`] is taken, counted by what is there.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.0.iter().map(|(token, _)| weight(&token) as u64).sum()
    }
}

/// The claims that are kept are not longer than the text, which is theirs in base64.
fn weight(token: &str) -> usize {
    2 * token.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::domain::{claims::BadToken, id::UserId};
    use crate::service::identity::Keys;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn token(keys: &Keys, user: &str) -> String {
        let user = UserId::try_new(user).unwrap();
        keys.identity_token(&user, "Ann", &[], now() + TimeDelta::hours(1)).unwrap()
    }

    #[test]
    fn a_token_is_checked_once_and_its_end_each_time() {
        let keys = Keys::new(b"one secret");
        let token = token(&keys, "ann");
        let first = keys.caller(&token, now()).unwrap();
        assert!(Arc::ptr_eq(&first, &keys.caller(&token, now()).unwrap()));
        let end = now() + TimeDelta::hours(1);
        assert!(keys.caller(&token, end - TimeDelta::milliseconds(1)).is_ok());
        assert_eq!(keys.caller(&token, end).unwrap_err(), BadToken::Outdated);
        // The clock was set back.
        assert!(keys.caller(&token, now()).is_ok());
    }

    /// Of each byte of the text, and whatever of it was kept.
    #[test]
    fn what_is_like_a_good_token_is_none() {
        let keys = Keys::new(b"one secret");
        let good = token(&keys, "ann");
        keys.caller(&good, now()).unwrap();
        let others = [token(&keys, "anne"), token(&Keys::new(b"another secret"), "ann")];
        assert_eq!(keys.caller(&others[0], now()).unwrap().caller.user.as_str(), "anne");
        for _ in 0..2 {
            assert!(keys.caller(&others[1], now()).is_err(), "it is not kept as a good one");
        }
        for at in 0..good.len() {
            let mut forged = good.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            let taken = keys.caller(&forged, now());
            // The last characters of a part may have bits that stand for nothing.
            assert!(taken.is_err(), "{at}: {forged}");
        }
        for cut in [&good[1..], &good[..good.len() - 1], &format!("{good} ")[..], &format!(" {good}")[..]] {
            assert!(keys.caller(cut, now()).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_was_checked_by_other_rules_is_not_known() {
        let keys = Keys::new(b"one secret");
        let token = token(&keys, "ann");
        keys.caller(&token, now()).unwrap();
        let strict = keys.clone().expecting(crate::domain::claims::Expected {
            issuer: Some("https://login.example".to_owned()),
            audiences: Vec::new(),
        });
        assert!(strict.caller(&token, now()).is_err());
        assert!(keys.caller(&token, now()).is_ok());
    }

    #[test]
    fn a_flood_of_tokens_takes_no_more_than_its_room() {
        let keys = Keys::new(b"one secret");
        let (tokens, verified) =
            (VerifiedTokens::default(), keys.caller(&token(&keys, "ann"), now()).unwrap());
        let long = "x".repeat(MOST_OF_ONE / 2);
        tokens.keep(&long, &verified);
        assert!(tokens.get(&long).is_none());
        for n in 0..20_000 {
            tokens.keep(&format!("{n:0>300}"), &verified);
            tokens.keep(&format!("{n:0>7000}"), &verified);
        }
        let bytes = tokens.bytes();
        assert!(bytes <= BYTES + (384 * MOST_OF_ONE) as u64 && bytes > BYTES / 2, "{bytes}");
        let before = keys.verified().bytes();
        for n in 0..1_000 {
            assert!(keys.caller(&format!("e30.{n}.x"), now()).is_err());
        }
        assert_eq!(keys.verified().bytes(), before, "what is forged is not kept");
    }
}
