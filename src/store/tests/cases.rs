//! See the names of the tests.

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

use super::scratch::{SEATS, Scratch, at, id, scratches, seat};
use crate::{
    domain::{
        catalog::HeldSeats,
        date::{EndReason, LobbyHash},
        id::{HoldId, PaymentId, ReservationId, SeriesId, TokenId, UserId},
        sale::{SeatState, TokenStatus},
    },
    store::{SERVING_ALONE, audit, presence::Told},
};

/// A place of the first date: its number, whose, where it stands, and the times of that.
fn place(date: u16, n: u16, status: &str, times: &str) -> String {
    format!(
        "INSERT INTO token (id, series_id, user_id, name, seq, lobby, status, created_at, admitted_at, \
         session_ends_at, ended_at) VALUES ({{3:{n}}}, {{2:{date}}}, 'fan{n}', 'Fan', {n}, true, '{status}', <10>, {times})"
    )
}

async fn with_dates(dates: u16) -> Vec<Scratch> {
    let mut all = Vec::new();
    for scratch in scratches().await {
        let scratch = scratch.with_concert().await;
        for n in 1..=dates {
            scratch.date(n).await;
        }
        all.push(scratch);
    }
    all
}

#[tokio::test]
async fn a_date_has_a_head_from_its_first_row_to_its_last() {
    for scratch in with_dates(0).await {
        let database = &scratch.database;
        let head = async |id: SeriesId| {
            entity::sale_head::Entity::find_by_id(id.0).one(&database.read).await.unwrap()
        };
        let made = scratch.begin(1).await;
        let first = head(made.id).await.unwrap();
        assert_eq!(
            (first.version, first.last_at, first.next_due),
            (0, at(0), None),
            "nothing is due of half a date"
        );
        assert_eq!(database.find_series(made.id).await.unwrap(), None);
        assert!(database.series_is_ready(made.id).await.unwrap());
        assert_eq!(head(made.id).await.unwrap().next_due, Some(at(60)), "the draw");
        assert_eq!(database.find_series(made.id).await.unwrap(), Some(made));

        let failed = scratch.begin(2).await;
        assert!(database.give_up_series(failed.id).await.unwrap());
        let mut steps = 0;
        while database.remove_some_of(failed.id).await.unwrap() {
            steps += 1;
        }
        assert_eq!((steps, head(failed.id).await), (2, None), "its seats, and then the rest of it");
        assert_eq!(audit::audit(database).await.unwrap(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn how_far_a_date_has_come_is_told_with_it() {
    for scratch in with_dates(2).await {
        let hash = "ab".repeat(32);
        scratch
            .run(&format!(
                "UPDATE sale_head SET seats_version = 7, reserved_count = {SEATS}, drawn_at = <60>, \
                 lobby_hash = '{hash}', next_seq = 12 WHERE series_id = {{2:1}}; \
                 UPDATE sale_head SET drawn_at = <60>, lobby_hash = '' WHERE series_id = {{2:2}}"
            ))
            .await;
        let found = scratch.database.series_of(&[crate::domain::id::ConcertId(id(1, 1))]).await.unwrap();
        let dates: Vec<_> = found.into_values().flatten().collect();
        let told: Vec<_> = dates.iter().map(|it| (it.version, it.drawn_at, it.lobby_hash)).collect();
        assert_eq!(told, [(7, Some(at(60)), Some(LobbyHash([0xab; 32]))), (0, Some(at(60)), None)]);
        assert!(dates[0].state().sold_out && !dates[1].state().sold_out);
        assert_eq!(scratch.database.joins(dates[0].id).await.unwrap(), 12);
    }
}

/// Rule 24: what is broken is left out, and takes nobody with it.
#[tokio::test]
async fn a_head_that_cannot_be_read_takes_no_list_down() {
    for scratch in with_dates(3).await {
        let bad = if scratch.is_postgres() { "'infinity'" } else { "'soon'" };
        scratch
            .run(&format!(
                "UPDATE sale_head SET last_at = {bad} WHERE series_id = {{2:1}}; \
                 UPDATE sale_head SET lobby_hash = 'zz' WHERE series_id = {{2:2}}"
            ))
            .await;
        let ids = [1, 2, 3].map(|n| SeriesId(id(2, n)));
        let found = scratch.database.series_by_id(&ids).await.unwrap();
        assert_eq!(found.into_keys().collect::<Vec<_>>(), [ids[2]]);
    }
}

/// The close of a line is one thing that happened, and rewrites no places.
#[tokio::test]
async fn who_waited_when_the_line_was_closed_is_over() {
    for scratch in with_dates(3).await {
        let (waits, admitted) = ("NULL, NULL, NULL", "<70>, <700>, NULL");
        let places = [
            place(1, 1, "WAITING", waits),
            place(2, 2, "WAITING", waits),
            place(2, 3, "ADMITTED", admitted),
            place(3, 4, "WAITING", waits),
            place(3, 5, "COMPLETED", "<70>, <700>, <80>"),
        ];
        scratch.run(&places.join(";")).await;
        scratch.run("UPDATE sale_head SET closed_at = <3600> WHERE series_id != {2:1}").await;
        let token = async |n| scratch.database.token(TokenId(id(3, n))).await.unwrap().unwrap();
        assert_eq!(token(1).await.status, TokenStatus::Waiting);
        let over = token(2).await;
        let closed = (TokenStatus::Expired, Some(at(3_600)), Some(EndReason::SaleClosed));
        assert_eq!((over.status, over.ended_at, over.end_reason), closed);
        assert_eq!((token(3).await.status, token(3).await.end_reason), (TokenStatus::Admitted, None));
        assert_eq!(token(5).await.end_reason, Some(EndReason::Paid), "from before anybody wrote it down");
        let mut live = scratch.database.series_with_live_places().await.unwrap();
        live.sort_unstable();
        assert_eq!(
            live,
            [1, 2].map(|n| SeriesId(id(2, n))),
            "one that is closed, for who may still pay there"
        );
    }
}

#[tokio::test]
async fn a_seat_is_whose_hold_is_active_or_whose_reservation_stands() {
    for scratch in with_dates(1).await {
        let hold = |n: u16, status: &str| {
            format!(
                "INSERT INTO hold (id, user_id, token_id, series_id, seat_id, created_at, expires_at, status) \
                 VALUES ({{4:{n}}}, 'fan', {{3:1}}, {{2:1}}, {{101:{n}}}, <80>, <380>, '{status}')"
            )
        };
        let ticket = |n: u16, payment: u16, line: i32, status: &str| {
            format!(
                "INSERT INTO reservation (id, user_id, series_id, seat_id, payment_id, line, price, status, created_at) \
                 VALUES ({{5:{n}}}, 'fan', {{2:1}}, {{101:{n}}}, {{6:{payment}}}, {line}, 10, '{status}', <90>)"
            )
        };
        let rows = [
            hold(1, "ACTIVE"),
            hold(2, "RELEASED"),
            hold(3, "CONFIRMED"),
            ticket(3, 1, 2, "CONFIRMED"),
            ticket(4, 2, 3, "CANCELLED"),
        ];
        scratch.run(&rows.join(";")).await;
        let seats = [1, 2, 3, 4].map(|n| seat(1, n));
        let found = scratch.database.seats_by_id(&seats).await.unwrap();
        let held = SeatState::Held { hold: HoldId(id(4, 1)), until: at(380) };
        let sold = SeatState::Reserved(ReservationId(id(5, 3)));
        assert_eq!(seats.map(|id| found[&id].state), [held, SeatState::Free, sold, SeatState::Free]);
        assert_eq!((found[&seats[3]].number, found[&seats[3]].price), (4, 10));
        let held = scratch.database.held_counts(&[SeriesId(id(2, 1))], at(379)).await.unwrap();
        let until = Some(at(380));
        assert_eq!(
            held.into_iter().collect::<Vec<_>>(),
            [(SeriesId(id(2, 1)), HeldSeats { seats: 1, until })]
        );

        let paid = |n, user, line| (PaymentId(id(6, n)), UserId::try_new(user).unwrap(), line);
        let asked = [paid(1, "fan", 2), paid(3, "fan", 2), paid(4, "other", 3)];
        let found = scratch.database.reservations_of(&asked).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|(id, tickets)| (id, tickets.len())).collect();
        assert_eq!(
            found,
            [(PaymentId(id(6, 1)), 1)],
            "not what the fan paid for at the line of the other's payment"
        );
    }
}

#[tokio::test]
async fn what_a_process_tells_takes_the_place_of_what_it_told() {
    for scratch in with_dates(0).await {
        let (database, clock) = (&scratch.database, &scratch.clock);
        let (me, other, dates) = (id(9, 1), id(9, 2), [1, 2].map(|n| SeriesId(id(2, n))));
        let told = |process: Uuid, series: SeriesId, seconds, heard: &[u8]| Told {
            process,
            series,
            at: at(seconds),
            heard: heard.to_vec(),
        };
        let all = async || {
            let (mut rows, now) = database.told(&dates, clock).await.unwrap();
            rows.sort_by_key(|row| (row.process, row.series));
            (rows, now)
        };
        let tell = async |process, heard: &[(SeriesId, &[u8])]| {
            let heard = heard.iter().map(|(series, bytes)| (*series, bytes.to_vec())).collect();
            database.tell_heard(process, heard, clock).await.unwrap();
        };
        tell(me, &[(dates[0], b"a"), (dates[1], b"b")]).await;
        tell(other, &[(dates[0], b"")]).await;
        let first = [told(me, dates[0], 0, b"a"), told(me, dates[1], 0, b"b"), told(other, dates[0], 0, b"")];
        assert_eq!(all().await, (first.into(), at(0)));
        clock.set(at(4));
        tell(me, &[(dates[1], b"c")]).await;
        let next = vec![told(me, dates[1], 4, b"c"), told(other, dates[0], 0, b"")];
        assert_eq!(all().await, (next, at(4)), "of the other date it tells nothing any more");
        clock.set(at(3_601));
        tell(me, &[]).await;
        assert_eq!(all().await.0, [], "nobody remembers the other process");
        tell(other, &[(dates[0], b"d")]).await;
        database.forget_process(other).await.unwrap();
        assert_eq!(all().await.0, []);
    }
}

#[tokio::test]
async fn the_most_that_were_admitted_in_any_interval_are_counted() {
    for scratch in with_dates(1).await {
        let times = [100, 100, 101, 109, 110, 119];
        let places =
            times.iter().zip(1..).map(|(time, n)| place(1, n, "EXPIRED", &format!("<{time}>, <700>, <700>")));
        scratch.run(&places.collect::<Vec<_>>().join(";")).await;
        let most = async |seconds| {
            let interval = TimeDelta::seconds(seconds);
            audit::most_admitted_within(&scratch.database, SeriesId(id(2, 1)), interval).await.unwrap()
        };
        // Who was admitted a whole interval ago does not count any more: from 101 s to 110 s there are three.
        assert_eq!((most(1).await, most(9).await, most(10).await, most(1_000).await), (2, 3, 4, 6));
    }
}

/// It decides by what it has in memory, and would not know of what is committed beside it.
#[tokio::test]
async fn nobody_changes_the_schema_under_a_lone_process_of_an_earlier_version() {
    for scratch in scratches().await.iter().filter(|scratch| scratch.is_postgres()) {
        let mut options = sea_orm::ConnectOptions::new(&scratch.url);
        options.max_connections(1);
        let earlier = sea_orm::Database::connect(options).await.unwrap();
        earlier.execute_unprepared(&format!("SELECT pg_advisory_lock({SERVING_ALONE})")).await.unwrap();
        let refused = scratch.database.migrate().await.unwrap_err();
        assert!(refused.to_string().contains("earlier version"), "{refused}");
        earlier.close().await.unwrap();
        scratch.database.migrate().await.unwrap();
    }
}
