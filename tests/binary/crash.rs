//! `kill -9` in the middle of a sale (rules 9, 11, 17 and 19).

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::join_all;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use test_support::{
    CHARGE, Call, Client, Moments, Process, Unanswered, Witness, create_series, entropy, ids,
    process::{audit_is_clean, identity},
    some_of,
};

const FANS: usize = 200;
const SEATS: usize = 50;

/// The server is killed when it has acknowledged so many mutations: the first 200 are the joins, then there are
/// at least 90 holds, charges and payments, all mixed.
const JOINS: Range<usize> = 1..FANS + 1;
const PURCHASES: Range<usize> = FANS + 1..FANS + 86;

/// When to kill: three times among the joins and seven times among what follows, in any order.
fn moments() -> Vec<usize> {
    let mut entropy = entropy();
    let mut moments = some_of(&mut entropy, JOINS, 3);
    moments.extend(some_of(&mut entropy, PURCHASES, 7));
    moments.shuffle(&mut entropy);
    moments
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_kills_in_the_middle_of_a_sale_lose_nothing() {
    let (mut unanswered, mut waited) = (0, 0);
    for (round, moment) in moments().into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let fans = sale_until(folder.path(), moment).await;
        audit_is_clean(folder.path());
        unanswered += fans.iter().filter(|fan| is_unanswered(fan)).count();
        waited += fans.iter().filter(|fan| fan.seen.is_some()).count();

        let server = Process::open(folder.path());
        let api = Client::new(server.address);
        let after = what_is_there(&api, &fans).await;
        for (fan, after) in fans.iter().zip(&after) {
            everything_acknowledged_is_there(fan, after);
        }
        the_line_is_as_before(&fans, &after, moment > FANS);
        let fans = ask_again(&api, fans, &after).await;
        // Every third is enough of this longest part.
        if round % 3 == 1 {
            sell_the_rest(&api, fans).await;
        }
        audit_is_clean(folder.path());
    }
    // Otherwise the moments were badly chosen and the test has shown little.
    assert!(unanswered > 0 && waited > 10 * FANS / 4, "{unanswered} unanswered, {waited} waited");
}

fn is_unanswered(fan: &Witness) -> bool {
    fan.join.is_unanswered()
        || fan.hold.is_unanswered()
        || fan.charge.is_unanswered()
        || fan.pay.is_unanswered()
}

/// A sale that ends with `kill -9` after so many acknowledged mutations.
async fn sale_until(folder: &Path, acknowledged: usize) -> Vec<Witness> {
    let server = Process::open(folder);
    let api = Client::new(server.address);
    let organizer = identity(folder, "organizer", "ORGANIZER");
    let policy = json!({ "maxActive": 20, "heartbeatTimeoutSeconds": 600, "sessionSeconds": 600 });
    let series = create_series(&api, &organizer, TimeDelta::minutes(-1), policy).await;
    let seats =
        api.call("", "query($id: ID!) { seats(seriesId: $id) { id } }", json!({ "id": series })).await;
    let seats = ids(&seats.unwrap()["seats"]);
    assert_eq!(seats.len(), SEATS);

    let moment = Arc::new(Moments::kill_after(acknowledged, server.victim()));
    let fans = (0..FANS).map(|number| Witness::choosy(number, &series, &seats)).collect();
    let mut fans = all(fans, &api, &moment, async |fan, api, moment| fan.join(api, moment).await).await;
    if !moment.are_over() {
        // Nobody joins any more and nobody leaves from behind: who stands behind whom is the order of the line.
        fans = all(fans, &api, &moment, async |fan, api, _| fan.look_again(api).await).await;
        fans = all(fans, &api, &moment, async |fan, api, moment| fan.buy(api, moment).await).await;
    }
    assert!(moment.are_over(), "the sale was over before {acknowledged} mutations were acknowledged");
    fans
}

