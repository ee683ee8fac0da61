use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};

use super::*;
use crate::domain::{
    id::{SeriesId, TokenId},
    identity::JoinOrder,
};

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
    let Verified { caller, until, .. } = Arc::unwrap_or_clone(keys.caller(&token, now()).unwrap());
    assert_eq!((caller.user, caller.name.as_str(), caller.pass), (user(), "Ann", Some(pass)));
    assert_eq!(until, now() + TimeDelta::hours(24));
    assert_eq!(keys.caller(&token, until).unwrap_err(), BadToken::Outdated);
}

#[test]
fn roles_are_carried_and_forgeries_are_refused() {
    let keys = Keys::new(b"one secret");
    let token = keys.identity_token(&user(), "Ann", &[Role::Organizer], now() + AFTER_THE_SALE).unwrap();
    assert_eq!(keys.caller(&token, now()).unwrap().caller.roles, [Role::Organizer]);
    assert!(Keys::new(b"another secret").caller(&token, now()).unwrap_err().to_string().contains("forged"));
    assert!(keys.caller("nonsense", now()).unwrap_err().to_string().contains("malformed"));
    // {"alg":"none"}
    let payload = token.split('.').nth(1).unwrap();
    assert!(keys.caller(&format!("eyJhbGciOiJub25lIn0.{payload}."), now()).is_err());
}

/// A token with any header and claims, signed with that key.
fn token(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = signature(message.as_bytes(), key.as_bytes(), algorithm);
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// As others would sign: Frontrow itself signs by HS256 alone.
fn signature(message: &[u8], key: &[u8], algorithm: Algorithm) -> Vec<u8> {
    let by = |hash| hmac::sign(&hmac::Key::new(hash, key), message).as_ref().to_vec();
    match algorithm {
        Algorithm::HS256 => by(hmac::HMAC_SHA256),
        Algorithm::HS384 => by(hmac::HMAC_SHA384),
        Algorithm::HS512 => by(hmac::HMAC_SHA512),
        Algorithm::ES384 => {
            let random = SystemRandom::new();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, key, &random).unwrap();
            pair.sign(&random, message).unwrap().as_ref().to_vec()
        }
        Algorithm::EdDSA => {
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(key).unwrap().sign(message).as_ref().to_vec()
        }
        other => panic!("no test signs by {other:?}"),
    }
}

const CLAIMS: &str = r#"{"sub":"ann","exp":4000000000}"#;

