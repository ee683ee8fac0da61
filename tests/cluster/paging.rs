//! Rule 26 with two processes: the order of a list is that of the commits of both.

use std::{sync::Arc, time::Duration};

use test_support::{
    Cluster,
    lists::{Bought, List, Written, buy, create_concerts, follow, walk},
    needs,
};

/// A public answer of one process is as fresh as what it knows of the others (rule 27).
const SOON: Duration = Duration::from_secs(1);

/// That numbers are in the order of the commits rests on the lock in `next_number` of store/catalog.rs. Without it,
/// as tried in November 2026, the unique index `concert_number` refuses who comes second: INTERNAL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_concert_is_skipped_while_two_processes_create_some() {
    needs!(Postgres, Redis);
    let shared = Cluster::new().await;
    let (one, other) = (shared.server().await, shared.server().await);
    let (servers, written) = ([&one, &other], Arc::new(Written::elsewhere(SOON)));
    let (followed, walked, ()) = tokio::join!(
        follow(List::Concerts, one.stranger(), Arc::clone(&written)),
        walk(List::Concerts, other.stranger(), Arc::clone(&written)),
        create_concerts(&servers, 60, &written)
    );
    assert_eq!((followed, walked), Default::default());
}

/// What one fan buys at both, for dates of which each has its own lock: the wallet's orders them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_fan_buys_at_two_processes_is_skipped() {
    needs!(Postgres, Redis);
    let shared = Cluster::new().await;
    let (one, other) = (shared.server().await, shared.server().await);
    let (servers, bought) = ([&one, &other], Bought::default());
    let (payments, tickets, lines, ()) = tokio::join!(
        follow(List::Payments, one.fan("ann"), Arc::clone(&bought.payments)),
        follow(List::Reservations, other.fan("ann"), Arc::clone(&bought.tickets)),
        follow(List::History, one.fan("ann"), Arc::clone(&bought.lines)),
        buy(&servers, "ann", 10, &bought)
    );
    assert_eq!((payments, tickets, lines), Default::default());
    assert_eq!(one.audit().await, Vec::<String>::new());
}
