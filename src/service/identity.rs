//! Proof of who is asking: the tokens that we sign, and those of the site's identity provider (rule 1).

use std::{fmt, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::domain::{
    id::{SeriesId, TokenId, UserId},
    identity::{Caller, JoinOrder, QueuePass, Role},
};
use crate::service::House;

/// How long a queue token outlives the sale that it is for: fans come back for their tickets.
const AFTER_THE_SALE: TimeDelta = TimeDelta::hours(24);

/// What a token says. A queue token has `jti`, `series` and its order among the joins, an identity token may have `roles`.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    name: String,
    exp: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    series: Option<String>,
    /// See [`JoinOrder`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lobby: bool,
}

/// The key that signs our tokens, and the one that checks the identity provider's.
#[derive(Clone)]
pub struct Keys {
    sign: Arc<EncodingKey>,
    own: Arc<DecodingKey>,
    provider: Option<Arc<(Algorithm, DecodingKey)>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// Keys from our signing secret.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self {
            sign: Arc::new(EncodingKey::from_secret(secret)),
            own: Arc::new(DecodingKey::from_secret(secret)),
            provider: None,
        }
    }

    /// The same, and identity tokens that were signed with the private half of this public key (PEM: RSA,
    /// P-256 or Ed25519).
    ///
    /// # Errors
    /// A sentence that says what such a key looks like.
    pub fn with_provider(self, pem: &[u8]) -> Result<Self, String> {
        let rsa = DecodingKey::from_rsa_pem(pem).map(|key| (Algorithm::RS256, key));
        let ec = || DecodingKey::from_ec_pem(pem).map(|key| (Algorithm::ES256, key));
        let ed = || DecodingKey::from_ed_pem(pem).map(|key| (Algorithm::EdDSA, key));
        let key = rsa.or_else(|_| ec()).or_else(|_| ed()).map_err(|_| {
            "the identity provider's key must be the public key in PEM: RSA, P-256 or Ed25519".to_owned()
        })?;
        Ok(Self { provider: Some(Arc::new(key)), ..self })
    }

    /// Signs an identity token.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub fn identity_token(
        &self,
        user: &UserId,
        name: &str,
        roles: &[Role],
        until: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        self.signed(&Claims {
            sub: user.to_string(),
            name: name.to_owned(),
            exp: until.timestamp(),
            roles: roles.iter().map(|role| role.as_str().to_owned()).collect(),
            jti: None,
            series: None,
            seq: None,
            lobby: false,
        })
    }

    /// Signs a queue token. It says who its owner is until a day after the sale, whatever becomes of the place.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub fn queue_token(
        &self,
        pass: QueuePass,
        user: &UserId,
        name: &str,
        sale_ends: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        self.signed(&Claims {
            sub: user.to_string(),
            name: name.to_owned(),
            exp: (sale_ends.max(now) + AFTER_THE_SALE).timestamp(),
            roles: Vec::new(),
            jti: Some(pass.token.to_string()),
            series: Some(pass.series.to_string()),
            seq: pass.order.map(|order| order.seq),
            lobby: pass.order.is_some_and(|order| order.lobby),
        })
    }

    fn signed(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign)
    }

    /// Who shows this token, and until when it is good.
    ///
    /// # Errors
    /// A sentence for the caller: why the token is no good.
    pub fn caller(&self, token: &str, now: DateTime<Utc>) -> Result<(Caller, DateTime<Utc>), String> {
        let malformed =
            || "The token is not one that this server accepts: it is malformed or forged.".to_owned();
        let header = jsonwebtoken::decode_header(token).map_err(|_| malformed())?;
        let (key, is_own) = match (&self.provider, header.alg) {
            (_, Algorithm::HS256) => (&*self.own, true),
            (Some(provider), alg) if alg == provider.0 => (&provider.1, false),
            _ => return Err(malformed()),
        };
        let mut validation = Validation::new(header.alg);
        // The time is ours to ask for.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|_| malformed())?.claims;
        let until = DateTime::from_timestamp(claims.exp, 0).ok_or_else(malformed)?;
        if now >= until {
            return Err("The token is outdated; get a new one.".to_owned());
        }
        let pass = match (&claims.jti, &claims.series) {
            (Some(token), Some(series)) if is_own => Some(QueuePass {
                token: token.parse::<TokenId>().map_err(|_| malformed())?,
                series: series.parse::<SeriesId>().map_err(|_| malformed())?,
                order: claims.seq.map(|seq| JoinOrder { seq, lobby: claims.lobby }),
            }),
            _ => None,
        };
        let caller = Caller {
            user: UserId::try_new(&claims.sub).map_err(|_| malformed())?,
            name: claims.name,
            roles: claims.roles.iter().filter_map(|name| Role::from_name(name)).collect(),
            pass,
        };
        Ok((caller, until))
    }
}

impl House {
    /// Who shows this token, and until when it is good.
    ///
    /// # Errors
    /// A sentence for the caller: why the token is no good.
    pub fn caller(&self, token: &str) -> Result<(Caller, DateTime<Utc>), String> {
        self.keys.caller(token, self.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn user() -> UserId {
        UserId::try_new("ann").unwrap()
    }

    #[test]
    fn a_queue_token_says_who_and_where_until_a_day_after_the_sale() {
        let keys = Keys::new(b"one secret");
        let pass = QueuePass {
            token: TokenId(uuid::Uuid::from_u128(1)),
            series: SeriesId(uuid::Uuid::nil()),
            order: Some(JoinOrder { seq: 7, lobby: true }),
        };
        let token = keys.queue_token(pass, &user(), "Ann", now(), now()).unwrap();
        let (caller, until) = keys.caller(&token, now()).unwrap();
        assert_eq!((caller.user, caller.name, caller.pass), (user(), "Ann".to_owned(), Some(pass)));
        assert_eq!(until, now() + TimeDelta::hours(24));
        assert!(keys.caller(&token, until).unwrap_err().contains("outdated"));
    }

    #[test]
    fn roles_are_carried_and_forgeries_are_refused() {
        let keys = Keys::new(b"one secret");
        let token = keys.identity_token(&user(), "Ann", &[Role::Organizer], now() + AFTER_THE_SALE).unwrap();
        assert_eq!(keys.caller(&token, now()).unwrap().0.roles, [Role::Organizer]);
        assert!(Keys::new(b"another secret").caller(&token, now()).unwrap_err().contains("forged"));
        assert!(keys.caller("nonsense", now()).unwrap_err().contains("malformed"));
        // {"alg":"none"}
        let payload = token.split('.').nth(1).unwrap();
        assert!(keys.caller(&format!("eyJhbGciOiJub25lIn0.{payload}."), now()).is_err());
    }
}
