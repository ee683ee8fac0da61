//! Sessions that stand still while they have something locked.
//!
//! PostgreSQL ends a transaction that is idle (`idle_in_transaction_session_timeout`), and a statement that takes too long.
//! It waits for ever where it has been told the values of a statement and not that it is to be carried out, as when a process
//! is stopped while it is sending: that is neither. Whoever has waited in vain for a lock ends such sessions.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use crate::store::Database;

/// Sessions of ours in the middle of a statement of which PostgreSQL waits for the rest. All of it is sent at once, so that
/// a process that can run has long said it.
const CUT_OFF: &str = "SELECT COUNT(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity \
     WHERE datname = current_database() AND usename = current_user AND application_name = 'frontrow' \
     AND state = 'active' AND wait_event = 'ClientRead' AND pid <> pg_backend_pid() \
     AND state_change < clock_timestamp() - INTERVAL '1 second'";

impl Database {
    /// Ends those sessions; how many.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn cut_off_who_stands_still(&self) -> Result<i64, DbErr> {
        if !self.is_postgres() {
            return Ok(0);
        }
        let ended = self.read.query_one_raw(Statement::from_string(DbBackend::Postgres, CUT_OFF)).await?;
        ended.map_or(Ok(0), |row| row.try_get_by_index(0))
    }
}