/// RFC 7515, 4.1.11: also where the signature is right.
#[test]
fn a_critical_header_is_refused_whatever_its_shape() {
    let keys = Keys::new(b"one secret");
    let signed = |header: &str| token(header, CLAIMS, &keys.sign, Algorithm::HS256);
    let plain = signed(r#"{"alg":"HS256","x":"an extension that is not critical"}"#);
    assert_eq!(keys.caller(&plain, now()).unwrap().caller.user, user());
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

/// What a header may say beside `alg` is not for us; but `alg` has to be there, and fit the key.
#[test]
fn headers_of_real_providers_are_taken() {
    let keys = Keys::new(b"one secret");
    let signed = |header: &str| token(header, CLAIMS, &keys.sign, Algorithm::HS256);
    for rest in [
        r#""typ":"JWT""#,
        r#""typ":"at+jwt","kid":"2026-11""#,
        r#""typ":"application/at+jwt","cty":null"#,
        r#""typ":null,"kid":5,"x":{"y":[1]},"x5t":"a","jku":"https://x","nonce":"n""#,
        r#""b64":false"#,
    ] {
        let taken = keys.caller(&signed(&format!(r#"{{"alg":"HS256",{rest}}}"#)), now());
        assert_eq!(taken.unwrap().caller.user, user(), "{rest}");
    }
    for header in [
        r#"{"typ":"JWT"}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"none"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"RS256"}"#,
        r#"["HS256"]"#,
        r#""HS256""#,
        "null",
        "",
        "{",
    ] {
        let refused = keys.caller(&signed(header), now()).unwrap_err();
        assert!(refused.to_string().contains("malformed"), "{header}: {refused}");
    }
}

#[test]
fn what_is_no_token_at_all_is_refused() {
    let keys = Keys::new(b"one secret");
    let header = r#"{"alg":"HS256"}"#;
    for claims in
        ["", "null", "[]", "5", "\"ann\"", "{", r#"[{"sub":"ann"}]"#, r#"{"sub":"ann","exp":1e400}"#]
    {
        let refused = keys.caller(&token(header, claims, &keys.sign, Algorithm::HS256), now()).unwrap_err();
        assert!(refused.to_string().contains("malformed"), "{claims}: {refused}");
    }
    let good = token(header, CLAIMS, &keys.sign, Algorithm::HS256);
    assert!(keys.caller(&good, now()).is_ok());
    let unsigned = &good[..=good.rfind('.').unwrap()];
    let padded = format!("{good}=");
    let more = format!("{good}.{good}");
    for bad in ["", ".", "..", "...", "a.b.c", "é.é.é", unsigned, &padded, &more, &good[1..]] {
        assert!(keys.caller(bad, now()).unwrap_err().to_string().contains("malformed"), "{bad}");
    }
}

/// The public half of a pair that was made for this test, and its private half.
const PROVIDER: (&[u8], &[u8]) = (
    b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA0PsebdVZqQpj5FmdAaAYsxr3fmRIwVB5UEVJl91Kbn4=\n-----END PUBLIC KEY-----\n",
    b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIM3NFpgwx71POU169P3luik4xm9gOaGDKxs5M5XK4mOY\n-----END PRIVATE KEY-----\n",
);

/// The public key is no secret: whoever takes it for one can sign by it what they like.
#[test]
fn an_algorithm_that_is_not_the_providers_is_refused() {
    let keys = Keys::new(b"one secret").with_provider(PROVIDER.0).unwrap();
    let private = EncodingKey::from_ed_pem(PROVIDER.1).unwrap();
    let good = token(r#"{"alg":"EdDSA","kid":"1"}"#, CLAIMS, &private, Algorithm::EdDSA);
    assert_eq!(keys.caller(&good, now()).unwrap().caller.user, user());
    let public = EncodingKey::from_secret(PROVIDER.0);
    for (algorithm, name) in
        [(Algorithm::HS256, "HS256"), (Algorithm::HS384, "HS384"), (Algorithm::HS512, "HS512")]
    {
        let forged = token(&format!(r#"{{"alg":"{name}"}}"#), CLAIMS, &public, algorithm);
        assert!(keys.caller(&forged, now()).unwrap_err().to_string().contains("forged"), "{name}");
    }
    for name in ["RS256", "ES256", "PS256", "none"] {
        let forged = token(&format!(r#"{{"alg":"{name}"}}"#), CLAIMS, &private, Algorithm::EdDSA);
        assert!(keys.caller(&forged, now()).unwrap_err().to_string().contains("forged"), "{name}");
    }
    // Without a provider nobody else signs anything.
    assert!(Keys::new(b"one secret").caller(&good, now()).is_err());
}

/// A pair of P-384 that was made for this test.
const P_384_PAIR: (&str, &str) = (
    "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEPFN91Qc58Vyetgd/K+K6xr4yNXYz1Xw8\naM3hjHDl3aEdStjWr0rukmrJnRgXq9+pp5hp2XP7oP/ZXz35M3VjY9qpQoLymU1r\nNfFMWE2f202UO/XDvHkofEdCK+6Jmf+a\n-----END PUBLIC KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nMIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDUTB7lZywHX6MNSejY\ncNVhhrDMH6jgKaSo0Som+mlUT/twaUMX44jB+HJdeo/1q8GhZANiAAQ8U33VBznx\nXJ62B38r4rrGvjI1djPVfDxozeGMcOXdoR1K2NavSu6SasmdGBer36mnmGnZc/ug\n/9lfPfkzdWNj2qlCgvKZTWs18UxYTZ/bTZQ79cO8eSh8R0Ir7omZ/5o=\n-----END PRIVATE KEY-----\n",
);

#[test]
fn tokens_of_every_curve_that_is_taken_are_taken() {
    let keys = Keys::new(b"one secret").with_provider(P_384_PAIR.0.as_bytes()).unwrap();
    let private = EncodingKey::from_ec_pem(P_384_PAIR.1.as_bytes()).unwrap();
    let good = token(r#"{"alg":"ES384"}"#, CLAIMS, &private, Algorithm::ES384);
    assert_eq!(keys.caller(&good, now()).unwrap().caller.user, user());
    let named_otherwise = token(r#"{"alg":"ES256"}"#, CLAIMS, &private, Algorithm::ES384);
    assert!(keys.caller(&named_otherwise, now()).unwrap_err().to_string().contains("forged"));
}

/// A server with such a key would start, and refuse every token.
#[test]
fn a_key_by_which_nothing_can_be_checked_is_refused() {
    for (what, pem) in [
        (
            "P-521",
            "-----BEGIN PUBLIC KEY-----\nMIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAbCEStcxTzXtTGXeOM/F7SuNgATSK\nUjH4ybeAhmL52DXdVCFFPgbvLca1QzNmyueI3wuyPVqvRf0lSeKuKeGPdooB9Hlh\n2ccs8d8Sqy1aG2Gy7kqnk4TDnOYiDgwNENctyve22FhOqBs3wfwVaKljjmcuzWNo\nTm0uAIDq/05DnwXlFis=\n-----END PUBLIC KEY-----\n",
        ),
        (
            "secp256k1",
            "-----BEGIN PUBLIC KEY-----\nMFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEk8vWLCuv7MPxe0sDZIVF2zfikChf6EeU\npwbkCk1CVBGx2Df61kTooRpHgCw9WVFLhTfsPrsEI2UPEktlVEc2ew==\n-----END PUBLIC KEY-----\n",
        ),
        (
            "RSA of 1024 bits",
            "-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDq+t0YCP5HN7Z8wjetHRUqoXpM\n09PTBe/A3VvvmsP3drQmm9PPmOyv5dz+H2KBxEI+1jJowBP16sfvPRpu5MwKn8j/\nG+MXU3WKiaTCpHzVj4okWMgdoMOh/NrncJSY30ynCh30/9kjn7CdepQ0GrCVgPBP\npxmffey2KRQ3OcXVeQIDAQAB\n-----END PUBLIC KEY-----\n",
        ),
        (
            "RSA of 2047 bits",
            "-----BEGIN PUBLIC KEY-----\nMIIBITANBgkqhkiG9w0BAQEFAAOCAQ4AMIIBCQKCAQBfzVs6hQvqOc1iux7s8NBu\nG7K2pBmYb1ftxk+WO08j2A1V2nQSBeqo2EiWcdr9Z5FbfGFDfrnRg2dPjPeK03qb\ndsCF9XmpvqA8V9UTu5uWXfbpXA7BplcQa8kZCAVus2fce5kU8rd/2XA78u2p1j8S\n0WuNy/NxxPI7kwNolpJnmOMREkvzkR1SHKUa0RF5EJg0+/uyp9BoQys1Vp35VYAN\n1fnoI5yUgVXg9EbBXeBZX4Kf7kN0Er/Vmk5BbN/yfUI6eFSI42qBj2H3qeLAexSQ\nf7eTVBvxkyWeJGUTUS7LLbyasp5Eo43qB8AyGqA/WRlUqFKT+f1QaK1DGSKBWiq5\nAgMBAAE=\n-----END PUBLIC KEY-----\n",
        ),
        (
            "P-256 as a compressed point",
            "-----BEGIN PUBLIC KEY-----\nMDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADAPQteSdf8Veu1qMV4EH8KqGE7MzM\nhVrGfESNCczOUmg=\n-----END PUBLIC KEY-----\n",
        ),
        (
            "Ed448",
            "-----BEGIN PUBLIC KEY-----\nMEMwBQYDK2VxAzoA5eaNd0OdqJ5jxRXYJchnFV0YUQU6HhIV0DIJF2MfZ6MA4MDg\nDV+cl0EfR3SHdX4doRbqMK0MiyKA\n-----END PUBLIC KEY-----\n",
        ),
        ("a private key", P_384_PAIR.1),
        ("a certificate", &P_384_PAIR.0.replace("PUBLIC KEY", "CERTIFICATE")),
        ("not PEM at all", "secret"),
    ] {
        let refused = Keys::new(b"one secret").with_provider(pem.as_bytes()).unwrap_err();
        assert!(refused.contains("P-384"), "{what}: {refused}");
    }
}

/// What we sign ourselves is good for ourselves.
#[test]
fn our_own_tokens_say_where_they_come_from_if_they_have_to() {
    let (issuer, audiences) = (Some("https://login.example".to_owned()), vec!["frontrow".to_owned()]);
    let keys = Keys::new(b"one secret").expecting(Expected { issuer, audiences });
    let until = now() + AFTER_THE_SALE;
    let ours = keys.identity_token(&user(), "Ann", &[], until).unwrap();
    assert!(keys.caller(&ours, now()).is_ok());
    let bare = Keys::new(b"one secret").identity_token(&user(), "Ann", &[], until).unwrap();
    assert!(keys.caller(&bare, now()).unwrap_err().to_string().contains("\"iss\""));
}
