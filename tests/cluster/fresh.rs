//! A caller's own holds, wallet, token and tickets show every acknowledged mutation, whichever process answers (rule 27):
//! also when no news has come of it yet, and without Redis none ever does.

use frontrow::clock::Clock;
use futures_util::future::join_all;
use serde_json::{Value, json};

use test_support::{Cluster, Date, Fan, Plan, Server, code_of, ids, int, needs, text};

/// Each by a fan of its own, in the hope that one of them is too fast for whoever looks only from time to time.
const ROUNDS: usize = 40;

/// All that a fan sees of their own, at one process and by one request each.
async fn own(fan: &Fan) -> Value {
    let query = "{ holds { id } points { balance } token { status position { status } }
        reservations(first: 9) { nodes { id status } } payments(first: 9) { nodes { status } } }";
    fan.ask(query, json!({})).await.0["data"].take()
}

/// Does it all at one process, and looks at the other after each step.
async fn buys(here: &Server, there: &Server, date: &Date, number: usize) {
    let mut fan = here.fan(&format!("fan{number}"));
    let joined = fan.join(&date.series).await;
    assert_eq!(joined["position"]["status"], "ADMITTED");
    let elsewhere = there.same(&fan);
    let seen = own(&elsewhere).await;
    assert_eq!(
        (&seen["token"]["status"], &seen["token"]["position"]["status"]),
        (&json!("ADMITTED"), &json!("ADMITTED"))
    );
    fan.charge(10_000, "charge").await;
    assert_eq!(own(&elsewhere).await["points"]["balance"], 10_000);
    let hold = fan.must_hold(&date.seats[number]).await;
    assert_eq!(ids(&own(&elsewhere).await["holds"]), std::slice::from_ref(&hold));
    fan.release(&hold).await;
    assert_eq!(ids(&own(&elsewhere).await["holds"]), Vec::<String>::new());
    // Held here, and paid for there.
    fan.must_hold(&date.seats[number]).await;
    let paid = elsewhere.pay("pay").await;
    assert_eq!(code_of(&paid), None, "{paid}");
    let ticket = text(&paid["reservations"][0]["id"]);
    let seen = own(&fan).await;
    assert_eq!(int(&seen["points"]["balance"]), 0);
    assert_eq!(
        (&seen["token"]["status"], &seen["token"]["position"]["status"]),
        (&json!("COMPLETED"), &json!("COMPLETED"))
    );
    assert_eq!(ids(&seen["reservations"]["nodes"]), std::slice::from_ref(&ticket));
    assert_eq!(
        (ids(&seen["holds"]), &seen["payments"]["nodes"][0]["status"]),
        (Vec::new(), &json!("COMPLETE"))
    );
    fan.cancel(&ticket, "cancel").await;
    let seen = own(&elsewhere).await;
    assert_eq!(int(&seen["points"]["balance"]), 10_000);
    assert_eq!(seen["reservations"]["nodes"][0]["status"], "CANCELLED");
    assert_eq!(seen["payments"]["nodes"][0]["status"], "REFUNDED");
    // And the place that is joined anew there is known here.
    let mut again = elsewhere.clone();
    again.bearer = there.fan(&fan.user).bearer;
    again.join(&date.series).await;
    let here_again = here.same(&again);
    assert_eq!(own(&here_again).await["token"]["position"]["status"], "ADMITTED");
    again.leave().await;
    assert_eq!(own(&here_again).await["token"]["position"]["status"], "LEFT");
}

async fn all_buy(shared: &Cluster) {
    let (one, other) = (shared.server().await, shared.server().await);
    let plan = Plan::small(ROUNDS as i32 / 10, 10, json!({ "maxActive": 1_000 }));
    let date = one.organizer().date(plan).await;
    // One after the other nothing hides behind a commit of somebody else's; and a few at once, because that is how it is.
    for number in 0..ROUNDS / 2 {
        buys(&one, &other, &date, number).await;
    }
    join_all((ROUNDS / 2..ROUNDS).map(|number| buys(&other, &one, &date, number))).await;
    assert_eq!(one.audit().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_at_one_process_is_ones_own_at_the_other() {
    needs!(Postgres, Redis);
    all_buy(&Cluster::with(Clock::system()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_at_one_process_is_ones_own_at_the_other_also_without_redis() {
    needs!(Postgres);
    all_buy(&Cluster::without_redis(Clock::system()).await).await;
}
