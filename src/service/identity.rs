//! Proof of who is asking: the tokens that we sign, and those of the site's identity provider (rule 1).

use std::{fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::domain::{
    id::{SeriesId, TokenId, UserId},
    identity::{Caller, JoinOrder, QueuePass, Role},
    text::PersonName,
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
    /// Why the token is no good.
    pub fn caller(&self, token: &str, now: DateTime<Utc>) -> Result<(Caller, DateTime<Utc>), BadToken> {
        let malformed = || BadToken::Unacceptable(MALFORMED.to_owned());
        no_critical_extension(token)?;
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
            return Err(BadToken::Outdated);
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
            name: PersonName::of_claim(&claims.name),
            roles: claims.roles.iter().filter_map(|name| Role::from_name(name)).collect(),
            pass,
        };
        Ok((caller, until))
    }
}

/// What is said of a token that is neither ours nor the identity provider's, or not a token at all.
const MALFORMED: &str = "The token is not one that this server accepts: it is malformed or forged.";

/// RFC 7515, 4.1.11: whoever does not understand what `crit` names has to refuse the token, and we understand no
/// extension at all; a `crit` that names none is against the RFC itself. Looked for in the JSON as it was sent: a reader
/// of the fields that are known would take a null for nothing there.
fn no_critical_extension(token: &str) -> Result<(), BadToken> {
    let unacceptable = |message: &str| BadToken::Unacceptable(message.to_owned());
    let encoded = token.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| unacceptable(MALFORMED))?;
    let header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&header).map_err(|_| unacceptable(MALFORMED))?;
    if header.contains_key("crit") {
        return Err(unacceptable(
            "The token's header has \"crit\", and this server understands no critical extension (RFC 7515).",
        ));
    }
    Ok(())
}

/// Why a token is no good; in words, for whoever shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It was good, and has ended: where no token is needed it is as good as none.
    #[error("The token is outdated; get a new one.")]
    Outdated,
    /// It never was one of ours or of the identity provider's: refused whatever is asked, because who sends it is
    /// mistaken or means harm.
    #[error("{0}")]
    Unacceptable(String),
}

impl House {
    /// Who shows this token, and until when it is good.
    ///
    /// # Errors
    /// Why the token is no good.
    pub fn caller(&self, token: &str) -> Result<(Caller, DateTime<Utc>), BadToken> {
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
        assert_eq!((caller.user, caller.name.as_str(), caller.pass), (user(), "Ann", Some(pass)));
        assert_eq!(until, now() + TimeDelta::hours(24));
        assert_eq!(keys.caller(&token, until).unwrap_err(), BadToken::Outdated);
    }

    #[test]
    fn roles_are_carried_and_forgeries_are_refused() {
        let keys = Keys::new(b"one secret");
        let token = keys.identity_token(&user(), "Ann", &[Role::Organizer], now() + AFTER_THE_SALE).unwrap();
        assert_eq!(keys.caller(&token, now()).unwrap().0.roles, [Role::Organizer]);
        assert!(
            Keys::new(b"another secret").caller(&token, now()).unwrap_err().to_string().contains("forged")
        );
        assert!(keys.caller("nonsense", now()).unwrap_err().to_string().contains("malformed"));
        // {"alg":"none"}
        let payload = token.split('.').nth(1).unwrap();
        assert!(keys.caller(&format!("eyJhbGciOiJub25lIn0.{payload}."), now()).is_err());
    }

    /// RFC 7515, 4.1.11: also where the signature is right.
    #[test]
    fn a_critical_header_is_refused_whatever_its_shape() {
        let secret = b"one secret";
        let keys = Keys::new(secret);
        let claims = r#"{"sub":"ann","exp":4000000000}"#;
        let signed = |header: &str| {
            let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
            let signature =
                jsonwebtoken::crypto::sign(message.as_bytes(), &keys.sign, Algorithm::HS256).unwrap();
            format!("{message}.{signature}")
        };
        let plain = signed(r#"{"alg":"HS256","x":"an extension that is not critical"}"#);
        assert_eq!(keys.caller(&plain, now()).unwrap().0.user, user());
        for crit in [
            r#""crit":["exp"],"exp":1"#,
            r#""crit":["b64"],"b64":false"#,
            r#""crit":["x"],"x":1"#,
            r#""crit":["alg"]"#,
            r#""crit":[]"#,
            r#""crit":null"#,
            r#""crit":"exp""#,
            r#""crit":{}"#,
            r#""crit":[1]"#,
            r#""crit":false"#,
            r#""\u0063rit":["x"],"x":1"#,
            r#""crit":["x"],"crit":null,"x":1"#,
        ] {
            for header in [format!(r#"{{"alg":"HS256",{crit}}}"#), format!(r#"{{{crit},"alg":"HS256"}}"#)] {
                let refused = keys.caller(&signed(&header), now()).unwrap_err();
                assert!(refused.to_string().contains("\"crit\""), "{header}: {refused}");
            }
        }
    }
}
