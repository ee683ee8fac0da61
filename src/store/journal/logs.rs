//! The log of a date: what each commit did, for processes that have missed it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

use crate::{
    domain::id::{EntryId, SeriesId},
    store::journal::{Fault, Logged, Version},
    store::{
        journal::{
            fault,
            sheet::{Kind, Sheet, table},
        },
        log,
        rows::sound,
    },
};

/// Dates that are asked for at once because something may be due.
const DUE: usize = 256;

/// Lines that are forgotten of a date at once.
const PRUNED: u64 = 500;

/// The lines from the one of the version that is known on, whose events nobody needs.
const AFTER: &str = "SELECT h.version, h.head, l.version, l.head, l.format, \
     CASE WHEN l.version > $2 THEN l.events END FROM sale_head h \
     LEFT JOIN sale_log l ON l.series_id = h.series_id AND l.version BETWEEN $2 AND $3 \
     WHERE h.series_id = $1 ORDER BY l.version";
const AT: &str = "SELECT 1 FROM sale_log WHERE series_id = $1 AND version = $2 AND head = $3";
const ENTRY: &str = "SELECT 1 FROM point_history WHERE id = $1";
const VERSIONS: &str =
    "SELECT h.series_id, h.version, h.head FROM {rows} JOIN sale_head h ON h.series_id = r.id";
const CATALOGUE: &str = "SELECT version FROM catalogue";
/// Rows are few and narrow: an index would cost each commit more than this costs once in a while.
const NEXT: &str = "SELECT h.series_id, h.next_due FROM sale_head h JOIN series s ON s.id = h.series_id \
     WHERE h.next_due IS NOT NULL AND s.stage = 'READY' ORDER BY h.next_due, h.series_id LIMIT $1 OFFSET $2";
/// How far a date's oldest lines can be forgotten: up to one that is old enough itself. From date to date by the key, so
/// that what is read are old lines, whatever else there is.
const OLD: &str = "WITH RECURSIVE dates (id) AS ( \
     SELECT MIN(series_id) FROM sale_log UNION ALL \
     SELECT (SELECT series_id FROM sale_log WHERE series_id > dates.id ORDER BY series_id LIMIT 1) FROM dates \
     WHERE dates.id IS NOT NULL), \
     kept (id, version) AS (SELECT id, (SELECT MAX(version) FROM ( \
     SELECT version, at FROM sale_log WHERE series_id = dates.id ORDER BY version LIMIT $2) AS oldest \
     WHERE at < $1) FROM dates WHERE id IS NOT NULL) \
     SELECT id, version FROM kept WHERE version IS NOT NULL";
/// `MIN` of a uuid is not everywhere.
const FIRST: (&str, &str) = (
    "SELECT MIN(series_id) FROM sale_log UNION ALL",
    "(SELECT series_id FROM sale_log ORDER BY series_id LIMIT 1) UNION ALL",
);
const PRUNE: &str = "DELETE FROM sale_log WHERE (series_id, version) IN ( \
     SELECT l.series_id, l.version FROM {rows} JOIN sale_log l ON l.series_id = r.id AND l.version < r.version)";

pub(super) async fn after(
    on: &impl ConnectionTrait,
    date: SeriesId,
    version: Version,
    most: usize,
) -> Result<Option<Vec<Logged>>, Fault> {
    let until = version.number.saturating_add(i64::try_from(most).unwrap_or(i64::MAX));
    let values = [date.0.into(), version.number.into(), until.into()];
    let rows = all(on, AFTER, values).await?;
    let first = rows.first().ok_or(Fault::Unknown)?;
    if version_at(first, 0).map_err(fault)? == Some(version) {
        return Ok(Some(Vec::new()));
    }
    if version_at(first, 2).map_err(fault)? != Some(version) {
        return Ok(None);
    }
    let mut logged = Vec::with_capacity(rows.len() - 1);
    for (number, row) in (version.number + 1..).zip(&rows[1..]) {
        let Some(version) = version_at(row, 2).map_err(fault)? else { return Ok(None) };
        if version.number != number {
            return Ok(None);
        }
        logged.push(line(row, date, version)?);
    }
    Ok(Some(logged))
}

fn version_at(row: &QueryResult, at: usize) -> Result<Option<Version>, DbErr> {
    let number: Option<i64> = row.try_get_by_index(at)?;
    let head: Option<Uuid> = row.try_get_by_index(at + 1)?;
    Ok(number.zip(head).map(|(number, head)| Version { number, head }))
}

