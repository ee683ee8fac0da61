//! Loads, and locks, what commands name and a date does not keep in memory: a statement a table, however much that is, and
//! none for what nobody named.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

use crate::{
    domain::{
        date::{EndReason, Known, Needs, Outcome, Recorded},
        id::{EntryId, HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
        sale::{Entry, EntryKind, Hold, HoldStatus, KeyOf, Payment, Reservation, ReservationStatus, Wallet},
        text::IdempotencyKey,
    },
    store::journal::Fault,
    store::{
        journal::{
            fault,
            fold::reason_of,
            sheet::{Kind, Sheet, table},
        },
        rows::sound,
    },
};

/// What all commands of a batch need.
#[derive(Default)]
struct Named {
    wallets: BTreeSet<UserId>,
    keys: BTreeSet<KeyOf>,
    tokens: BTreeSet<TokenId>,
    holds: BTreeSet<HoldId>,
    lapsed: BTreeSet<UserId>,
    reservations: BTreeSet<ReservationId>,
}

impl Named {
    fn of(needs: Vec<Needs>) -> Self {
        let mut named = Self::default();
        for Needs { wallet, key, tokens, holds, lapsed, reservation } in needs {
            named.wallets.extend(wallet);
            named.keys.extend(key);
            named.tokens.extend(tokens);
            named.holds.extend(holds);
            named.lapsed.extend(lapsed);
            named.reservations.extend(reservation);
        }
        named
    }
}

/// `date` is none for commands that touch wallets only.
pub(super) async fn load(
    tx: &DatabaseTransaction,
    date: Option<SeriesId>,
    needs: Vec<Needs>,
) -> Result<Known, Fault> {
    let Named { wallets, keys, tokens, holds, lapsed, reservations } = Named::of(needs);
    let mut known = Known::default();
    // First: whoever had them before has committed by then, and what they left is seen by the statements that follow.
    known.till.wallets = self::wallets(tx, wallets).await?;
    known.till.keys = recorded(tx, keys, &known.till.wallets).await?;
    let Some(date) = date else { return Ok(known) };
    let query = Query { tx, extra: vec![date.0.into()] };
    if !tokens.is_empty() {
        let ended = query.rows(ENDED, Sheet::of(ID, tokens.into_iter().map(|id| id.0)), ended).await?;
        known.ended = ended.into_iter().flatten().collect();
    }
    if !holds.is_empty() {
        let holds = query.rows(HOLDS, Sheet::of(ID, holds.into_iter().map(|id| id.0)), hold).await?;
        known.holds = holds.into_iter().map(|hold| (hold.id, hold)).collect();
    }
    if !lapsed.is_empty() {
        let users = Sheet::of(USER, lapsed.iter().map(UserId::as_str));
        for (user, token) in query.rows(LAPSED, users, lapsed_token).await? {
            known.lapsed.entry(user).or_default().push(token);
        }
    }
    if !reservations.is_empty() {
        let ids = Sheet::of(ID, reservations.into_iter().map(|id| id.0));
        let found = query.rows(RESERVATIONS, ids, reservation).await?;
        known.reservations = found.into_iter().map(|one| (one.id, one)).collect();
    }
    Ok(known)
}

const ID: &[(&str, Kind); 1] = &[("id", Kind::Uuid)];
const USER: &[(&str, Kind); 1] = &[("user_id", Kind::Text)];
const KEY: &[(&str, Kind); 2] = &[("user_id", Kind::Text), ("key", Kind::Text)];

const WALLETS: &str =
    "SELECT t.user_id, t.balance, t.lines FROM {rows} JOIN wallet t ON t.user_id = r.user_id";
/// In the order in which missing ones are made.
const LOCKED: &str = " ORDER BY t.user_id COLLATE \"C\" FOR NO KEY UPDATE OF t";
const MISSING: &str = "INSERT INTO wallet (user_id, balance, lines) SELECT user_id, 0, 0 FROM {rows} \
     WHERE true ON CONFLICT (user_id) DO NOTHING";
const KEYS: &str = "SELECT t.user_id, t.key, t.fingerprint, t.result_id FROM {rows} \
     JOIN idempotency_key t ON t.user_id = r.user_id AND t.key = r.key";
/// A place of another date is none of this one's. Of a date that is closed nobody waits (the close is one event, and
/// rewrites no rows).
const ENDED: &str = "SELECT t.id, t.user_id, t.status, t.end_reason, t.admitted_at IS NOT NULL, \
     h.closed_at IS NOT NULL FROM {rows} JOIN token t ON t.id = r.id \
     JOIN sale_head h ON h.series_id = t.series_id WHERE t.series_id = $1";
const HOLDS: &str = "SELECT t.id, t.user_id, t.token_id, t.series_id, t.seat_id, t.created_at, t.expires_at, \
     t.status FROM {rows} JOIN hold t ON t.id = r.id WHERE t.series_id = $1";
const LAPSED: &str = "SELECT t.user_id, t.token_id FROM {rows} \
     JOIN hold t ON t.user_id = r.user_id AND t.series_id = $1 WHERE t.status = 'EXPIRED'";
const RESERVATIONS: &str = "SELECT t.id, t.user_id, t.series_id, t.seat_id, t.payment_id, t.line, t.price, \
     t.status, t.created_at FROM {rows} JOIN reservation t ON t.id = r.id WHERE t.series_id = $1";
const RESERVATIONS_OF_ANY: &str = "SELECT t.id, t.user_id, t.series_id, t.seat_id, t.payment_id, t.line, \
     t.price, t.status, t.created_at FROM {rows} JOIN reservation t ON t.id = r.id";
/// By their owner, of whom there is an index. The ids are in the order of the holds that were paid.
const RESERVATIONS_PAID: &str = "SELECT t.id, t.user_id, t.series_id, t.seat_id, t.payment_id, t.line, t.price, \
     t.status, t.created_at FROM {rows} JOIN payment p ON p.id = r.id \
     JOIN reservation t ON t.user_id = p.user_id AND t.payment_id = p.id ORDER BY t.id";
const PAYMENTS: &str = "SELECT t.id, t.user_id, t.series_id, t.line, t.amount, t.refunded, t.created_at \
     FROM {rows} JOIN payment t ON t.id = r.id";
const ENTRIES: &str = "SELECT t.id, t.user_id, t.actor_id, t.line, t.kind, t.amount, t.balance_after, \
     t.payment_id, t.created_at FROM {rows} JOIN point_history t ON t.id = r.id";

/// Rows are read all or not at all: to leave one out would be to decide as if it were not there.
struct Query<'a> {
    tx: &'a DatabaseTransaction,
    /// Parameters in front of the rows that are handed in.
    extra: Vec<Value>,
}

