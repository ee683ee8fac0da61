//! The statements that write, one a table however many rows there are. Those of [`MOVES`] change rows that are there, and
//! come first: what they end frees a seat, or a user's place, in the unique indexes, for what [`ADDS`] adds.

use crate::store::journal::sheet::{Column, Kind, Sheet};

use Kind::{BigInt, Bool, Int, Text, TextOrNull, Time, TimeOrNull, Uuid, UuidOrNull};

/// A statement over rows, which are the table `{rows}` in it.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) columns: &'static [Column],
    pub(super) sql: &'static str,
}

impl Change {
    pub(super) fn sheet(&self) -> Sheet {
        Sheet::new(self.columns)
    }
}

pub(super) const TOKENS_MOVED: Change = Change {
    columns: &[
        ("id", Uuid),
        ("status", Text),
        ("admitted_at", TimeOrNull),
        ("session_ends_at", TimeOrNull),
        ("ended_at", TimeOrNull),
        ("end_reason", TextOrNull),
    ],
    sql: "UPDATE token SET status = r.status, admitted_at = COALESCE(r.admitted_at, token.admitted_at), \
          session_ends_at = COALESCE(r.session_ends_at, token.session_ends_at), ended_at = r.ended_at, \
          end_reason = r.end_reason FROM {rows} WHERE token.id = r.id",
};

pub(super) const HOLDS_ENDED: Change = Change {
    columns: &[("id", Uuid), ("status", Text)],
    sql: "UPDATE hold SET status = r.status FROM {rows} WHERE hold.id = r.id AND hold.status = 'ACTIVE'",
};

pub(super) const RESERVATIONS_CANCELLED: Change = Change {
    columns: &[("id", Uuid)],
    sql: "UPDATE reservation SET status = 'CANCELLED' FROM {rows} \
          WHERE reservation.id = r.id AND reservation.status = 'CONFIRMED'",
};

pub(super) const REFUNDS: Change = Change {
    columns: &[("id", Uuid), ("points", Int)],
    sql: "UPDATE payment SET refunded = refunded + r.points FROM {rows} WHERE payment.id = r.id",
};

pub(super) const WALLETS: Change = Change {
    columns: &[("user_id", Text), ("balance", Int), ("lines", Int)],
    sql: "UPDATE wallet SET balance = r.balance, lines = r.lines FROM {rows} WHERE wallet.user_id = r.user_id",
};

pub(super) const TOKENS: Change = Change {
    columns: &[
        ("id", Uuid),
        ("series_id", Uuid),
        ("user_id", Text),
        ("name", Text),
        ("seq", BigInt),
        ("lobby", Bool),
        ("status", Text),
        ("created_at", Time),
        ("admitted_at", TimeOrNull),
        ("session_ends_at", TimeOrNull),
        ("ended_at", TimeOrNull),
        ("end_reason", TextOrNull),
    ],
    sql: "INSERT INTO token (id, series_id, user_id, name, seq, lobby, status, created_at, admitted_at, \
          session_ends_at, ended_at, end_reason) SELECT id, series_id, user_id, name, seq, lobby, status, \
          created_at, admitted_at, session_ends_at, ended_at, end_reason FROM {rows}",
};

pub(super) const HOLDS: Change = Change {
    columns: &[
        ("id", Uuid),
        ("user_id", Text),
        ("token_id", Uuid),
        ("series_id", Uuid),
        ("seat_id", Uuid),
        ("created_at", Time),
        ("expires_at", Time),
        ("status", Text),
    ],
    sql: "INSERT INTO hold (id, user_id, token_id, series_id, seat_id, created_at, expires_at, status) \
          SELECT id, user_id, token_id, series_id, seat_id, created_at, expires_at, status FROM {rows}",
};

pub(super) const PAYMENTS: Change = Change {
    columns: &[
        ("id", Uuid),
        ("user_id", Text),
        ("series_id", Uuid),
        ("line", Int),
        ("amount", Int),
        ("refunded", Int),
        ("created_at", Time),
    ],
    sql: "INSERT INTO payment (id, user_id, series_id, line, amount, refunded, created_at) \
          SELECT id, user_id, series_id, line, amount, refunded, created_at FROM {rows}",
};

