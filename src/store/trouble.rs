//! What an error of the database means to us.

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

/// Whether the database was out of reach or too busy, so that trying again is safe and may help.
#[must_use]
pub fn is_unavailable(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            match &**error {
                sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Io(_)
                | sqlx::Error::WorkerCrashed => true,
                sqlx::Error::Database(error) => error.code().is_some_and(|code| says_unavailable(&code)),
                _ => false,
            }
        }
        _ => false,
    }
}

fn says_unavailable(code: &str) -> bool {
    let codes = [
        "5",     // SQLITE_BUSY
        "13",    // SQLITE_FULL
        "40001", // serialisation failure
        "40P01", // deadlock
        "25006", // read-only, as a standby is
        "25P03", // we were idle within a transaction for too long
        "55P03", // a lock was not to be had in time
        "57014", // a statement took too long
        "57P01", // shutdown
        "57P02", // crash
        "57P03", // not yet up
        "57P05", // we were idle for too long
    ];
    // The whole class 08 is about connections, and 53 about what there is too little of: connections, memory, disk.
    codes.contains(&code) || ["08", "53"].iter().any(|class| code.starts_with(class))
}

/// Whether another process was in the way: nothing has happened, and a second try sees what the other has done.
pub(super) fn is_conflict(error: &DbErr) -> bool {
    let code = match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            error.as_database_error().and_then(|error| error.code())
        }
        _ => None,
    };
    code.is_some_and(|code| ["40001", "40P01", "55P03"].contains(&&*code))
        || matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Disks that are full: of SQLite and of PostgreSQL; and what will not go away by itself.
    #[test]
    fn what_there_is_too_little_of_for_now_is_no_fault_of_ours() {
        for code in ["13", "53100", "53300", "08006"] {
            assert!(says_unavailable(code), "{code}");
        }
        for code in ["1", "11", "22021", "23505"] {
            assert!(!says_unavailable(code), "{code}");
        }
    }
}