impl Query<'_> {
    async fn rows<T>(
        &self,
        sql: &str,
        sheet: Sheet,
        read: impl Fn(&QueryResult) -> Result<T, DbErr>,
    ) -> Result<Vec<T>, Fault> {
        let all = self.tx.query_all_raw(self.statement(sql, sheet)).await.map_err(fault)?;
        let read = |row| sound(row).map_err(DbErr::Type).and_then(|()| read(row));
        all.iter().map(read).collect::<Result<_, _>>().map_err(fault)
    }

    fn statement(&self, sql: &str, sheet: Sheet) -> Statement {
        let backend = self.tx.get_database_backend();
        let rows = table(sheet.columns(), backend, self.extra.len() + 1);
        let values = self.extra.iter().cloned().chain(sheet.bound(backend));
        Statement::from_sql_and_values(backend, sql.replace("{rows}", &rows), values)
    }
}

/// The wallets of these users, locked; missing ones are made.
async fn wallets(
    tx: &DatabaseTransaction,
    users: BTreeSet<UserId>,
) -> Result<HashMap<UserId, Wallet>, Fault> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    // Made before any of them is locked, in their order: who makes one while it has locked another can wait in a circle.
    let query = Query { tx, extra: Vec::new() };
    let sheet = Sheet::of(USER, users.iter().map(UserId::as_str));
    tx.execute_raw(query.statement(MISSING, sheet)).await.map_err(fault)?;
    locked_wallets(tx, users.iter()).await
}

async fn locked_wallets(
    tx: &DatabaseTransaction,
    users: impl Iterator<Item = &UserId>,
) -> Result<HashMap<UserId, Wallet>, Fault> {
    let is_postgres = tx.get_database_backend() == DbBackend::Postgres;
    let sql = format!("{WALLETS}{}", if is_postgres { LOCKED } else { "" });
    let query = Query { tx, extra: Vec::new() };
    let found = query.rows(&sql, Sheet::of(USER, users.map(UserId::as_str)), wallet).await?;
    Ok(found.into_iter().map(|wallet| (wallet.user.clone(), wallet)).collect())
}