/// What all fans do at once; each as far as the server answers.
async fn all<F>(fans: Vec<Witness>, api: &Client, moment: &Arc<Moments>, what: F) -> Vec<Witness>
where
    F: AsyncFn(&mut Witness, &Client, &Moments) -> Result<(), Unanswered>,
{
    join_all(fans.into_iter().map(async |mut fan| {
        if what(&mut fan, api, moment).await.is_err() {
            assert!(moment.are_over(), "{} got no answer from a server that lives", fan.user);
        }
        fan
    }))
    .await
}

/// What the server knows of each fan that has a token.
async fn what_is_there(api: &Client, fans: &[Witness]) -> Vec<Option<Value>> {
    let query = "{
        token { id status position { position waiting } }
        holds { id }
        points { balance history(first: 10) { nodes { id kind amount balanceAfter payment { id } } } }
        payments(first: 10) { nodes { id amount status } }
        reservations(first: 10) { nodes { id status payment { id } } } }";
    join_all(fans.iter().map(async |fan| match fan.join.answer() {
        Some(_) => Some(api.call(&fan.token, query, json!({})).await.unwrap()),
        None => None,
    }))
    .await
}

fn everything_acknowledged_is_there(fan: &Witness, after: &Option<Value>) {
    let (Some(token), Some(after)) = (fan.join.answer(), after) else { return };
    let context = || format!("{fan:?}\n{after}");
    assert_eq!(after["token"]["id"], *token, "{}", context());
    let lines = after["points"]["history"]["nodes"].as_array().unwrap();
    let of_kind = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    let (charges, uses) = (of_kind("CHARGE"), of_kind("USE"));
    let (payments, tickets) = (ids(&after["payments"]["nodes"]), ids(&after["reservations"]["nodes"]));
    let paid = !payments.is_empty();

    match fan.charge.answer() {
        Some(line) => assert!(charges.len() == 1 && charges[0]["id"] == *line, "{}", context()),
        None if fan.charge.is_unanswered() => assert!(charges.len() <= 1, "{}", context()),
        None => assert!(charges.is_empty(), "{}", context()),
    }
    assert!(
        charges.iter().all(|line| line["amount"] == CHARGE && line["balanceAfter"] == CHARGE),
        "{}",
        context()
    );

    match fan.pay.answer() {
        Some((payment, reservations)) => {
            assert_eq!(
                (&payments, sorted(&tickets)),
                (&vec![payment.clone()], sorted(reservations)),
                "{}",
                context()
            );
        }
        None if fan.pay.is_unanswered() => assert!(payments.len() <= 1, "{}", context()),
        None => assert!(payments.is_empty() && tickets.is_empty(), "{}", context()),
    }
    // A payment is whole, also one of which nobody was told (rule 15).
    let spent: i64 =
        after["payments"]["nodes"].as_array().unwrap().iter().map(|p| p["amount"].as_i64().unwrap()).sum();
    assert_eq!((uses.len(), paid), (payments.len(), !tickets.is_empty()), "{}", context());
    assert!(
        uses.iter().all(|line| line["amount"] == -spent && line["payment"]["id"] == payments[0]),
        "{}",
        context()
    );
    let charged = if charges.is_empty() { 0 } else { CHARGE };
    assert_eq!(after["points"]["balance"], charged - spent, "{}", context());
    assert_eq!(after["token"]["status"] == "COMPLETED", paid, "{}", context());

    let holds = ids(&after["holds"]);
    match fan.hold.answer() {
        Some(_) if paid => assert!(holds.is_empty(), "{}", context()),
        Some(held) => assert_eq!(sorted(&holds), sorted(held), "{}", context()),
        None if fan.hold.is_unanswered() => assert!(holds.len() <= 2, "{}", context()),
        None => assert!(holds.is_empty(), "{}", context()),
    }
    if fan.hold.answer().is_some() && !paid {
        assert_eq!(after["token"]["status"], "ADMITTED", "{}", context());
    }
}

