//! The claims that real providers write, and those that no token may have. Every row is tried on both kinds of token.

use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;

const SITE: &str = "https://tickets.example";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

/// An identity token and a queue token, each good for an hour, with these claims instead of their own.
fn both(changes: &Value) -> [Map<String, Value>; 2] {
    let identity = json!({ "sub": "ann", "name": "Ann", "exp": NOW + 3_600 });
    let id = "0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f";
    let queue = json!({ "sub": "ann", "exp": NOW + 3_600, "jti": id, "series": id, "seq": 7, "lobby": true });
    [identity, queue].map(|token| {
        let mut claims = token.as_object().unwrap().clone();
        for (name, value) in changes.as_object().unwrap() {
            // What a row calls absent is taken away.
            if value == "ABSENT" {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        claims
    })
}

fn try_read(claims: &Map<String, Value>, expected: &Expected) -> Result<(Caller, DateTime<Utc>), BadToken> {
    read_at(claims, Signer::Ourselves, expected, now())
}

fn read_at(
    claims: &Map<String, Value>,
    signer: Signer,
    expected: &Expected,
    now: DateTime<Utc>,
) -> Result<(Caller, DateTime<Utc>), BadToken> {
    let verified = read(claims, signer, expected)?;
    verified.check_at(now)?;
    Ok((verified.caller, verified.until))
}

#[test]
fn what_the_rfc_and_openid_connect_allow_is_taken() {
    let soon = NOW + 3_600;
    let long = "s".repeat(255);
    let korean = "표".repeat(255);
    for changes in [
        json!({}),
        json!({ "exp": soon as f64 + 0.5 }),
        json!({ "exp": 1.9e9 }),
        json!({ "exp": 1e300 }),
        json!({ "exp": u64::MAX }),
        json!({ "exp": NOW as f64 + 0.001 }),
        json!({ "iat": NOW as f64 - 0.25, "nbf": NOW as f64 - 0.25, "auth_time": NOW }),
        json!({ "iat": 1.7e9, "nbf": 1.7e9 }),
        // The provider's clock may be a little ahead; what was issued tomorrow may be used today.
        json!({ "nbf": NOW + 5, "iat": NOW + 86_400 }),
        json!({ "nbf": null, "iat": null, "aud": null, "iss": null }),
        json!({ "nbf": 0, "iat": -1 }),
        json!({ "name": null }),
        json!({ "name": "ABSENT" }),
        json!({ "name": "" }),
        json!({ "roles": null }),
        json!({ "roles": [] }),
        json!({ "roles": "" }),
        json!({ "roles": "offline_access" }),
        json!({ "roles": ["default-roles-master", null, 5, {}] }),
        json!({ "sub": "auth0|5f7c8ec7c33c6c004bbafe82" }),
        json!({ "sub": "a b@c=d/e+f;g,h \"i\"" }),
        json!({ "sub": " " }),
        json!({ "sub": long }),
        json!({ "sub": korean }),
        json!({ "aud": "anybody", "iss": "anybody" }),
        json!({ "aud": ["a", "b"], "azp": "a" }),
        json!({ "aud": [] }),
        json!({ "nonce": 1, "email": null, "address": {}, "groups": [1], "https://x/roles": "ADMIN" }),
    ] {
        for claims in both(&changes) {
            let read = try_read(&claims, &Expected::default());
            let (caller, _) = read.unwrap_or_else(|why| panic!("{changes}: {why}"));
            assert_eq!(caller.user.as_str(), claims["sub"], "{changes}");
            assert_eq!(caller.roles, [], "{changes}");
            assert_eq!(caller.pass.is_some(), claims.contains_key("series"), "{changes}");
        }
    }
}

#[test]
fn what_no_token_may_say_is_refused_and_the_claim_is_named() {
    let too_long = "s".repeat(256);
    for (changes, claim) in [
        (json!({ "exp": "ABSENT" }), "exp"),
        (json!({ "exp": null }), "exp"),
        (json!({ "exp": "1900000000" }), "exp"),
        (json!({ "exp": true }), "exp"),
        (json!({ "exp": [NOW + 3_600] }), "exp"),
        (json!({ "exp": {} }), "exp"),
        (json!({ "exp": NOW }), "exp"),
        (json!({ "exp": NOW as f64 + 0.000_4 }), "exp"),
        (json!({ "exp": NOW as f64 - 0.5 }), "exp"),
        (json!({ "exp": 0 }), "exp"),
        (json!({ "exp": -1 }), "exp"),
        (json!({ "exp": i64::MIN }), "exp"),
        (json!({ "exp": -1e300 }), "exp"),
        (json!({ "nbf": NOW as f64 + 5.001 }), "nbf"),
        (json!({ "nbf": NOW + 60 }), "nbf"),
        (json!({ "nbf": 1e300 }), "nbf"),
        (json!({ "nbf": "tomorrow" }), "nbf"),
        (json!({ "nbf": false }), "nbf"),
        (json!({ "iat": "today" }), "iat"),
        (json!({ "iat": [] }), "iat"),
        (json!({ "sub": "ABSENT" }), "sub"),
        (json!({ "sub": null }), "sub"),
        (json!({ "sub": 5 }), "sub"),
        (json!({ "sub": ["ann"] }), "sub"),
        (json!({ "sub": "" }), "sub"),
        (json!({ "sub": "a\u{0}b" }), "sub"),
        (json!({ "sub": "a\nb" }), "sub"),
        (json!({ "sub": too_long }), "sub"),
        (json!({ "name": 5 }), "name"),
        (json!({ "name": ["Ann"] }), "name"),
        (json!({ "roles": 5 }), "roles"),
        (json!({ "roles": true }), "roles"),
        (json!({ "roles": { "ADMIN": true } }), "roles"),
        (json!({ "aud": 5 }), "aud"),
        (json!({ "aud": [5] }), "aud"),
        (json!({ "aud": {} }), "aud"),
        (json!({ "iss": 5 }), "iss"),
        (json!({ "iss": [SITE] }), "iss"),
        (json!({ "jti": 5 }), "jti"),
    ] {
        for claims in both(&changes) {
            let refused = try_read(&claims, &Expected::default()).expect_err(&changes.to_string());
            let named = format!("\"{claim}\"");
            assert!(refused.to_string().contains(&named), "{changes}: {refused}");
        }
    }
}

/// A queue token is made here, and its own claims have the form that we give them.
#[test]
fn a_queue_token_says_which_place_it_is_for() {
    for (changes, claim) in [
        (json!({ "jti": "x" }), "jti"),
        (json!({ "series": "x" }), "series"),
        (json!({ "series": 5 }), "series"),
        (json!({ "seq": "7" }), "seq"),
        (json!({ "seq": -1 }), "seq"),
    ] {
        let [_, queue] = both(&changes);
        let refused = try_read(&queue, &Expected::default()).expect_err(&changes.to_string());
        assert!(refused.to_string().contains(&format!("\"{claim}\"")), "{changes}: {refused}");
        // What the provider calls a series is not ours.
        let caller = read_at(&queue, Signer::Provider, &Expected::default(), now()).unwrap().0;
        assert_eq!(caller.pass, None, "{changes}");
    }
}

#[test]
fn a_token_ends_at_its_exp_to_the_millisecond() {
    for (exp, millis) in [
        (json!(NOW + 1), 1_000),
        (json!(NOW as f64 + 0.25), 250),
        (json!(NOW as f64 + 0.999_9), 999),
        (json!(1.800_000_001e9), 1_000),
    ] {
        for claims in both(&json!({ "exp": exp })) {
            let until = try_read(&claims, &Expected::default()).unwrap().1;
            assert_eq!(until, now() + TimeDelta::milliseconds(millis), "{exp}");
            let read = |now| read_at(&claims, Signer::Ourselves, &Expected::default(), now);
            assert!(read(until - TimeDelta::milliseconds(1)).is_ok(), "{exp}");
            assert_eq!(read(until).unwrap_err(), BadToken::Outdated, "{exp}");
        }
    }
    let for_ever = both(&json!({ "exp": 1e300 }));
    assert_eq!(try_read(&for_ever[0], &Expected::default()).unwrap().1, TIMES[1]);
}

#[test]
fn the_roles_that_are_ours_are_found_among_others() {
    use Role::{Admin, Cashier, Organizer};
    for (roles, found) in [
        (json!("ORGANIZER"), vec![Organizer]),
        (json!("openid ORGANIZER  CASHIER"), vec![Organizer, Cashier]),
        (json!(["ADMIN"]), vec![Admin]),
        (json!(["user", "CASHIER", null, "organizer", " ADMIN"]), vec![Cashier]),
    ] {
        for claims in both(&json!({ "roles": roles })) {
            assert_eq!(try_read(&claims, &Expected::default()).unwrap().0.roles, found, "{roles}");
        }
    }
}

/// Of an identity token; a queue token need not say it, but may not say something else.
#[test]
fn another_issuer_or_audience_than_the_configured_ones_is_refused() {
    let expected = Expected {
        issuer: Some("https://login.example/".to_owned()),
        audiences: vec![SITE.to_owned(), "app".to_owned()],
    };
    let right = |aud: Value| json!({ "iss": "https://login.example/", "aud": aud });
    for aud in [json!(SITE), json!("app"), json!([SITE]), json!(["other", "app"])] {
        for claims in both(&right(aud.clone())) {
            assert!(try_read(&claims, &expected).is_ok(), "{aud}");
        }
    }
    for (changes, claim) in [
        (right(json!("other")), "aud"),
        (right(json!("")), "aud"),
        (right(json!([])), "aud"),
        (right(json!(["other", "APP", "https://tickets.example/"])), "aud"),
        (json!({ "iss": "https://login.example", "aud": SITE }), "iss"),
        (json!({ "iss": "", "aud": SITE }), "iss"),
    ] {
        for claims in both(&changes) {
            let refused = try_read(&claims, &expected).expect_err(&changes.to_string()).to_string();
            assert!(refused.contains(&format!("\"{claim}\"")), "{changes}: {refused}");
        }
    }
    for (changes, claim) in [
        (json!({ "aud": SITE }), "iss"),
        (json!({ "aud": SITE, "iss": null }), "iss"),
        (right(json!("ABSENT")), "aud"),
        (right(Value::Null), "aud"),
    ] {
        let [identity, queue] = both(&changes);
        let refused = try_read(&identity, &expected).expect_err(&changes.to_string()).to_string();
        assert!(refused.contains(&format!("\"{claim}\"")), "{changes}: {refused}");
        assert!(try_read(&queue, &expected).is_ok(), "{changes}");
    }
}

/// It has ended, but that is not all that is wrong with it.
#[test]
fn that_it_has_ended_is_said_of_a_token_that_was_good() {
    let expected = Expected { issuer: Some("us".to_owned()), ..Expected::default() };
    let foreign = both(&json!({ "exp": 1, "iss": "them" }));
    for claims in foreign {
        assert!(matches!(try_read(&claims, &expected), Err(BadToken::Unacceptable(_))));
        assert_eq!(try_read(&claims, &Expected::default()).unwrap_err(), BadToken::Outdated);
    }
}
