//! What the tables say, beside what the model says they should.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Statement, TryGetable};
use uuid::Uuid;

use super::fixture::Fixture;
use crate::{
    domain::{
        date::{
            EndReason, Known, Sale,
            model::{Rows, Where},
        },
        sale::{EntryKind, HoldStatus, ReservationStatus},
    },
    store::journal::fold::reason_text,
};

impl Fixture {
    async fn read(&self, sql: &str) -> Vec<QueryResult> {
        let db = self.database().reader();
        db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap()
    }

    /// All rows of a query, each as text, sorted.
    async fn texts(&self, sql: &str, row: impl Fn(&QueryResult) -> String) -> Vec<String> {
        let mut texts: Vec<_> = self.read(sql).await.iter().map(row).collect();
        texts.sort();
        texts
    }

    /// Whether the tables say what `rows` say, and the head what `sale` says.
    pub(super) async fn says(&self, rows: &Rows, sale: &Sale) {
        self.says_of_places(rows).await;
        self.says_of_seats(rows).await;
        self.says_of_points(rows).await;
        let head = self
            .read(
                "SELECT last_at, next_due, seats_version, reserved_count, next_seq, drawn_at, \
             closed_at, lobby_hash FROM sale_head",
            )
            .await;
        let [head] = &head[..] else { panic!("{} heads", head.len()) };
        assert_eq!(get::<DateTime<Utc>>(head, 0), rows.last);
        assert_eq!(get::<Option<DateTime<Utc>>>(head, 1), sale.next_due());
        assert_eq!(get::<i32>(head, 2), rows.seats_version);
        assert_eq!(usize::try_from(get::<i32>(head, 3)).unwrap(), rows.standing().count());
        assert_eq!(get::<i64>(head, 4), rows.tokens.iter().map(|row| row.seq as i64 + 1).max().unwrap_or(0));
        assert_eq!(get::<Option<DateTime<Utc>>>(head, 5).is_some(), rows.drawn.is_some());
        assert_eq!(get::<Option<DateTime<Utc>>>(head, 6).is_some(), rows.closed);
        let hash = rows.drawn.and_then(|drawn| drawn.lobby_hash()).map(|hash| hash.to_string());
        assert_eq!(get::<Option<String>>(head, 7), hash);
        let series = &self.read("SELECT paused, max_active, admit_per_interval FROM series").await[0];
        assert_eq!(get::<bool>(series, 0), rows.settings.paused);
        assert_eq!(get::<Option<i32>>(series, 1), rows.settings.policy.max_active.map(|n| n as i32));
        assert_eq!(get::<Option<i32>>(series, 2), rows.settings.policy.admit_per_interval.map(|n| n as i32));
    }

    async fn says_of_places(&self, rows: &Rows) {
        let stored = self
            .texts("SELECT id, user_id, seq, lobby, status, session_ends_at, end_reason FROM token", |row| {
                format!(
                    "{} {} {} {} {} {:?} {:?}",
                    get::<Uuid>(row, 0),
                    get::<String>(row, 1),
                    get::<i64>(row, 2),
                    get::<bool>(row, 3),
                    get::<String>(row, 4),
                    // What is over need not say until when it would have been.
                    get::<Option<DateTime<Utc>>>(row, 5).filter(|_| get::<String>(row, 4) == "ADMITTED"),
                    get::<Option<String>>(row, 6),
                )
            })
            .await;
        let mut expected: Vec<_> = rows
            .tokens
            .iter()
            .map(|row| {
                let (status, until, reason) = match &row.at {
                    // The close rewrites no rows.
                    Where::Waiting | Where::Ended(EndReason::SaleClosed) => ("WAITING", None, None),
                    Where::Admitted(until) => ("ADMITTED", Some(*until), None),
                    Where::Ended(EndReason::Paid) => ("COMPLETED", None, Some(EndReason::Paid)),
                    Where::Ended(EndReason::Left) => ("LEFT", None, Some(EndReason::Left)),
                    Where::Ended(reason) => ("EXPIRED", None, Some(*reason)),
                };
                let reason = reason.map(|reason| reason_text(reason).to_owned());
                format!("{} {} {} {} {status} {until:?} {reason:?}", row.token, row.user, row.seq, row.lobby)
            })
            .collect();
        expected.sort();
        assert_eq!(stored, expected);
    }

    async fn says_of_seats(&self, rows: &Rows) {
        let sql = "SELECT id, user_id, token_id, seat_id, created_at, expires_at, status FROM hold";
        let stored = self
            .texts(sql, |row| {
                let ids = (get::<Uuid>(row, 0), get::<Uuid>(row, 2), get::<Uuid>(row, 3));
                let times = (get::<DateTime<Utc>>(row, 4), get::<DateTime<Utc>>(row, 5));
                format!("{ids:?} {} {times:?} {}", get::<String>(row, 1), get::<String>(row, 6))
            })
            .await;
        let word = |status| match status {
            HoldStatus::Active => "ACTIVE",
            HoldStatus::Confirmed => "CONFIRMED",
            HoldStatus::Expired => "EXPIRED",
            HoldStatus::Released => "RELEASED",
        };
        let holds = rows.holds.iter().map(|hold| {
            let ids = (hold.id.0, hold.token.0, hold.seat.0);
            format!("{ids:?} {} {:?} {}", hold.user, (hold.created_at, hold.expires_at), word(hold.status))
        });
        assert_eq!(stored, sorted(holds));
        let sql = "SELECT id, user_id, seat_id, payment_id, line, price, status, created_at FROM reservation";
        let stored = self
            .texts(sql, |row| {
                let ids = (get::<Uuid>(row, 0), get::<Uuid>(row, 2), get::<Uuid>(row, 3));
                let ints = (get::<i32>(row, 4), get::<i32>(row, 5));
                let at = get::<DateTime<Utc>>(row, 7);
                format!("{ids:?} {} {ints:?} {} {at}", get::<String>(row, 1), get::<String>(row, 6))
            })
            .await;
        let reservations = rows.reservations.values().map(|one| {
            let word = match one.status {
                ReservationStatus::Confirmed => "CONFIRMED",
                ReservationStatus::Cancelled => "CANCELLED",
            };
            let ids = (one.id.0, one.seat.0, one.payment.0);
            format!("{ids:?} {} {:?} {word} {}", one.user, (one.line, one.price), one.created_at)
        });
        assert_eq!(stored, sorted(reservations));
        let sql = "SELECT user_id, ended, brief_ms, barred_since, barred_until FROM unpaid";
        let stored = self
            .texts(sql, |row| {
                let barred = get::<Option<DateTime<Utc>>>(row, 3).zip(get::<Option<DateTime<Utc>>>(row, 4));
                format!("{} {} {} {barred:?}", get::<String>(row, 0), get::<i32>(row, 1), get::<i64>(row, 2))
            })
            .await;
        let unpaid = rows.unpaid.iter();
        let unpaid =
            unpaid.map(|(user, one)| format!("{user} {} {} {:?}", one.ended, one.brief_ms, one.barred));
        assert_eq!(stored, sorted(unpaid));
    }