fn sorted(ids: &[String]) -> Vec<&String> {
    let mut ids: Vec<_> = ids.iter().collect();
    ids.sort_unstable();
    ids
}

/// `settled` says that everybody had joined when the places were seen.
fn the_line_is_as_before(fans: &[Witness], after: &[Option<Value>], settled: bool) {
    let place = |after: &Value| {
        let token = &after["token"];
        let number = |name| token["position"][name].as_i64().unwrap();
        (token["status"] == "WAITING").then(|| (number("position"), number("waiting")))
    };
    let waiting: Vec<_> =
        fans.iter().zip(after).filter_map(|(fan, after)| Some((fan, place(after.as_ref()?)?))).collect();
    for (fan, (position, waiting)) in &waiting {
        // Who was admitted before stays so; a place that was answered but not looked at was none in line.
        let seen = fan.seen.unwrap_or_else(|| panic!("{} was ADMITTED and waits again", fan.user));
        assert!(*position <= seen.position, "the place of {} grew: {seen:?}, then {position}", fan.user);
        if settled {
            assert_eq!(
                waiting - position,
                seen.behind,
                "{} stands before others than before: {seen:?}",
                fan.user
            );
        }
    }
    // Whoever had the answer before the other asked stands in front (rule 4).
    for (one, (front, _)) in &waiting {
        for (other, (back, _)) in &waiting {
            assert!(one.joined.1 >= other.joined.0 || front < back, "{} was before {}", one.user, other.user);
        }
    }
    let places: std::collections::HashSet<_> = waiting.iter().map(|(_, (position, _))| position).collect();
    assert_eq!(places.len(), waiting.len(), "two fans at one place");
}

/// Every call that got no answer is made again, twice, under the key it had.
async fn ask_again(api: &Client, fans: Vec<Witness>, after: &[Option<Value>]) -> Vec<Witness> {
    let moment = &Moments::never();
    join_all(fans.into_iter().zip(after).map(async |(mut fan, after)| {
        if fan.join.is_unanswered() {
            fan.join(api, moment).await.unwrap();
            let first = fan.join.answer().cloned();
            fan.join(api, moment).await.unwrap();
            assert_eq!(fan.join.answer(), first.as_ref(), "{} has two places", fan.user);
        }
        if fan.charge.is_unanswered() {
            fan.charge(api, moment).await.unwrap();
            let first = fan.charge.answer().cloned();
            fan.charge(api, moment).await.unwrap();
            assert_eq!(fan.charge.answer(), first.as_ref(), "{} charged twice", fan.user);
        }
        if fan.pay.is_unanswered() {
            fan.pay(api, moment).await.unwrap();
            let first = fan.pay.answer().cloned();
            fan.pay(api, moment).await.unwrap();
            assert_eq!(fan.pay.answer(), first.as_ref(), "{} paid twice", fan.user);
        }
        // A hold has no key: what is held tells whether it was done.
        if let (true, Some(after)) = (fan.hold.is_unanswered(), after) {
            let held = ids(&after["holds"]);
            fan.hold = if held.is_empty() { Call::NotMade } else { Call::Answered(held) };
        }
        fan
    }))
    .await
}

/// The sale goes on to its end: every seat is sold once, and every fan has what was paid for and no more.
async fn sell_the_rest(api: &Client, fans: Vec<Witness>) {
    let moment = Arc::new(Moments::never());
    let fans = all(fans, api, &moment, async |fan, api, moment| {
        if fan.join.answer().is_none() {
            fan.join(api, moment).await?;
        }
        fan.buy(api, moment).await
    })
    .await;
    let after = what_is_there(api, &fans).await;
    let mut sold = 0;
    for (fan, after) in fans.iter().zip(&after) {
        everything_acknowledged_is_there(fan, after);
        sold += fan.pay.answer().map_or(0, |(_, tickets)| tickets.len());
    }
    assert_eq!(sold, SEATS);
}
