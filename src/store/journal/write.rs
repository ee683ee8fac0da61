//! Writes what a decision came to. PostgreSQL gets several changes in one statement, because a journey to it and back
//! costs more than most of them; SQLite, which is no journey away, one after the other.

use std::sync::LazyLock;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value};

use crate::{
    domain::{id::SeriesId, policy::QueuePolicy},
    store::journal::{Fault, Version},
    store::{
        convert::int,
        journal::{
            changes::{ADDS, Change, HEAD, HEAD_PARAMETERS, MOVES, PAUSED, POINTS, POLICY},
            fault,
            fold::Folded,
            sheet::{Sheet, parameters, table},
        },
        log,
    },
};

/// A line of the log; its first parameters are those of [`HEAD`].
const LINE: &str = "INSERT INTO sale_log (series_id, version, head, at, format, events) \
     VALUES ($1, $2, $3, $4, $5, $6)";

static MOVES_ON_POSTGRES: LazyLock<String> = LazyLock::new(|| counted(&MOVES));
static POINTS_ON_POSTGRES: LazyLock<String> = LazyLock::new(|| counted(&POINTS));
static ADDS_ON_POSTGRES: LazyLock<String> = LazyLock::new(adds_and_head);
static MOVES_ON_SQLITE: LazyLock<Vec<String>> = LazyLock::new(|| separate(&MOVES));
static ADDS_ON_SQLITE: LazyLock<Vec<String>> = LazyLock::new(|| separate(&ADDS));
static POINTS_ON_SQLITE: LazyLock<Vec<String>> = LazyLock::new(|| separate(&POINTS));

pub(super) async fn write(tx: &DatabaseTransaction, rows: Folded, version: Version) -> Result<(), Fault> {
    let Folded { date, policy, paused, .. } = rows;
    settings(tx, date, policy, paused).await?;
    let head = head(&rows, version);
    let Folded { moves, adds, log, .. } = rows;
    let line: [Value; 2] = [log::FORMAT.into(), log.into()];
    if tx.get_database_backend() == DbBackend::Postgres {
        changed_together(tx, &MOVES_ON_POSTGRES, moves).await?;
        let arrays = adds.into_iter().flat_map(|sheet| sheet.bound(DbBackend::Postgres));
        let values = head.into_iter().chain(line).chain(arrays);
        return moved_on(execute(tx, &ADDS_ON_POSTGRES, values).await?);
    }
    changed(tx, &MOVES_ON_SQLITE, moves).await?;
    for (sql, sheet) in ADDS_ON_SQLITE.iter().zip(adds).filter(|(_, sheet)| !sheet.is_empty()) {
        execute(tx, sql, sheet.bound(DbBackend::Sqlite)).await?;
    }
    execute(tx, LINE, head.iter().take(4).cloned().chain(line)).await?;
    moved_on(execute(tx, HEAD, head).await?)
}

/// What wallets came to: in the order of [`POINTS`].
pub(super) async fn write_points(tx: &DatabaseTransaction, sheets: Vec<Sheet>) -> Result<(), Fault> {
    if tx.get_database_backend() == DbBackend::Postgres {
        return changed_together(tx, &POINTS_ON_POSTGRES, sheets).await;
    }
    changed(tx, &POINTS_ON_SQLITE, sheets).await
}

async fn settings(
    tx: &DatabaseTransaction,
    date: SeriesId,
    policy: Option<QueuePolicy>,
    paused: Option<bool>,
) -> Result<(), Fault> {
    if let Some(policy) = policy {
        let values: [Value; 7] = [
            date.0.into(),
            policy.max_active.map(int).into(),
            policy.admit_per_interval.map(int).into(),
            int(policy.interval_seconds).into(),
            int(policy.heartbeat_timeout_seconds).into(),
            int(policy.session_seconds).into(),
            int(policy.max_seats_per_user).into(),
        ];
        as_many(execute(tx, POLICY, values).await?, 1, POLICY)?;
    }
    if let Some(paused) = paused {
        as_many(execute(tx, PAUSED, [date.0.into(), paused.into()]).await?, 1, PAUSED)?;
    }
    Ok(())
}

