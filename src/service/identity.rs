//! Proof of who is asking: the tokens that we sign, and those of the site's identity provider (rule 1).
//!
//! Here a token is taken apart and its signature checked, by `crypto`; what its claims say is [`claims`].

mod crypto;

use std::{fmt, sync::Arc};

use base64::{
    Engine, prelude::BASE64_STANDARD as STANDARD, prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD,
};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Map, Value};

pub use crate::domain::claims::{BadToken, Expected, Verified};
use crate::domain::{
    claims::{self, Signer},
    id::UserId,
    identity::{QueuePass, Role},
};
use crate::service::{Services, verified::VerifiedTokens};

/// How long a queue token outlives the sale that it is for: fans come back for their tickets.
const AFTER_THE_SALE: TimeDelta = TimeDelta::hours(24);

/// The algorithms that fit a key of each kind: providers choose among them, and often let their customers choose.
const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];
const P_256: &[Algorithm] = &[Algorithm::ES256];
const P_384: &[Algorithm] = &[Algorithm::ES384];
const ED_25519: &[Algorithm] = &[Algorithm::EdDSA];

/// What we write into a token. A queue token has `jti`, `series` and its order among the joins, an identity token may
/// have `roles`, and says where it comes from if those have to.
#[derive(Debug, Default, Serialize)]
struct Claims<'a> {
    sub: &'a str,
    name: &'a str,
    exp: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    aud: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<String>,
    /// See [`crate::domain::identity::JoinOrder`].
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lobby: bool,
}

/// The key that signs our tokens, and the one that checks the identity provider's.
#[derive(Clone)]
pub struct Keys {
    sign: Arc<EncodingKey>,
    own: Arc<DecodingKey>,
    provider: Option<Arc<(&'static [Algorithm], DecodingKey)>>,
    expected: Arc<Expected>,
    /// By these keys and what is expected.
    verified: VerifiedTokens,
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
        crypto::install();
        Self {
            sign: Arc::new(EncodingKey::from_secret(secret)),
            own: Arc::new(DecodingKey::from_secret(secret)),
            provider: None,
            expected: Arc::default(),
            verified: VerifiedTokens::default(),
        }
    }

    /// The same, and identity tokens have to say this of where they come from and whom they are for.
    #[must_use]
    pub fn expecting(self, expected: Expected) -> Self {
        Self { expected: Arc::new(expected), verified: VerifiedTokens::default(), ..self }
    }

    /// The same, and identity tokens that were signed with the private half of this public key (PEM: RSA,
    /// P-256, P-384 or Ed25519). A key by which no token could ever be checked is refused here, and not with each token.
    ///
    /// # Errors
    /// A sentence that says what such a key looks like.
    pub fn with_provider(self, pem: &[u8]) -> Result<Self, String> {
        let key = provider_key(pem).ok_or(
            "the identity provider's key must be the public key in PEM (\"-----BEGIN PUBLIC KEY-----\"): \
             RSA of 2048 to 8192 bits, P-256 or P-384 (uncompressed), or Ed25519",
        )?;
        Ok(Self { provider: Some(Arc::new(key)), verified: VerifiedTokens::default(), ..self })
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
            sub: user.as_str(),
            name,
            exp: until.timestamp(),
            roles: roles.iter().map(|role| role.as_str()).collect(),
            iss: self.expected.issuer.as_deref(),
            aud: &self.expected.audiences,
            ..Claims::default()
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
            sub: user.as_str(),
            name,
            exp: (sale_ends.max(now) + AFTER_THE_SALE).timestamp(),
            jti: Some(pass.token.to_string()),
            series: Some(pass.series.to_string()),
            seq: pass.order.map(|order| order.seq),
            lobby: pass.order.is_some_and(|order| order.lobby),
            ..Claims::default()
        })
    }

    fn signed(&self, claims: &Claims<'_>) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign)
    }

    /// Who shows this token, and until when it is good.
    ///
    /// # Errors
    /// Why the token is no good.
    pub fn caller(&self, token: &str, now: DateTime<Utc>) -> Result<Arc<Verified>, BadToken> {
        let verified = match self.verified.get(token) {
            Some(known) => known,
            None => {
                let (claims, signer) = self.signed_claims(token)?;
                let verified = Arc::new(claims::read(&claims, signer, &self.expected)?);
                self.verified.keep(token, &verified);
                verified
            }
        };
        verified.check_at(now)?;
        Ok(verified)
    }

    #[cfg(test)]
    pub(super) fn verified(&self) -> &VerifiedTokens {
        &self.verified
    }

    /// What the token says, if it is signed as it should be, and by whom. The library checks the signature alone: it reads
    /// claims more strictly than RFC 7519 does, and says of none of them that it is the one that is wrong.
    fn signed_claims(&self, token: &str) -> Result<(Map<String, Value>, Signer), BadToken> {
        let (message, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = message.split_once('.').ok_or_else(malformed)?;
        let header = object(header)?;
        no_critical_extension(&header)?;
        let algorithm: Algorithm = header
            .get("alg")
            .and_then(Value::as_str)
            .and_then(|name| name.parse().ok())
            .ok_or_else(malformed)?;
        let (key, signer) = match &self.provider {
            _ if algorithm == Algorithm::HS256 => (&*self.own, Signer::Ourselves),
            Some(provider) if provider.0.contains(&algorithm) => (&provider.1, Signer::Provider),
            _ => return Err(malformed()),
        };
        match jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm) {
            Ok(true) => Ok((object(claims)?, signer)),
            Ok(false) | Err(_) => Err(malformed()),
        }
    }
}

