//! A process dies in the middle of a sale: fans at the others hardly notice.

use chrono::{DateTime, TimeDelta, Utc};
use frontrow::clock::Clock;
use test_support::{ms, needs, now, redis_url, secs};

use crate::{
    processes::Processes,
    traffic::{Answers, Date, Stop, hold_and_release, while_they_buy},
};

/// What fans at other processes may have to wait for an answer.
const GAP: TimeDelta = TimeDelta::milliseconds(500);

/// Fans of each process.
const FANS: usize = 4;

async fn pause(span: TimeDelta) {
    Clock::system().sleep(span).await;
}

/// The longest that any of them waited.
fn longest(answers: &[Answers], from: DateTime<Utc>, until: DateTime<Utc>) -> TimeDelta {
    answers.iter().map(|fan| fan.longest(from, until)).max().unwrap()
}

/// The victim serves fans too until it dies, and has decided most; then it starts again.
async fn dies(processes: &mut Processes, date: &Date, kill: impl Fn(&Processes)) -> (TimeDelta, TimeDelta) {
    let victim = processes.each.len() - 1;
    let others: Vec<_> = (0..victim).collect();
    let (client, stop) = (processes.client(victim), Stop::default());
    let mut doomed = Vec::new();
    for number in 0..FANS {
        let guest = date.guest(&client, 1_000 + number).await;
        let seat = date.seats[date.seats.len() - 1 - number].clone();
        doomed.push(tokio::spawn(hold_and_release(client.clone(), guest, seat, stop.clone(), true)));
    }
    let happens = async {
        let begun = now();
        pause(secs(2)).await;
        let killed = now();
        kill(processes);
        pause(secs(2)).await;
        (begun, killed)
    };
    let (answers, (begun, killed)) = while_they_buy(processes, &others, &[date], FANS, happens).await;
    stop.now();
    for fan in doomed {
        fan.await.unwrap();
    }
    processes.start_again(victim);
    (longest(&answers[0], begun, killed), longest(&answers[0], killed, killed + secs(2)))
}

/// A machine that does much else lets everybody wait now and then: as long is allowed on top as was waited before.
async fn hardly_noticed(redis: Option<&str>, kill: impl Fn(&Processes)) {
    let mut processes = Processes::started(3, redis).await;
    let date = Date::make(&processes, 40).await;
    let mut gaps = Vec::new();
    for _ in 0..3 {
        let (before, after) = dies(&mut processes, &date, &kill).await;
        gaps.push((after - before.max(ms(0)), before, after));
    }
    assert!(gaps.iter().all(|(more, ..)| *more <= GAP), "more, before, after: {gaps:?}");
    processes.audit();
}

fn sigkill(processes: &Processes) {
    processes.each.last().unwrap().victim().kill();
}

fn sigterm(processes: &Processes) {
    processes.each.last().unwrap().terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fans_at_the_others_hardly_notice_that_a_process_is_killed() {
    needs!(Postgres);
    hardly_noticed(None, sigkill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fans_at_the_others_hardly_notice_that_a_process_is_killed_with_redis() {
    needs!(Postgres, Redis);
    hardly_noticed(Some(&redis_url()), sigkill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fans_at_the_others_hardly_notice_that_a_process_stops_in_order() {
    needs!(Postgres);
    hardly_noticed(None, sigterm).await;
}