/// What these keys were used for.
async fn recorded(
    tx: &DatabaseTransaction,
    keys: BTreeSet<KeyOf>,
    wallets: &HashMap<UserId, Wallet>,
) -> Result<HashMap<KeyOf, Recorded>, Fault> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sheet = Sheet::new(KEY);
    for (user, key) in &keys {
        sheet.push([user.as_str().into(), key.as_str().into()]);
    }
    let query = Query { tx, extra: Vec::new() };
    let used = query.rows(KEYS, sheet, used).await?;
    if used.is_empty() {
        return Ok(HashMap::new());
    }
    let results = Results::of(&query, used.iter().map(|used| used.result)).await?;
    let recorded = used.into_iter().map(|Used { key, fingerprint, result }| {
        let outcome = results.outcome(result, wallets).ok_or_else(|| {
            Fault::Broken(format!("the key {} of {} was used for {result}, which is nowhere", key.1, key.0))
        })?;
        Ok((key, Recorded { fingerprint, outcome }))
    });
    recorded.collect()
}

struct Used {
    key: KeyOf,
    fingerprint: String,
    result: Uuid,
}

/// What came of keys that were used.
struct Results {
    payments: HashMap<Uuid, Payment>,
    paid: HashMap<Uuid, Vec<Reservation>>,
    reservations: HashMap<Uuid, Reservation>,
    entries: HashMap<Uuid, Entry>,
}

impl Results {
    async fn of(query: &Query<'_>, ids: impl Iterator<Item = Uuid>) -> Result<Self, Fault> {
        let ids = Sheet::of(ID, ids);
        let payments = query.rows(PAYMENTS, ids.clone(), payment).await?;
        let mut paid = HashMap::<_, Vec<_>>::new();
        if !payments.is_empty() {
            for one in query.rows(RESERVATIONS_PAID, ids.clone(), reservation).await? {
                paid.entry(one.payment.0).or_default().push(one);
            }
        }
        let reservations = query.rows(RESERVATIONS_OF_ANY, ids.clone(), reservation).await?;
        let entries = query.rows(ENTRIES, ids, entry).await?;
        Ok(Self {
            payments: payments.into_iter().map(|one| (one.id.0, one)).collect(),
            paid,
            reservations: reservations.into_iter().map(|one| (one.id.0, one)).collect(),
            entries: entries.into_iter().map(|one| (one.id.0, one)).collect(),
        })
    }

    fn outcome(&self, id: Uuid, wallets: &HashMap<UserId, Wallet>) -> Option<Outcome> {
        // Whoever answers with it puts in how the wallet stands then.
        let wallet = |user: &UserId| {
            wallets.get(user).cloned().unwrap_or_else(|| Wallet { user: user.clone(), balance: 0, lines: 0 })
        };
        if let Some(payment) = self.payments.get(&id) {
            let paid = self.paid.get(&id).cloned().unwrap_or_default();
            return Some(Outcome::Paid(payment.clone(), paid, wallet(&payment.user)));
        }
        if let Some(one) = self.reservations.get(&id) {
            return Some(Outcome::Cancelled(one.clone(), wallet(&one.user)));
        }
        let entry = self.entries.get(&id)?;
        Some(Outcome::Posted(entry.clone(), wallet(&entry.user)))
    }
}

fn user(row: &QueryResult, at: usize) -> Result<UserId, DbErr> {
    Ok(UserId::from_stored(&row.try_get_by_index::<String>(at)?))
}

/// One of the words of a column.
fn word<T: Copy>(row: &QueryResult, at: usize, words: &[(&str, T)]) -> Result<T, DbErr> {
    let text: String = row.try_get_by_index(at)?;
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| DbErr::Type(format!("{text:?} is no word of this column")))
}

fn wallet(row: &QueryResult) -> Result<Wallet, DbErr> {
    Ok(Wallet { user: user(row, 0)?, balance: row.try_get_by_index(1)?, lines: row.try_get_by_index(2)? })
}

fn used(row: &QueryResult) -> Result<Used, DbErr> {
    Ok(Used {
        key: (user(row, 0)?, IdempotencyKey::from_stored(&row.try_get_by_index::<String>(1)?)),
        fingerprint: row.try_get_by_index(2)?,
        result: row.try_get_by_index(3)?,
    })
}

/// A place that is over, as [`Known::ended`] has it.
type Ended = (TokenId, (UserId, EndReason));

