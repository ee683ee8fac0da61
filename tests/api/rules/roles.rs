//! Rules 1, 2 and 16: what cashiers, admins and outdated tokens may do and see.

use chrono::TimeDelta;
use frontrow::domain::identity::Role;
use serde_json::{Value, json};

use test_support::{Fan, Options, PLACE, Plan, Server, Watch, code_of, secs, text};

/// A server on which nobody charges their own wallet.
async fn strict() -> Server {
    Server::with(Options { self_service_charging: false, ..Options::default() }).await
}

fn points(to: Option<&str>, key: &str) -> Value {
    json!({ "amount": 10, "idempotencyKey": key, "userId": to })
}

/// The code of the error with which a charge ended, if it did.
async fn charged(by: &Fan, to: Option<&str>, key: &str) -> Option<String> {
    let reply = by.try_act("charge", points(to, key), "points { balance }").await;
    reply.0.get("errors").map(|_| reply.error().to_owned())
}

#[tokio::test]
async fn whoever_has_a_role_does_not_charge_themselves_unless_everybody_may() {
    let server = strict().await;
    let with = |user: &str, roles: &[Role]| server.with_roles(user, roles);
    let till = with("till", &[Role::Cashier]);
    let other_till = with("other-till", &[Role::Cashier]);
    let root = with("root", &[Role::Admin]);
    let all = with("all", &Role::ALL);
    let forbidden = Some("FORBIDDEN".to_owned());
    for own in [&server.fan("ann"), &till, &root, &all] {
        assert_eq!(charged(own, None, "left out").await, forbidden, "{}", own.user);
        assert_eq!(charged(own, Some(&own.user), "named").await, forbidden, "{}", own.user);
        assert_eq!(own.balance().await, 0);
    }
    assert_eq!(charged(&other_till, Some("till"), "a").await, None);
    assert_eq!(charged(&root, Some("till"), "a").await, None);
    assert_eq!(charged(&till, Some("root"), "a").await, None);
    assert_eq!(charged(&with("org", &[Role::Organizer]), Some("ann"), "a").await, forbidden);
    assert_eq!((till.balance().await, root.balance().await), (20, 10));

    let server = Server::start().await;
    let till = server.with_roles("till", &[Role::Cashier]);
    assert_eq!(charged(&till, None, "a").await, None);
}

#[tokio::test]
async fn the_ledger_says_who_charged() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let mut ann = server.fan("ann");
    let till = server.with_roles("till", &[Role::Cashier]);
    let root = server.with_roles("root", &[Role::Admin]);
    let select = "entry { actorId userId } problem { code }";
    let by = async |who: &Fan, key: &str| {
        let input = json!({ "amount": 10_000, "idempotencyKey": key, "userId": "ann" });
        who.act("charge", input, select).await["entry"].clone()
    };
    assert_eq!(by(&ann, "own").await, json!({ "actorId": null, "userId": "ann" }));
    let first = by(&till, "till").await;
    assert_eq!(first, json!({ "actorId": "till", "userId": "ann" }));
    // The same key says the same again.
    assert_eq!(by(&till, "till").await, first);
    assert_eq!(by(&root, "root").await["actorId"], "root");
    ann.join(&date.series).await;
    ann.must_hold(&date.seats[0]).await;
    let paid = ann.pay("pay").await;
    ann.cancel(&text(&paid["reservations"][0]["id"]), "cancel").await;
    ann.use_points(5, "use").await;
    let query = "{ points { history(first: 9) { nodes { kind actorId } } } }";
    let lines = ann.get("points", query).await["history"]["nodes"].clone();
    let lines: Vec<_> =
        lines.as_array().unwrap().iter().map(|line| (text(&line["kind"]), line["actorId"].clone())).collect();
    let line = |kind: &str, actor: Value| (kind.to_owned(), actor);
    assert_eq!(
        lines,
        [
            line("USE", Value::Null),
            line("REFUND", Value::Null),
            line("USE", Value::Null),
            line("CHARGE", json!("root")),
            line("CHARGE", json!("till")),
            line("CHARGE", Value::Null),
        ]
    );
    assert_eq!(server.audit().await, Vec::<String>::new());
}