    async fn says_of_points(&self, rows: &Rows) {
        let sql = "SELECT id, user_id, line, amount, refunded, created_at FROM payment";
        let stored = self
            .texts(sql, |row| {
                let ints = (get::<i32>(row, 2), get::<i32>(row, 3), get::<i32>(row, 4));
                let at = get::<DateTime<Utc>>(row, 5);
                format!("{} {} {ints:?} {at}", get::<Uuid>(row, 0), get::<String>(row, 1))
            })
            .await;
        let payments = rows.payments.values().map(|one| {
            let ints = (one.line, one.amount, one.refunded);
            format!("{} {} {ints:?} {}", one.id, one.user, one.created_at)
        });
        assert_eq!(stored, sorted(payments));
        let sql =
            "SELECT id, user_id, actor_id, line, kind, amount, balance_after, payment_id FROM point_history";
        let stored = self
            .texts(sql, |row| {
                let ids = (get::<Uuid>(row, 0), get::<Option<Uuid>>(row, 7));
                let texts = (get::<String>(row, 1), get::<Option<String>>(row, 2), get::<String>(row, 4));
                let ints = (get::<i32>(row, 3), get::<i32>(row, 5), get::<i32>(row, 6));
                format!("{ids:?} {texts:?} {ints:?}")
            })
            .await;
        let entries = rows.entries.iter().map(|one| {
            let kind = match one.kind {
                EntryKind::Charge => "CHARGE",
                EntryKind::Use => "USE",
                EntryKind::Refund => "REFUND",
            };
            let ids = (one.id.0, one.payment.map(|payment| payment.0));
            let texts = (one.user.to_string(), one.actor.as_ref().map(ToString::to_string), kind.to_owned());
            format!("{ids:?} {texts:?} {:?}", (one.line, one.amount, one.balance_after))
        });
        assert_eq!(stored, sorted(entries));
        // Who asked for what it had no points for has an empty wallet.
        let stored = self.texts("SELECT user_id, balance, lines FROM wallet WHERE lines > 0", |row| {
            format!("{} {} {}", get::<String>(row, 0), get::<i32>(row, 1), get::<i32>(row, 2))
        });
        let users: BTreeMap<_, _> = rows.entries.iter().map(|entry| (&entry.user, ())).collect();
        let wallets = users.keys().map(|user| rows.wallet(user));
        let wallets = wallets.map(|one| format!("{} {} {}", one.user, one.balance, one.lines));
        assert_eq!(stored.await, sorted(wallets));
        let stored = self.texts("SELECT user_id, key, fingerprint, result_id FROM idempotency_key", |row| {
            let texts = (get::<String>(row, 0), get::<String>(row, 1), get::<String>(row, 2));
            format!("{texts:?} {}", get::<Uuid>(row, 3))
        });
        let keys = rows.keys.iter().map(|((user, key), (fingerprint, result))| {
            format!("{:?} {result}", (user.to_string(), key.to_string(), fingerprint.clone()))
        });
        assert_eq!(stored.await, sorted(keys));
    }
}

fn get<T: TryGetable>(row: &QueryResult, at: usize) -> T {
    row.try_get_by_index(at).unwrap()
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    texts
}

/// Whether as much was loaded as the model says, and the same.
pub(super) fn is_known(loaded: &Known, expected: &Known) {
    assert_eq!(loaded.till.wallets, expected.till.wallets);
    assert_eq!(loaded.till.keys.len(), expected.till.keys.len());
    for (key, recorded) in &loaded.till.keys {
        // Whose wallet is in it, and how it stands, is up to who answers with it.
        let (loaded, expected) = (recorded, &expected.till.keys[key]);
        assert_eq!(loaded.fingerprint, expected.fingerprint);
        assert_eq!(loaded.outcome, expected.outcome);
    }
    assert_eq!(loaded.ended, expected.ended);
    assert_eq!(loaded.holds, expected.holds);
    let sorted = |known: &Known| {
        let mut lapsed: Vec<_> = known.lapsed.clone().into_iter().collect();
        lapsed.iter_mut().for_each(|(_, tokens)| tokens.sort());
        // Nobody's are none.
        lapsed.retain(|(_, tokens)| !tokens.is_empty());
        lapsed.sort();
        lapsed
    };
    assert_eq!(sorted(loaded), sorted(expected));
    assert_eq!(loaded.reservations, expected.reservations);
}
