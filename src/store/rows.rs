//! Rows as they come from the database, one by one: one that cannot be read is left out, and does not take the others with
//! it (rule 24). What an older version, another program or a hand has written may be anything.

use std::{
    collections::HashSet,
    sync::{LazyLock, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryResult, QueryTrait, Select, TryGetableMany,
    sqlx::{Column, Row, TypeInfo, ValueRef, postgres::PgRow, sqlite::SqliteRow},
};

use crate::domain::time::can_be_told;

/// Broken rows that are remembered, so that each is told of once.
const TOLD: usize = 1_000;

/// How the columns of this schema are called that hold times. SQLite has no type for them.
const TIME: &str = "at";
const TIMES: [&str; 4] = ["_at", "_until", "_since", "_due"];

/// From 1970 to 2000, where PostgreSQL begins to count.
const EPOCH: i64 = 946_684_800;

/// What was read.
pub(super) struct Found<T> {
    /// The rows that can be read.
    pub(super) rows: Vec<T>,
    /// How many there were.
    pub(super) read: usize,
}

/// The rows of a query.
pub(super) async fn models<E>(query: Select<E>, db: &impl ConnectionTrait) -> Result<Found<E::Model>, DbErr>
where
    E: EntityTrait,
{
    found::<E, _>(&query, db, |row| E::Model::from_query_result(row, "")).await
}

/// Some columns of the rows of a query.
pub(super) async fn tuples<E, T>(query: Select<E>, db: &impl ConnectionTrait) -> Result<Vec<T>, DbErr>
where
    E: EntityTrait,
    T: TryGetableMany,
{
    Ok(found::<E, _>(&query, db, |row| T::try_get_many_by_index(row).map_err(DbErr::from)).await?.rows)
}

async fn found<E: EntityTrait, T>(
    query: &Select<E>,
    db: &impl ConnectionTrait,
    decode: impl Fn(&QueryResult) -> Result<T, DbErr>,
) -> Result<Found<T>, DbErr> {
    let all = db.query_all_raw(query.build(db.get_database_backend())).await?;
    let read = all.len();
    let table = E::default();
    let mut rows = Vec::with_capacity(read);
    for row in &all {
        match sound(row).map_err(DbErr::Type).and_then(|()| decode(row)) {
            Ok(value) => rows.push(value),
            Err(error) => {
                let id = row.try_get::<uuid::Uuid>("", "id").ok();
                left_out(table.table_name(), id, &error);
            }
        }
    }
    Ok(Found { rows, read })
}

/// Makes a value of each row; one of which none can be made is left out.
pub(super) fn sound_ones<R, T>(
    table: &str,
    rows: impl IntoIterator<Item = R>,
    make: impl Fn(R) -> Result<T, DbErr>,
) -> Vec<T> {
    let make = |row| make(row).map_err(|error| left_out(table, None, &error)).ok();
    rows.into_iter().filter_map(make).collect()
}

/// Says once of each row what is wrong with it.
pub(super) fn left_out(table: &str, id: Option<uuid::Uuid>, error: &DbErr) {
    static BROKEN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let what = format!("{table} {id:?} {error}");
    let mut broken = BROKEN.lock().unwrap_or_else(PoisonError::into_inner);
    if broken.len() < TOLD && broken.insert(what) {
        tracing::error!(table, ?id, %error, "a row cannot be read and is left out");
    }
}

/// Whether the times of a row can be told. Looked at before the row is decoded: chrono panics over some of what PostgreSQL
/// takes for a time.
pub(super) fn sound(row: &QueryResult) -> Result<(), String> {
    let bad = match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
        (Some(row), _) => bad_time_of_postgres(row),
        (_, Some(row)) => bad_time_of_sqlite(row),
        _ => None,
    };
    bad.map_or(Ok(()), |column| Err(format!("{column} is no time of the years 0000 to 9999")))
}

fn bad_time_of_postgres(row: &PgRow) -> Option<&str> {
    let mut times = row.columns().iter().filter(|column| column.type_info().name() == "TIMESTAMPTZ");
    let sound = |column: &&sea_orm::sqlx::postgres::PgColumn| {
        let Ok(value) = row.try_get_raw(column.ordinal()) else { return false };
        let micros = value.as_bytes().ok().and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes);
        let time = micros.and_then(|micros| micros.checked_add(EPOCH * 1_000_000));
        value.is_null() || time.and_then(DateTime::<Utc>::from_timestamp_micros).is_some_and(can_be_told)
    };
    times.find(|column| !sound(column)).map(Column::name)
}

/// Whether a column of that name holds times.
fn is_time(name: &str) -> bool {
    name == TIME || TIMES.iter().any(|end| name.ends_with(end))
}

fn bad_time_of_sqlite(row: &SqliteRow) -> Option<&str> {
    let mut times = row.columns().iter().filter(|column| is_time(column.name()));
    let sound = |column: &&sea_orm::sqlx::sqlite::SqliteColumn| {
        let Ok(value) = row.try_get_raw(column.ordinal()) else { return false };
        // Whatever else is wrong with it, is found when it is decoded.
        value.is_null()
            || row.try_get::<&str, _>(column.ordinal()).is_ok_and(|text| {
                let mut start = text.bytes();
                start.by_ref().take(4).all(|byte| byte.is_ascii_digit()) && start.next() == Some(b'-')
            })
    };
    times.find(|column| !sound(column)).map(Column::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever reads rows in another way than by this file takes them all or none, and panics over some. What has no time
    /// may be.
    #[test]
    fn rows_with_times_are_read_here() {
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for statement in text.split(';') {
                    let databases = ["self.reader()", "tx", "&tx", "db", "&db", "&patient"];
                    let reads = databases.iter().any(|db| {
                        statement.contains(&format!(".one({db})"))
                            || statement.contains(&format!(".all({db})"))
                    });
                    seen += usize::from(reads);
                    let timeless = ["wallet::Entity", "into_tuple", "find_by_statement"];
                    let free = timeless.iter().any(|word| statement.contains(word));
                    assert!(free || !reads, "{}: {statement}", path.display());
                    // What is selected stands before the first condition.
                    let selected = statement.split(".filter(").next().unwrap_or_default();
                    let times = reads
                        && statement.contains("into_tuple")
                        && ["At)", "At,", "At]", "Until", "Since"].iter().any(|end| selected.contains(end));
                    assert!(!times, "{}: {statement}", path.display());
                }
            }
        }
        assert!(seen > 10, "{seen}");
    }

    /// Of every table, so that no time of a new one is read unseen.
    #[test]
    fn every_column_with_a_time_is_called_so() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/entity/src");
        let mut seen = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for line in text.lines().filter(|line| line.contains("DateTimeUtc")) {
                let name = line.trim().trim_start_matches("pub ").split(':').next().unwrap();
                assert!(is_time(name), "{line}");
                seen += 1;
            }
        }
        assert!(seen > 15, "{seen}");
    }
}
