//! Rules 1 to 3: who is asking, and what is whose.

use frontrow::{config::Layer, domain::identity::Role};
use serde_json::{Value, json};

use test_support::{Fan, Options, Plan, Server, code_of, text};

const WALLET: &str = "{ points { userId balance } }";

/// Rule 1: no token, a forged, malformed or outdated one.
#[tokio::test]
async fn a_token_that_is_no_good_is_refused() {
    let server = Server::start().await;
    let other = Server::with(Options { seed: 2, ..Options::default() }).await;
    let date = server.organizer().date(Plan::default()).await;
    assert_eq!(server.stranger().ask(WALLET, json!({})).await.error(), "UNAUTHENTICATED");
    for bad in ["nonsense", "a.b.c", other.fan("ann").bearer.as_deref().unwrap()] {
        let bad = server.bearer("ann", bad);
        assert_eq!(bad.ask(WALLET, json!({})).await.error(), "UNAUTHENTICATED");
    }
    let mut ann = server.fan("ann");
    let identity = ann.clone();
    ann.join(&date.series).await;
    assert_eq!(ann.get("points", WALLET).await["userId"], "ann");
    assert_eq!(identity.get("points", WALLET).await["userId"], "ann");
    server.clock.advance(chrono::TimeDelta::days(31));
    for outdated in [ann, identity] {
        assert_eq!(outdated.ask(WALLET, json!({})).await.error(), "UNAUTHENTICATED");
    }
}

/// Rule 1: a queue token says who its owner is, whatever has become of the place.
#[tokio::test]
async fn a_queue_token_outlives_its_place() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    ann.leave().await;
    assert_eq!(ann.status().await, "LEFT");
    assert_eq!(ann.get("points", WALLET).await["userId"], "ann");
    assert_eq!(ann.charge(5, "key").await["points"]["balance"], 5);
}

/// Rule 1: over WebSocket the token is in `connection_init`.
#[tokio::test]
async fn a_socket_knows_its_owner_by_the_first_message() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    assert_eq!(ann.watch_place().await.next().await.unwrap()["tokenId"], ann.token);
    assert_eq!(server.stranger().watch_place().await.refusal().await, "UNAUTHENTICATED");
}

/// Rule 1: the catalogue and the seats are anybody's to see.
#[tokio::test]
async fn browsing_needs_no_token() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let stranger = server.stranger();
    let query = format!(
        "{{ concert(id: \"{0}\") {{ title }} series(concertId: \"{0}\") {{ id }} \
         seats(seriesId: \"{1}\") {{ number }} concerts {{ nodes {{ id }} }} }}",
        date.concert, date.series
    );
    let seen = stranger.ask(&query, json!({})).await;
    assert_eq!(seen.field("seats").as_array().unwrap().len(), 50);
    assert_eq!(seen.field("concert")["title"], "Soundtracks");
    let snapshot = stranger.watch_seats(&date.series, None).await.next().await.unwrap();
    assert_eq!(snapshot["availableCount"], 50);
}

/// What this fan is answered about that id, by every operation that takes one.
async fn about(fan: &Fan, ids: [&str; 4]) -> Vec<Value> {
    let [token, hold, reservation, payment] = ids;
    let mut answers = Vec::new();
    for query in [
        format!("{{ hold(id: \"{hold}\") {{ id }} }}"),
        format!("{{ reservation(id: \"{reservation}\") {{ id }} }}"),
        format!("{{ payment(id: \"{payment}\") {{ id }} }}"),
        format!("{{ token(id: \"{token}\") {{ id }} }}"),
        format!("{{ queuePosition(tokenId: \"{token}\") {{ status }} }}"),
        format!("mutation {{ heartbeat(tokenId: \"{token}\") {{ status }} }}"),
        format!("mutation {{ leaveQueue(tokenId: \"{token}\") {{ status }} }}"),
    ] {
        answers.push(fan.ask(&query, json!({})).await.0);
    }
    answers.push(fan.release(hold).await);
    answers.push(fan.cancel(reservation, "cancel").await);
    let input = json!({ "holdIds": [hold], "idempotencyKey": "pay" });
    answers.push(fan.act("pay", input, "payment { id }").await);
    answers
}

