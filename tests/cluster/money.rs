//! One wallet and one key at two processes at once (rules 16 and 17).

use frontrow::{
    domain::{
        identity::Role,
        sale::{EntryKind, Problem, ProblemCode},
    },
    service::Failure,
};
use futures_util::future::join_all;

use test_support::needs;

use crate::houses::{Houses, caller, fan, key};

/// Each of these is a race that has to be run more than once.
const TIMES: usize = 40;

/// A wallet that nobody has charged yet has no row that could be locked: that both charges are kept rests on
/// the wallets' being made in store/journal/load.rs. Without it the second charge meets the unique index
/// `point_history_line`, and is decided again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_wallet_keeps_what_two_processes_charge_at_once() {
    needs!(Postgres);
    let houses = Houses::open(2).await;
    for number in 0..TIMES {
        let fan = fan(number);
        let charges = houses.each.iter().enumerate().map(|(process, house)| {
            let amount = [100, 23][process];
            house.charge(&fan, None, amount, key(&format!("process {process}")))
        });
        for charged in join_all(charges).await {
            charged.unwrap();
        }
        let wallet = houses.any(number).wallet(&fan, None).await.unwrap();
        assert_eq!((wallet.balance, wallet.lines), (123, 2));
    }
    houses.close_in_order().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_at_two_processes_at_once_acts_once() {
    needs!(Postgres);
    let houses = Houses::open(2).await;
    let date = houses.date(i32::try_from(TIMES).unwrap()).await;
    for number in 0..TIMES {
        let fan = &fan(number);
        houses.join_at(number, fan, &date).await;
        houses.any(number + 1).hold_seats(fan, vec![date.seats[number]]).await.unwrap();

        let charges = houses.each.iter().map(|house| house.charge(fan, None, 300, key("charge")));
        let charged: Vec<_> = join_all(charges).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(charged[0], charged[1]);
        let paid = houses.each.iter().map(|house| house.pay(fan, None, key("pay")));
        let paid: Vec<_> = join_all(paid).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(paid[0], paid[1]);
        let uses = houses.each.iter().map(|house| house.use_points(fan, 1, key("use")));
        let used: Vec<_> = join_all(uses).await.into_iter().map(Result::unwrap).collect();
        assert_eq!((used[0].0.id, used[0].0.kind), (used[1].0.id, EntryKind::Use));
        let ticket = houses.ticket(fan).await;
        let given_back = houses.each.iter().map(|house| house.cancel(fan, ticket, key("cancel")));
        for (_, wallet) in join_all(given_back).await.into_iter().map(Result::unwrap) {
            assert_eq!((wallet.balance, wallet.lines), (299, 4));
        }
    }
    houses.close_in_order().await;
}

/// The wallets' locks do not tell the two apart: it is the key itself that is in the way of the later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_of_a_cashier_for_two_wallets_at_two_processes_charges_one() {
    needs!(Postgres);
    let houses = Houses::open(2).await;
    let cashier = caller("cashier", vec![Role::Cashier]);
    for number in 0..TIMES {
        let key = key(&format!("the {number}th"));
        let charges = houses.each.iter().enumerate().map(|(process, house)| {
            house.charge(&cashier, Some(fan(2 * number + process).user), 100, key.clone())
        });
        let charged = join_all(charges).await;
        let refused: Vec<_> = charged.iter().filter_map(|charged| charged.as_ref().err()).collect();
        assert!(
            matches!(refused[..], [Failure::Problem(Problem::Simple(ProblemCode::IdempotencyKeyReused))]),
            "{charged:?}"
        );
    }
    houses.close_in_order().await;
}