/// A cashier is shown the balance that a charge made, and not what its owner did before: asking for that charges
/// nothing, however it is asked for.
#[tokio::test]
async fn what_a_cashier_may_not_read_is_refused_before_anything_is_charged() {
    let server = Server::start().await;
    let ann = server.fan("ann");
    let till = server.with_roles("till", &[Role::Cashier]);
    let charge = |key: &str, select: &str| {
        format!("charge(input: {{ amount: 10, idempotencyKey: \"{key}\", userId: \"ann\" }}) {{ {select} }}")
    };
    let history = "history(first: 1) { nodes { id } }";
    let fragments = "fragment P on PointsPayload { ...Q } fragment Q on PointsPayload { points { ...R } } \
         fragment R on Points { balance ... { ... on Points { lines: history { pageInfo { hasNextPage } } } } }";
    let asked = [
        format!("mutation {{ {} }}", charge("1", &format!("points {{ balance {history} }}"))),
        format!("mutation {{ c: {} }}", charge("2", &format!("p: points {{ h: {history} }}"))),
        format!("mutation {{ {} }} {fragments}", charge("3", "entry { id } ...P")),
        format!("mutation {{ {} }}", charge("4", "... { ... { points { history { edges { cursor } } } } }")),
        format!("mutation {{ {} }}", charge("5", &format!("points {{ balance }} points {{ {history} }}"))),
        format!("mutation($yes: Boolean!) {{ {} }}", {
            charge("6", &format!("points @include(if: $yes) {{ balance {history} }}"))
        }),
        format!("mutation {{ ...M }} fragment M on Mutation {{ {} }}", {
            charge("7", &format!("points {{ {history} }}"))
        }),
        format!("mutation {{ {} }}", charge("8", "points { history { __typename } }")),
    ];
    for query in asked {
        let variables = if query.contains("$yes") { json!({ "yes": true }) } else { json!({}) };
        let reply = till.ask(&query, variables).await;
        assert_eq!(reply.error(), "FORBIDDEN", "{query}");
        assert_eq!(ann.ledger().await, [], "{query}");
    }
    // What is not asked for in the end is nobody's business, and an ADMIN may read it.
    let skipped = charge("9", &format!("points {{ balance ... @include(if: false) {{ {history} }} }}"));
    let reply = till.ask(&format!("mutation {{ {skipped} }}"), json!({})).await;
    assert_eq!(reply.field("charge")["points"]["balance"], 10);
    let root = server.with_roles("root", &[Role::Admin]);
    let asked = charge("10", &format!("points {{ balance {history} }}"));
    let reply = root.ask(&format!("mutation {{ {asked} }}"), json!({})).await;
    assert_eq!(reply.field("charge")["points"]["balance"], 20);
    // One's own wallet is one's own to read, whoever one is.
    let own = format!(
        "mutation {{ charge(input: {{ amount: 1, idempotencyKey: \"own\" }}) {{ points {{ {history} }} }} }}"
    );
    let lines = till.ask(&own, json!({})).await.field("charge")["points"]["history"]["nodes"].clone();
    assert_eq!(lines.as_array().unwrap().len(), 1);
}

/// An ADMIN reads what is anybody's, and is not taken for its owner.
#[tokio::test]
async fn an_admin_reads_everything_and_is_nobodys_sign_of_life() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::policy(json!({ "heartbeatTimeoutSeconds": 60 }))).await;
    let mut ann = server.fan("ann");
    let paid = ann.buy(&date, 0).await;
    ann.join(&date.series).await;
    let hold = ann.must_hold(&date.seats[1]).await;
    let root = server.with_roles("root", &[Role::Admin]);
    let (ticket, payment) = (text(&paid["reservations"][0]["id"]), text(&paid["payment"]["id"]));
    let mut queries = vec![
        format!("{{ it: hold(id: \"{hold}\") {{ id userId }} }}"),
        format!("{{ it: reservation(id: \"{ticket}\") {{ id userId }} }}"),
        format!("{{ it: payment(id: \"{payment}\") {{ id userId }} }}"),
    ];
    // Of places also those that are over.
    ann.leave().await;
    queries.push(format!(
        "{{ it: token(id: \"{}\") {{ id userId status position {{ {PLACE} }} }} }}",
        ann.token
    ));
    queries.push(format!("{{ it: queuePosition(tokenId: \"{}\") {{ {PLACE} }} }}", ann.token));
    for query in queries {
        let (seen, own) = (root.ask(&query, json!({})).await, ann.ask(&query, json!({})).await);
        assert!(!own.field("it").is_null(), "{query}");
        assert_eq!(seen, own, "{query}");
        // An organiser, a cashier and another fan see nothing of it.
        for nobody in [server.fan("bob"), server.with_roles("x", &[Role::Organizer, Role::Cashier])] {
            let reply = nobody.ask(&query, json!({})).await;
            let found = reply.0["data"]["it"].is_object();
            assert!(!found, "{query}: {}", reply.0);
        }
    }

    let mut silent = server.fan("silent");
    let mut heard = server.fan("heard");
    silent.join(&date.series).await;
    heard.join(&date.series).await;
    server.advance(secs(50), &date.series).await;
    let place = |fan: &Fan| format!("{{ queuePosition(tokenId: \"{}\") {{ status }} }}", fan.token);
    assert_eq!(root.get("queuePosition", &place(&silent)).await["status"], "ADMITTED");
    assert_eq!(heard.get("queuePosition", &place(&heard)).await["status"], "ADMITTED");
    // What only its owner may do, an ADMIN may not do for them.
    for act in ["heartbeat", "leaveQueue"] {
        let act = format!("mutation {{ {act}(tokenId: \"{}\") {{ status }} }}", silent.token);
        assert_eq!(root.ask(&act, json!({})).await.error(), "NOT_FOUND");
    }
    let watch = "subscription($id: ID) { queuePosition(tokenId: $id) { status } }";
    assert_eq!(root.watch(watch, json!({ "id": silent.token })).await.refusal().await, "NOT_FOUND");
    server.advance(secs(11), &date.series).await;
    assert_eq!((silent.status().await, heard.status().await), ("EXPIRED".into(), "ADMITTED".into()));
    assert_eq!(root.get("queuePosition", &place(&silent)).await["status"], "EXPIRED");
}