/// The names of the curves as they stand in a key (RFC 5480, 2.1.1.1), in DER.
const CURVE_P_256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const CURVE_P_384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// A key and the algorithms that fit it. The library reads more than can be used: private keys, certificates, keys that are
/// too short, and curves that it does not know.
fn provider_key(pem: &[u8]) -> Option<(&'static [Algorithm], DecodingKey)> {
    let text = std::str::from_utf8(pem).ok()?;
    let is_public =
        |line: &str| matches!(line.trim(), "-----BEGIN PUBLIC KEY-----" | "-----BEGIN RSA PUBLIC KEY-----");
    text.lines().find(|line| line.starts_with("-----BEGIN")).filter(|line| is_public(line))?;
    let (algorithms, key) = if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
        (RSA, key)
    } else if let Ok(key) = DecodingKey::from_ec_pem(pem) {
        (curve(text)?, key)
    } else {
        (ED_25519, DecodingKey::from_ed_pem(pem).ok()?)
    };
    algorithms.iter().all(|algorithm| crypto::fits(*algorithm, &key)).then_some((algorithms, key))
}

fn curve(pem: &str) -> Option<&'static [Algorithm]> {
    let body: String = pem.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).ok()?;
    let names = |curve: &[u8]| der.windows(curve.len()).any(|part| part == curve);
    if names(CURVE_P_256) { Some(P_256) } else { names(CURVE_P_384).then_some(P_384) }
}

/// What is said of a token that is neither ours nor the identity provider's, or not a token at all.
fn malformed() -> BadToken {
    let message = "The token is not one that this server accepts: it is malformed or forged.";
    BadToken::Unacceptable(message.to_owned())
}

/// A part of a token: a JSON object in base64url.
fn object(encoded: &str) -> Result<Map<String, Value>, BadToken> {
    let json = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| malformed())?;
    serde_json::from_slice(&json).map_err(|_| malformed())
}

/// RFC 7515, 4.1.11: whoever does not understand what `crit` names has to refuse the token, and we understand no
/// extension at all; a `crit` that names none is against the RFC itself, and so is a null.
fn no_critical_extension(header: &Map<String, Value>) -> Result<(), BadToken> {
    if header.contains_key("crit") {
        let message =
            "The token's header has \"crit\", and this server understands no critical extension (RFC 7515).";
        return Err(BadToken::Unacceptable(message.to_owned()));
    }
    Ok(())
}

impl Services {
    /// Who shows this token, and until when it is good.
    ///
    /// # Errors
    /// Why the token is no good.
    pub fn caller(&self, token: &str) -> Result<Arc<Verified>, BadToken> {
        self.keys.caller(token, self.clock.now())
    }
}

#[cfg(test)]
mod tests;
