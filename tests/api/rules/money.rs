//! Rules 15 to 19: paying, the wallet, keys, and giving tickets back.

use chrono::TimeDelta;
use frontrow::domain::{
    id::UserId,
    identity::Caller,
    text::{IdempotencyKey, PersonName},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use test_support::{Date, Fan, Options, Plan, Server, code_of, int, ms, secs, text, until};

async fn admitted(server: &Server, user: &str) -> (Date, Fan) {
    let date = server.organizer().date(Plan::default()).await;
    let mut fan = server.fan(user);
    fan.join(&date.series).await;
    (date, fan)
}

/// Rule 15: short of points, nothing has happened and the holds stand.
#[tokio::test]
async fn a_payment_that_fails_leaves_everything_as_it_was() {
    let server = Server::start().await;
    let (date, ann) = admitted(&server, "ann").await;
    for seat in &date.seats[..2] {
        ann.must_hold(seat).await;
    }
    ann.charge(19_999, "points").await;
    let short = ann.pay("tickets").await;
    assert_eq!(code_of(&short), Some("INSUFFICIENT_POINTS"));
    assert_eq!((ann.balance().await, ann.tickets().await, ann.ledger().await.len()), (19_999, 0, 1));
    assert_eq!(ann.status().await, "ADMITTED");
    assert_eq!(date.look(&ann).await[..3], ["HELD", "HELD", "AVAILABLE"]);
    assert_eq!(ann.get("payments", "{ payments { nodes { id } } }").await["nodes"], json!([]));
    // The key was not used up: nothing was done with it.
    ann.charge(1, "one more").await;
    let paid = ann.pay("tickets").await;
    assert_eq!((&paid["payment"]["amount"], &paid["points"]["balance"]), (&json!(20_000), &json!(0)));
    assert_eq!(paid["reservations"].as_array().unwrap().len(), 2);
    assert_eq!(ann.ledger().await[0], ("USE".into(), -20_000, 0));
    assert_eq!(ann.status().await, "COMPLETED");
    assert_eq!(date.look(&ann).await[..3], ["RESERVED", "RESERVED", "AVAILABLE"]);
    assert_eq!(server.audit().await, Vec::<String>::new());
}

/// Rule 15: if one of several holds has ended, none is paid.
#[tokio::test]
async fn one_lapsed_hold_fails_the_payment_that_names_it() {
    let server = Server::start().await;
    let policy = json!({ "heartbeatTimeoutSeconds": 86_400, "sessionSeconds": 86_400 });
    let date = server.organizer().date(Plan::policy(policy)).await;
    let mut ann = server.fan("ann");
    ann.join(&date.series).await;
    ann.charge(20_000, "points").await;
    let first = ann.must_hold(&date.seats[0]).await;
    server.clock.advance(secs(100));
    let second = ann.must_hold(&date.seats[1]).await;
    server.clock.advance(secs(200));
    let input = json!({ "holdIds": [first, second], "idempotencyKey": "both" });
    assert_eq!(code_of(&ann.act("pay", input, "payment { id }").await), Some("HOLD_EXPIRED"));
    assert_eq!((ann.balance().await, ann.tickets().await), (20_000, 0));
    let input = json!({ "holdIds": [second], "idempotencyKey": "one" });
    assert_eq!(ann.act("pay", input, "payment { amount }").await["payment"]["amount"], 10_000);
}

/// Rule 16: the bounds of an amount and of a balance.
#[tokio::test]
async fn amounts_are_positive_and_balances_bounded() {
    let server = Server::start().await;
    let ann = server.fan("ann");
    for amount in [0, -1, i64::from(i32::MIN)] {
        assert_eq!(code_of(&ann.charge(amount, "a").await), Some("AMOUNT_NOT_POSITIVE"));
        assert_eq!(code_of(&ann.use_points(amount, "a").await), Some("AMOUNT_NOT_POSITIVE"));
    }
    assert_eq!(ann.charge(999_999_999, "b").await["points"]["balance"], 999_999_999);
    assert_eq!(code_of(&ann.charge(2, "c").await), Some("BALANCE_LIMIT_EXCEEDED"));
    assert_eq!(ann.charge(1, "d").await["points"]["balance"], 1_000_000_000);
    assert_eq!(code_of(&ann.use_points(1_000_000_001, "e").await), Some("INSUFFICIENT_POINTS"));
    assert_eq!(ann.use_points(1_000_000_000, "f").await["points"]["balance"], 0);
    assert_eq!(ann.ledger().await.iter().map(|line| line.1).sum::<i64>(), 0);
    assert_eq!(ann.ledger().await.len(), 3);
}

/// Rule 16: a hundred charges and uses of one wallet at once.
#[tokio::test]
async fn simultaneous_charges_and_uses_each_take_effect_once_or_not_at_all() {
    let server = Server::start().await;
    let ann = server.fan("ann");
    let moves = (0..100).map(|n| {
        let (ann, key) = (ann.clone(), format!("move {n}"));
        async move {
            let (sign, done) = if n % 2 == 0 {
                (1, ann.charge(100 + n, &key).await)
            } else {
                (-1, ann.use_points(100 + n, &key).await)
            };
            match code_of(&done) {
                None => sign * (100 + n),
                Some("INSUFFICIENT_POINTS") if sign < 0 => 0,
                Some(_) => panic!("{done}"),
            }
        }
    });
    let effects = join_all(moves).await;
    let ledger = ann.ledger().await;
    let balance = ann.balance().await;
    assert_eq!(balance, effects.iter().sum::<i64>());
    assert_eq!(balance, ledger.iter().map(|line| line.1).sum::<i64>());
    assert_eq!(ledger.len(), effects.iter().filter(|effect| **effect != 0).count());
    let oldest_first: Vec<_> = ledger.iter().rev().collect();
    assert!(oldest_first.windows(2).all(|pair| pair[1].2 == pair[0].2 + pair[1].1 && pair[1].2 >= 0));
    assert_eq!(server.audit().await, Vec::<String>::new());
}

/// All answers must be the same; the one.
#[track_caller]
fn same(answers: &[Value]) -> &Value {
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    assert_eq!(code_of(&answers[0]), None);
    &answers[0]
}

/// Rule 17: twenty simultaneous calls with one key are one call.
#[tokio::test]
async fn one_key_acts_once() {
    let server = Server::start().await;
    let (date, ann) = admitted(&server, "ann").await;
    ann.must_hold(&date.seats[0]).await;
    let charged = join_all((0..20).map(|_| ann.charge(10_000, "charge"))).await;
    same(&charged);
    assert_eq!(ann.balance().await, 10_000);
    let paid = join_all((0..20).map(|_| ann.pay("pay"))).await;
    let paid = same(&paid).clone();
    assert_eq!((ann.balance().await, ann.tickets().await), (0, 1));
    let ticket = text(&paid["reservations"][0]["id"]);
    let cancelled = join_all((0..20).map(|_| ann.cancel(&ticket, "cancel"))).await;
    same(&cancelled);
    assert_eq!((ann.balance().await, ann.ledger().await.len()), (10_000, 3));
    // After a restart the first result comes again, and nothing more happens.
    let server = server.restart().await;
    let ann = server.fan("ann");
    let again = ann.charge(10_000, "charge").await;
    assert_eq!(again["entry"], charged[0]["entry"]);
    assert_eq!((ann.balance().await, ann.ledger().await.len()), (10_000, 3));
}

/// Rule 17: a key stands for one input; another user's same key is another key.
#[tokio::test]
async fn a_key_is_one_users_and_for_one_input() {
    let server = Server::start().await;
    let (ann, bob) = (server.fan("ann"), server.fan("bob"));
    ann.charge(100, "key").await;
    assert_eq!(code_of(&ann.charge(101, "key").await), Some("IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(code_of(&ann.use_points(100, "key").await), Some("IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(bob.charge(101, "key").await["points"]["balance"], 101);
    assert_eq!((ann.balance().await, bob.balance().await), (100, 101));
}

/// Rule 18: a ticket that is given back is points again, and a seat for the next.
#[tokio::test]
async fn a_ticket_can_be_given_back_until_the_concert_begins() {
    let server = Server::start().await;
    let date = server.organizer().date(Plan::small(1, 1, json!({}))).await;
    let mut ann = server.fan("ann");
    let paid = ann.buy(&date, 0).await;
    let ticket = text(&paid["reservations"][0]["id"]);
    assert_eq!(code_of(&server.fan("bob").join(&date.series).await), Some("SOLD_OUT"));
    let back = ann.cancel(&ticket, "back").await;
    assert_eq!(back["reservation"]["status"], "CANCELLED");
    assert_eq!(back["reservation"]["payment"]["status"], "REFUNDED");
    assert_eq!(int(&back["points"]["balance"]), 10_000);
    assert_eq!(ann.ledger().await[0], ("REFUND".into(), 10_000, 10_000));
    assert_eq!(code_of(&ann.cancel(&ticket, "again").await), Some("RESERVATION_NOT_FOUND"));
    assert_eq!((ann.balance().await, ann.tickets().await), (10_000, 0));
    server.fan("bob").buy(&date, 0).await;
    assert_eq!(server.audit().await, Vec::<String>::new());
}

/// Rule 18: not from the very beginning of the concert on.
#[tokio::test]
async fn a_ticket_cannot_be_given_back_once_the_concert_has_begun() {
    let server = Server::start().await;
    let plan = Plan { closes: secs(100), begins: secs(100), ..Plan::policy(json!({ "maxSeatsPerUser": 2 })) };
    let date = server.organizer().date(plan).await;
    let mut ann = server.fan("ann");
    let first = text(&ann.buy(&date, 0).await["reservations"][0]["id"]);
    let second = text(&ann.buy(&date, 1).await["reservations"][0]["id"]);
    server.clock.advance(secs(100) - test_support::ms(1));
    assert_eq!(ann.cancel(&first, "in time").await["points"]["balance"], 10_000);
    server.clock.advance(test_support::ms(1));
    assert_eq!(code_of(&ann.cancel(&second, "late").await), Some("CANCELLATION_CLOSED"));
    assert_eq!((ann.balance().await, ann.tickets().await), (10_000, 1));
}

/// Rule 19, as far as an orderly restart shows it.
#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let server = Server::start().await;
    let (date, mut ann) = admitted(&server, "ann").await;
    let paid = ann.buy(&date, 0).await;
    ann.charge(5, "more").await;
    let before = (ann.balance().await, ann.ledger().await, ann.tickets().await);
    let server = server.restart().await;
    let ann = server.fan("ann");
    assert_eq!((ann.balance().await, ann.ledger().await, ann.tickets().await), before);
    let query = format!("{{ payment(id: {}) {{ id amount status }} }}", paid["payment"]["id"]);
    assert_eq!(ann.get("payment", &query).await, paid["payment"]);
    assert_eq!(date.look(&ann).await[0], "RESERVED");
    assert_eq!(server.audit().await, Vec::<String>::new());
}

/// Rule 17: a key acts once within its age; then it is forgotten, and nothing else is.
#[tokio::test]
async fn a_key_is_forgotten_after_its_age_and_not_before() {
    let server =
        Server::with(Options { settings: |config| config.idempotency_days = 40, ..Options::default() }).await;
    let age = TimeDelta::days(40);
    server.fan("ann").charge(100, "key").await;
    // More than are forgotten in one step.
    charge_often(&server, "ben", 600).await;
    server.clock.advance(ms(1));
    server.fan("ann").charge(10, "a later key").await;
    server.clock.advance(age - ms(1));
    // The tokens of then have run out; whose key it is has not.
    let ann = server.fan("ann");
    assert_eq!(ann.charge(100, "key").await["points"]["balance"], 110);
    assert_eq!(code_of(&ann.charge(101, "key").await), Some("IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(server.count("idempotency_key").await, 602);
    // An hour later, at the latest.
    server.clock.advance(ms(1));
    server.clock.advance(TimeDelta::hours(1) - ms(1));
    until("keys are forgotten", async || server.count("idempotency_key").await == 0).await;
    assert_eq!(server.count("point_history").await, 602, "the ledger stays");
    assert_eq!(server.fan("ben").balance().await, 600);
    assert_eq!(server.audit().await, Vec::<String>::new());
}

/// Rule 17, at several processes: each forgets, and none is in the way of another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_forgotten_by_many_at_once() {
    let server = Server::start().await;
    charge_often(&server, "ben", 1_000).await;
    let database = server.services.database();
    let until = server.now() + ms(1);
    let forget = (0..4).map(|_| async move {
        loop {
            match database.forget_keys(until).await {
                Ok(false) => return,
                Ok(true) => {}
                Err(error) => assert!(frontrow::store::is_unavailable(&error), "{error}"),
            }
        }
    });
    join_all(forget).await;
    assert_eq!(server.count("idempotency_key").await, 0);
}

/// So many charges of one point at once, each with a key of its own.
async fn charge_often(server: &Server, user: &str, times: usize) {
    let user = UserId::try_new(user).unwrap();
    let caller = Caller { user, name: PersonName::none(), roles: vec![], pass: None };
    let charges = (0..times)
        .map(|n| server.services.charge(&caller, None, 1, IdempotencyKey::from_stored(&format!("key {n}"))));
    assert!(join_all(charges).await.iter().all(Result::is_ok));
}
