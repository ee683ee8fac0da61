//! PostgreSQL's machine is lost, and its replica takes over, which has not heard of the last commits. Processes that go on
//! know more than the database does; none of them decides on it (rules 8, 9, 11 and 20).

use serde_json::{Value, json};
use test_support::{Client, Fan, PostgresServer, Process, code_of, create_house, ids, ms, needs};

use crate::{
    processes::{Processes, command},
    wire::Wire,
};

/// A fan of a process, who does not give up.
fn fan(processes: &Processes, process: usize, name: &str) -> Fan {
    let client = Client::of_all(vec![processes.each[process].address], ms(100));
    Fan::new(client, name, Some(processes.identity(name, "CASHIER")))
}

/// The same fan at another process.
fn at(processes: &Processes, process: usize, of: &Fan) -> Fan {
    let mut same = fan(processes, process, &of.user);
    (same.bearer, same.token) = (of.bearer.clone(), of.token.clone());
    same
}

async fn positions(fans: &[Fan]) -> Vec<Value> {
    let mut positions = Vec::new();
    for fan in fans {
        positions.push(fan.heartbeat().await["position"].take());
    }
    positions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_promoted_without_the_last_commits_is_what_counts() {
    needs!(Postgres);
    let primary = PostgresServer::start();
    let (wire, url) = Wire::to_url(&primary.url).await;
    let mut processes = Processes::over(&primary, None);
    for _ in 0..2 {
        processes.each.push(Process::listening(command(processes.folder.path(), &url, None)));
    }
    let (client, organizer) = (processes.client(0), processes.identity("olga", "ORGANIZER"));
    let policy = json!({ "maxActive": 2, "maxSeatsPerUser": 10, "heartbeatTimeoutSeconds": 600 });
    let series =
        create_house(&client, &organizer, chrono::TimeDelta::minutes(-1), policy, Some((1, 10))).await;
    let seats = "query($id: ID!) { seats(seriesId: $id) { id } }";
    let seats = ids(&client.call("", seats, json!({ "id": series })).await.unwrap()["seats"]);
    let mut fans = Vec::new();
    for number in 0..7 {
        let mut one = fan(&processes, number % 2, &format!("fan{number}"));
        if number < 5 {
            one.join(&series).await;
            one.charge(100_000, "charge").await;
        }
        fans.push(one);
    }
    let held = fans[0].must_hold(&seats[0]).await;

    // What comes now the replica does not hear of.
    let standby = primary.standby();
    standby.stop();
    for fan in &mut fans[5..] {
        fan.join(&series).await;
    }
    assert_eq!(code_of(&fans[0].release(&held).await), None);
    fans[1].must_hold(&seats[1]).await;
    let before = positions(&fans).await;
    assert_eq!(before, [0, 0, 1, 2, 3, 4, 5].map(|n| json!(n)));
    primary.crash();
    standby.start_again();
    standby.promote();
    wire.lead_to(&standby.url);

    // As the processes know it the first seat is free, and the second is held.
    assert_eq!(at(&processes, 0, &fans[1]).hold(&seats[0]).await["problem"]["code"], "SEAT_TAKEN");
    assert_eq!(code_of(&fans[1].hold(&seats[1]).await), None);
    // Who had joined since comes back to the same place, at any process, in any order.
    for number in [6, 5] {
        let back = at(&processes, (number + 1) % 2, &fans[number]).heartbeat().await;
        assert_eq!(back["status"], "WAITING", "{number}: {back}");
    }
    assert_eq!(positions(&fans).await, before);
    assert_eq!(code_of(&fans[0].pay("pay").await), None);
    processes.url.clone_from(&standby.url);
    processes.audit();
}