fn line(row: &QueryResult, date: SeriesId, version: Version) -> Result<Logged, Fault> {
    let read = || Ok::<_, DbErr>((row.try_get_by_index::<i32>(4)?, row.try_get_by_index::<Vec<u8>>(5)?));
    let (format, bytes) = read().map_err(fault)?;
    let batch = log::decode(format, &bytes).map_err(|why| {
        Fault::Broken(format!("version {} of {date} cannot be read: {why}", version.number))
    })?;
    Ok(Logged { version, batch })
}

pub(super) async fn has_been_at(
    on: &impl ConnectionTrait,
    date: SeriesId,
    version: Version,
) -> Result<bool, Fault> {
    let values = [date.0.into(), version.number.into(), version.head.into()];
    Ok(!all(on, AT, values).await?.is_empty())
}

pub(super) async fn has_entry(on: &impl ConnectionTrait, entry: EntryId) -> Result<bool, Fault> {
    Ok(!all(on, ENTRY, [entry.0.into()]).await?.is_empty())
}

pub(super) async fn versions(
    on: &impl ConnectionTrait,
    dates: &[SeriesId],
) -> Result<HashMap<SeriesId, Version>, Fault> {
    const ID: &[(&str, Kind); 1] = &[("id", Kind::Uuid)];
    let backend = on.get_database_backend();
    let sql = VERSIONS.replace("{rows}", &table(ID, backend, 1));
    let rows = all(on, &sql, Sheet::of(ID, dates.iter().map(|date| date.0)).bound(backend)).await?;
    let mut versions = HashMap::with_capacity(rows.len());
    for row in rows {
        let id = row.try_get_by_index(0).map_err(fault)?;
        versions.extend(version_at(&row, 1).map_err(fault)?.map(|version| (SeriesId(id), version)));
    }
    Ok(versions)
}

/// The number of the catalogue, which only a database that is shared has.
pub(super) async fn catalogue(on: &impl ConnectionTrait) -> Result<i64, Fault> {
    let rows = all(on, CATALOGUE, []).await?;
    let row = rows.first().ok_or_else(|| Fault::Broken("the catalogue has no number".into()))?;
    row.try_get_by_index(0).map_err(fault)
}

/// See [`Journal::due`](crate::store::journal::Journal::due).
pub(super) async fn due(
    on: &impl ConnectionTrait,
    now: DateTime<Utc>,
    but: usize,
) -> Result<(Vec<SeriesId>, Option<DateTime<Utc>>), Fault> {
    let [most, but] = [DUE + 1, but].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    let rows = all(on, NEXT, [most.into(), but.into()]).await?;
    let there_may_be_more = rows.len() > DUE;
    let mut due = Vec::new();
    for row in rows {
        // A time that cannot be told is something for the audit, and in no other date's way.
        let Ok(()) = sound(&row) else { continue };
        let read = || Ok::<_, DbErr>((row.try_get_by_index::<Uuid>(0)?, row.try_get_by_index(1)?));
        let (id, at): (_, DateTime<Utc>) = read().map_err(fault)?;
        if at > now || due.len() == DUE {
            return Ok((due, Some(at)));
        }
        due.push(SeriesId(id));
    }
    Ok((due, there_may_be_more.then_some(now)))
}

/// Forgets lines that nobody needs who has looked since `until`: a line is needed by whoever has come as far as that, until
/// there is another one, so that the last one stays. `read` and `write` need not see the same.
pub(super) async fn prune(
    read: &impl ConnectionTrait,
    write: &impl ConnectionTrait,
    until: DateTime<Utc>,
) -> Result<bool, Fault> {
    const KEPT: &[(&str, Kind); 2] = &[("id", Kind::Uuid), ("version", Kind::BigInt)];
    let backend = read.get_database_backend();
    let old = if backend == DbBackend::Postgres { OLD.replace(FIRST.0, FIRST.1) } else { OLD.to_owned() };
    let most = i64::try_from(PRUNED + 1).unwrap_or(i64::MAX);
    let mut kept = Sheet::new(KEPT);
    for row in all(read, &old, [until.into(), most.into()]).await? {
        let read = || Ok::<_, DbErr>((row.try_get_by_index::<Uuid>(0)?, row.try_get_by_index::<i64>(1)?));
        let (date, version) = read().map_err(fault)?;
        kept.push([date.into(), version.into()]);
    }
    if kept.is_empty() {
        return Ok(false);
    }
    let sql = PRUNE.replace("{rows}", &table(KEPT, backend, 1));
    let statement = Statement::from_sql_and_values(backend, sql, kept.bound(backend));
    let pruned = write.execute_raw(statement).await.map_err(fault)?.rows_affected();
    Ok(pruned >= PRUNED)
}

async fn all(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, Fault> {
    let statement = Statement::from_sql_and_values(on.get_database_backend(), sql, values);
    on.query_all_raw(statement).await.map_err(fault)
}