pub(super) const RESERVATIONS: Change = Change {
    columns: &[
        ("id", Uuid),
        ("user_id", Text),
        ("series_id", Uuid),
        ("seat_id", Uuid),
        ("payment_id", Uuid),
        ("line", Int),
        ("price", Int),
        ("status", Text),
        ("created_at", Time),
    ],
    sql: "INSERT INTO reservation (id, user_id, series_id, seat_id, payment_id, line, price, status, created_at) \
          SELECT id, user_id, series_id, seat_id, payment_id, line, price, status, created_at FROM {rows}",
};

pub(super) const ENTRIES: Change = Change {
    columns: &[
        ("id", Uuid),
        ("user_id", Text),
        ("actor_id", TextOrNull),
        ("line", Int),
        ("kind", Text),
        ("amount", Int),
        ("balance_after", Int),
        ("payment_id", UuidOrNull),
        ("created_at", Time),
    ],
    sql: "INSERT INTO point_history (id, user_id, actor_id, line, kind, amount, balance_after, payment_id, \
          created_at) SELECT id, user_id, actor_id, line, kind, amount, balance_after, payment_id, created_at \
          FROM {rows}",
};

pub(super) const KEYS: Change = Change {
    columns: &[
        ("user_id", Text),
        ("key", Text),
        ("fingerprint", Text),
        ("result_id", Uuid),
        ("created_at", Time),
    ],
    sql: "INSERT INTO idempotency_key (user_id, key, fingerprint, result_id, created_at) \
          SELECT user_id, key, fingerprint, result_id, created_at FROM {rows}",
};

pub(super) const UNPAID: Change = Change {
    columns: &[
        ("series_id", Uuid),
        ("user_id", Text),
        ("ended", Int),
        ("brief_ms", BigInt),
        ("barred_since", TimeOrNull),
        ("barred_until", TimeOrNull),
    ],
    // Without a condition SQLite takes the ON for that of a join.
    sql: "INSERT INTO unpaid (series_id, user_id, ended, brief_ms, barred_since, barred_until) \
          SELECT series_id, user_id, ended, brief_ms, barred_since, barred_until FROM {rows} WHERE true \
          ON CONFLICT (series_id, user_id) DO UPDATE SET ended = excluded.ended, brief_ms = excluded.brief_ms, \
          barred_since = excluded.barred_since, barred_until = excluded.barred_until",
};

/// What changes rows that are there: each of them has to be.
pub(super) const MOVES: [Change; 5] = [TOKENS_MOVED, HOLDS_ENDED, RESERVATIONS_CANCELLED, REFUNDS, WALLETS];

/// What adds rows.
pub(super) const ADDS: [Change; 7] = [TOKENS, HOLDS, PAYMENTS, RESERVATIONS, ENTRIES, KEYS, UNPAID];

/// What a charge or a spending writes.
pub(super) const POINTS: [Change; 3] = [WALLETS, ENTRIES, KEYS];

/// Brings a date's row from the version before to `$2`.
pub(super) const HEAD: &str = "UPDATE sale_head SET version = $2, head = $3, last_at = $4, next_due = $5, \
     seats_version = $6, reserved_count = $7, next_seq = $8, drawn_at = COALESCE(drawn_at, $9), \
     closed_at = COALESCE(closed_at, $10), lobby_hash = COALESCE(lobby_hash, $11) \
     WHERE series_id = $1 AND version = $2 - 1";
pub(super) const HEAD_PARAMETERS: usize = 11;

/// The organiser's settings.
pub(super) const POLICY: &str = "UPDATE series SET max_active = $2, admit_per_interval = $3, \
     interval_seconds = $4, heartbeat_timeout_seconds = $5, session_seconds = $6, max_seats_per_user = $7 \
     WHERE id = $1";
pub(super) const PAUSED: &str = "UPDATE series SET paused = $2 WHERE id = $1";