/// Rule 2: an id that is not one's own behaves like one that does not exist.
#[tokio::test]
async fn what_is_anothers_does_not_exist() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let mut ann = server.fan("ann");
    let paid = ann.buy(&date, 0).await;
    ann.join(&date.series).await;
    let hold = ann.must_hold(&date.seats[1]).await;
    let [reservation, payment] = [text(&paid["reservations"][0]["id"]), text(&paid["payment"]["id"])];
    let bob = server.fan("bob");
    bob.charge(50_000, "points").await;
    let missing = "0198c1f2-7d3a-7c4e-9b1f-2a3b4c5d6e7f";
    let anothers = about(&bob, [&ann.token, &hold, &reservation, &payment]).await;
    assert_eq!(anothers, about(&bob, [missing; 4]).await);
    let own = about(&ann, [missing, &hold, &reservation, &payment]).await;
    assert!(own[..3].iter().zip(&anothers).all(|(own, anothers)| own != anothers), "{own:?}");
    // Nothing was done to what is Ann's.
    assert_eq!((bob.balance().await, bob.tickets().await), (50_000, 0));
}

/// Rule 2: another user's lists and wallet are the ADMIN's to read and the CASHIER's to charge.
#[tokio::test]
async fn roles_open_what_is_anothers() {
    let server = Server::start().await;
    server.fan("ann").charge(7, "key").await;
    let wallet = "{ points(userId: \"ann\") { balance } }";
    let bob = server.fan("bob");
    for query in [
        wallet,
        "{ reservations(userId: \"ann\") { nodes { id } } }",
        "{ payments(userId: \"ann\") { nodes { id } } }",
    ] {
        assert_eq!(bob.ask(query, json!({})).await.error(), "FORBIDDEN");
    }
    let input = json!({ "amount": 3, "idempotencyKey": "till", "userId": "ann" });
    assert_eq!(bob.try_act("charge", input.clone(), "points { balance }").await.error(), "FORBIDDEN");
    let till = server.with_roles("till", &[Role::Cashier]);
    assert_eq!(till.act("charge", input, "points { balance }").await["points"]["balance"], 10);
    assert_eq!(till.ask(wallet, json!({})).await.error(), "FORBIDDEN");
    let root = server.with_roles("root", &[Role::Admin]);
    assert_eq!(root.get("points", wallet).await["balance"], 10);
}

/// Without self-service charging a fan's own wallet is the cashier's to charge.
#[tokio::test]
async fn fans_charge_their_own_wallets_only_where_that_is_allowed() {
    let server = Server::with(Options { self_service_charging: false, ..Options::default() }).await;
    let input = json!({ "amount": 3, "idempotencyKey": "key" });
    let refused = server.fan("ann").try_act("charge", input.clone(), "points { balance }").await;
    assert_eq!(refused.error(), "FORBIDDEN");
    let till = server.with_roles("till", &[Role::Cashier]);
    let input = json!({ "amount": 3, "idempotencyKey": "key", "userId": "ann" });
    assert_eq!(code_of(&till.act("charge", input, "points { balance }").await), None);
}

/// Rule 3: with open identities `issueToken` takes `userId` from anybody; without, it needs a token.
#[tokio::test]
async fn open_identities_are_a_setting() {
    let open = Server::with(Options { open_identities: true, ..Options::default() }).await;
    for (server, is_open) in [(open, true), (Server::start().await, false)] {
        let date = server.organizer().date(Plan::default()).await;
        let input = json!({ "seriesId": date.series, "userId": "ann" });
        let reply = server.stranger().try_act("issueToken", input, "token").await;
        if is_open {
            let ann = server.bearer("ann", &text(&reply.field("issueToken")["token"]));
            assert_eq!(ann.get("points", WALLET).await["userId"], "ann");
        } else {
            assert_eq!(reply.error(), "UNAUTHENTICATED");
            let input = json!({ "seriesId": date.series, "userId": "ann" });
            assert_eq!(
                server.fan("bob").try_act("issueToken", input, "token").await.error(),
                "BAD_USER_INPUT"
            );
        }
    }
}

/// Rule 3: not beyond this machine unless told so; and the signing key is made once, for its owner alone.
#[tokio::test]
async fn nothing_secret_is_open_by_default() {
    let wide = Layer { demo: Some(true), listen: Some("0.0.0.0:8080".into()), ..Layer::default() };
    assert!(wide.clone().resolve().unwrap_err()[0].contains("loopback"));
    assert!(Layer { expose_open_identities: Some(true), ..wide }.resolve().is_ok());

    let server = Server::start().await;
    let ann = server.fan("ann");
    let key = std::fs::read(&server.config.signing_key).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&server.config.signing_key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let server = server.restart().await;
    assert_eq!(std::fs::read(&server.config.signing_key).unwrap(), key);
    let ann = server.bearer("ann", ann.bearer.as_deref().unwrap());
    assert_eq!(ann.get("points", WALLET).await["userId"], "ann");
}