/// `None` for a place that is not over.
fn ended(row: &QueryResult) -> Result<Option<Ended>, DbErr> {
    let stored: Option<String> = row.try_get_by_index(3)?;
    let (was_admitted, is_closed): (bool, bool) = (row.try_get_by_index(4)?, row.try_get_by_index(5)?);
    // Rows of older versions have no reason: this is what it must have been, or the likelier of two.
    let guessed = match row.try_get_by_index::<String>(2)?.as_str() {
        "WAITING" => is_closed.then_some(EndReason::SaleClosed),
        "COMPLETED" => Some(EndReason::Paid),
        "LEFT" => Some(EndReason::Left),
        "EXPIRED" if was_admitted => Some(EndReason::SessionOver),
        "EXPIRED" => Some(EndReason::Silent),
        _ => None,
    };
    let reason = stored.and_then(|text| reason_of(&text)).or(guessed);
    let (id, user) = (TokenId(row.try_get_by_index(0)?), user(row, 1)?);
    Ok(reason.map(|reason| (id, (user, reason))))
}

fn lapsed_token(row: &QueryResult) -> Result<(UserId, TokenId), DbErr> {
    Ok((user(row, 0)?, TokenId(row.try_get_by_index(1)?)))
}

fn hold(row: &QueryResult) -> Result<Hold, DbErr> {
    let words = [
        ("ACTIVE", HoldStatus::Active),
        ("CONFIRMED", HoldStatus::Confirmed),
        ("EXPIRED", HoldStatus::Expired),
        ("RELEASED", HoldStatus::Released),
    ];
    Ok(Hold {
        id: HoldId(row.try_get_by_index(0)?),
        user: user(row, 1)?,
        token: TokenId(row.try_get_by_index(2)?),
        series: SeriesId(row.try_get_by_index(3)?),
        seat: SeatId(row.try_get_by_index(4)?),
        created_at: row.try_get_by_index(5)?,
        expires_at: row.try_get_by_index(6)?,
        status: word(row, 7, &words)?,
    })
}

fn reservation(row: &QueryResult) -> Result<Reservation, DbErr> {
    let words = [("CONFIRMED", ReservationStatus::Confirmed), ("CANCELLED", ReservationStatus::Cancelled)];
    Ok(Reservation {
        id: ReservationId(row.try_get_by_index(0)?),
        user: user(row, 1)?,
        series: SeriesId(row.try_get_by_index(2)?),
        seat: SeatId(row.try_get_by_index(3)?),
        payment: PaymentId(row.try_get_by_index(4)?),
        line: row.try_get_by_index(5)?,
        price: row.try_get_by_index(6)?,
        status: word(row, 7, &words)?,
        created_at: row.try_get_by_index(8)?,
    })
}

fn payment(row: &QueryResult) -> Result<Payment, DbErr> {
    Ok(Payment {
        id: PaymentId(row.try_get_by_index(0)?),
        user: user(row, 1)?,
        series: SeriesId(row.try_get_by_index(2)?),
        line: row.try_get_by_index(3)?,
        amount: row.try_get_by_index(4)?,
        refunded: row.try_get_by_index(5)?,
        created_at: row.try_get_by_index(6)?,
    })
}

fn entry(row: &QueryResult) -> Result<Entry, DbErr> {
    let words = [("CHARGE", EntryKind::Charge), ("USE", EntryKind::Use), ("REFUND", EntryKind::Refund)];
    let actor: Option<String> = row.try_get_by_index(2)?;
    let payment: Option<Uuid> = row.try_get_by_index(7)?;
    Ok(Entry {
        id: EntryId(row.try_get_by_index(0)?),
        user: user(row, 1)?,
        actor: actor.as_deref().map(UserId::from_stored),
        line: row.try_get_by_index(3)?,
        kind: word(row, 4, &words)?,
        amount: row.try_get_by_index(5)?,
        balance_after: row.try_get_by_index(6)?,
        payment: payment.map(PaymentId),
        created_at: row.try_get_by_index(8)?,
    })
}

/// Every statement here, with its columns and the number of its first row's parameter.
#[cfg(test)]
pub(super) fn all_reads() -> Vec<(&'static str, &'static [super::sheet::Column], usize)> {
    let by_id = [RESERVATIONS_OF_ANY, RESERVATIONS_PAID, PAYMENTS, ENTRIES];
    let of_date = [ENDED, HOLDS, RESERVATIONS];
    let by_id = by_id.into_iter().map(|sql| (sql, &ID[..], 1)).chain(of_date.map(|sql| (sql, &ID[..], 2)));
    let others = [(WALLETS, &USER[..], 1), (KEYS, &KEY[..], 1), (LAPSED, &USER[..], 2)];
    by_id.chain(others).collect()
}