/// The parameters of [`HEAD`].
fn head(rows: &Folded, version: Version) -> [Value; HEAD_PARAMETERS] {
    let Folded { date, at, drawn, closed, summary, .. } = rows;
    [
        date.0.into(),
        version.number.into(),
        version.head.into(),
        (*at).into(),
        summary.next_due.into(),
        summary.seats_version.into(),
        int(summary.reserved).into(),
        i64::try_from(summary.next_seq).unwrap_or(i64::MAX).into(),
        drawn.then_some(*at).into(),
        closed.then_some(*at).into(),
        summary.lobby_hash.map(|hash| hash.to_string()).into(),
    ]
}

fn moved_on(rows: u64) -> Result<(), Fault> {
    as_many(rows, 1, HEAD)
}

/// Whoever changes fewer rows than were named has not the rows that memory was made of.
fn as_many(changed: u64, named: usize, sql: &str) -> Result<(), Fault> {
    if usize::try_from(changed).is_ok_and(|changed| changed == named) {
        return Ok(());
    }
    Err(Fault::Broken(format!("{changed} rows were changed instead of {named} by: {sql}")))
}

/// Runs changes one after the other.
async fn changed(tx: &DatabaseTransaction, texts: &[String], sheets: Vec<Sheet>) -> Result<(), Fault> {
    for (sql, sheet) in texts.iter().zip(sheets).filter(|(_, sheet)| !sheet.is_empty()) {
        let named = sheet.len();
        as_many(execute(tx, sql, sheet.bound(DbBackend::Sqlite)).await?, named, sql)?;
    }
    Ok(())
}

/// Runs a statement of several changes which answers with how many rows each has changed.
async fn changed_together(tx: &DatabaseTransaction, sql: &str, sheets: Vec<Sheet>) -> Result<(), Fault> {
    let named: Vec<_> = sheets.iter().map(Sheet::len).collect();
    if named.iter().all(|rows| *rows == 0) {
        return Ok(());
    }
    let values = sheets.into_iter().flat_map(|sheet| sheet.bound(DbBackend::Postgres));
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let row = tx.query_one_raw(statement).await.map_err(fault)?;
    for (at, named) in named.into_iter().enumerate() {
        let count = row.as_ref().map(|row| row.try_get_by_index::<i64>(at)).transpose();
        let count = u64::try_from(count.map_err(fault)?.unwrap_or_default());
        as_many(count.unwrap_or_default(), named, sql)?;
    }
    Ok(())
}

async fn execute(
    tx: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, Fault> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(tx.execute_raw(statement).await.map_err(fault)?.rows_affected())
}

fn separate(changes: &[Change]) -> Vec<String> {
    let text = |change: &Change| change.sql.replace("{rows}", &table(change.columns, DbBackend::Sqlite, 1));
    changes.iter().map(text).collect()
}

/// The changes as parts of one statement, `then` behind each, their parameters numbered from `first`.
fn parts(changes: &[Change], mut first: usize, then: &str) -> String {
    let mut parts = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let rows = table(change.columns, DbBackend::Postgres, first);
        parts.push(format!("c{at} AS ({}{then})", change.sql.replace("{rows}", &rows)));
        first += parameters(change.columns, DbBackend::Postgres);
    }
    parts.join(", ")
}

fn counted(changes: &[Change]) -> String {
    let counts = (0..changes.len()).map(|at| format!("(SELECT count(*) FROM c{at})"));
    let counts = counts.collect::<Vec<_>>().join(", ");
    format!("WITH {} SELECT {counts}", parts(changes, 1, " RETURNING 1"))
}

fn adds_and_head() -> String {
    let (format, events) = (HEAD_PARAMETERS + 1, HEAD_PARAMETERS + 2);
    let line = LINE.replace("$5, $6", &format!("${format}, ${events}"));
    format!("WITH {}, line AS ({line}) {HEAD}", parts(&ADDS, events + 1, ""))
}