/// What is public needs no token, so one that has ended is not in its way; anything else is.
#[tokio::test]
async fn an_outdated_token_is_as_good_as_none_for_what_is_public() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::default()).await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    let mut socket = Watch::greet(server.address, ann.bearer.as_deref().unwrap()).await;
    assert_eq!(socket.message().await["type"], "connection_ack");
    server.clock.advance(TimeDelta::days(31));

    let public = format!("{{ concert(id: \"{}\") {{ title series {{ seatCount }} }} }}", date.concert);
    for outdated in [&ann, &server.bearer("ann", ann.bearer.as_deref().unwrap())] {
        assert_eq!(outdated.get("concert", &public).await["title"], "Soundtracks");
        assert_eq!(date.look(outdated).await.len(), 50);
        for private in
            ["{ holds { id } }", "mutation { heartbeat { status } }", "{ serverless: points { balance } }"]
        {
            let reply = outdated.ask(private, json!({})).await;
            assert_eq!(reply.error(), "UNAUTHENTICATED", "{private}");
            assert!(text(&reply.0["errors"][0]["message"]).contains("outdated"), "{}", reply.0);
        }
        let join = outdated.try_act("issueToken", json!({ "seriesId": date.series }), "token").await;
        assert_eq!(join.error(), "UNAUTHENTICATED");
    }
    // The same on a socket that was opened in time; but none is opened by it now.
    let seats =
        format!("subscription {{ seatAvailability(seriesId: \"{}\") {{ availableCount }} }}", date.series);
    for private in ["subscription { queuePosition { status } }", "{ holds { id } }"] {
        socket.subscribe(private, json!({})).await;
        assert_eq!(socket.refusal().await, "UNAUTHENTICATED", "{private}");
        assert_eq!(socket.message().await["type"], "complete");
    }
    socket.subscribe(&seats, json!({})).await;
    assert_eq!(socket.next().await.unwrap()["availableCount"], 50);
    let mut late = Watch::greet(server.address, ann.bearer.as_deref().unwrap()).await;
    assert_eq!(late.closed().await, 4401);
    // A token that never was one is refused whatever it asks: who sends it is mistaken or means harm.
    assert_eq!(server.bearer("ann", "a.b.c").ask(&public, json!({})).await.error(), "UNAUTHENTICATED");
}

/// Where anybody may say who they are, whoever comes back after a long time need not throw the old token away first.
#[tokio::test]
async fn an_outdated_token_does_not_stop_who_may_join_without_any() {
    let server = Server::with(Options { open_identities: true, ..Options::default() }).await;
    let date = server
        .organizer()
        .date(Plan { closes: TimeDelta::days(90), begins: TimeDelta::days(90), ..Plan::default() })
        .await;
    let ann = server.fan("ann");
    server.clock.advance(TimeDelta::days(31));
    let named = json!({ "seriesId": date.series, "userId": "ann" });
    assert_eq!(code_of(&ann.act("issueToken", named, "token").await), None);
    let unnamed = ann.try_act("issueToken", json!({ "seriesId": date.series }), "token").await;
    assert_eq!(unnamed.error(), "UNAUTHENTICATED");
}
