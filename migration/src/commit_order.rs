//! Step 10: the order of lists is that in which their rows were committed, by numbers that are given under a lock which
//! is held until then: a concert's own number; of payments and tickets the line of the ledger that paid for them.
//! Rows from before keep the order that they had. 0 in a row that was committed by an older version.

use sea_orm_migration::{
    prelude::*,
    schema::*,
    sea_orm::{ConnectionTrait, Statement, prelude::Uuid},
};

/// Rows of one statement.
const STEP: u32 = 5_000;

const NUMBER_CONCERTS: &str = "UPDATE concert SET number = numbered.number FROM ( \
     SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS number FROM concert) AS numbered \
     WHERE concert.id = numbered.id";
/// A ledger that lacks the line is something for the audit, and in nobody's way here.
const PAYMENTS: &str = "UPDATE payment SET line = COALESCE(( \
     SELECT MIN(line) FROM point_history h WHERE h.payment_id = payment.id AND h.kind = 'USE'), 0) \
     WHERE id > $1 AND id <= $2";
const RESERVATIONS: &str = "UPDATE reservation SET line = COALESCE(( \
     SELECT line FROM payment p WHERE p.id = reservation.payment_id), 0) WHERE id > $1 AND id <= $2";

pub(super) struct CommitOrder;

impl MigrationName for CommitOrder {
    fn name(&self) -> &'static str {
        "m0010_commit_order"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CommitOrder {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            ("concert", big_integer("number").default(0).take()),
            ("payment", integer("line").default(0).take()),
            ("reservation", integer("line").default(0).take()),
        ];
        for (table, column) in columns {
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        // An organiser has tens of them, not millions.
        super::run(manager, &[NUMBER_CONCERTS]).await?;
        in_steps(manager, "payment", PAYMENTS).await?;
        in_steps(manager, "reservation", RESERVATIONS).await?;
        super::run(
            manager,
            &[
                "CREATE UNIQUE INDEX concert_number ON concert (number)",
                "DROP INDEX payment_of_user",
                "CREATE INDEX payment_of_user ON payment (user_id, line)",
                "DROP INDEX reservation_of_user",
                "CREATE INDEX reservation_of_user ON reservation (user_id, line, id)",
            ],
        )
        .await
    }
}

/// Runs an update of the rows with ids beyond `$1` and up to `$2` for all rows of a table, some at a time.
async fn in_steps(manager: &SchemaManager<'_>, table: &str, update: &str) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let backend = db.get_database_backend();
    let next = format!(
        "SELECT id FROM {table} WHERE id > $1 ORDER BY id LIMIT 1 OFFSET {offset}",
        offset = STEP - 1
    );
    let mut from = Uuid::nil();
    loop {
        let last = db.query_one_raw(Statement::from_sql_and_values(backend, &next, [from.into()])).await?;
        let to = last.map(|row| row.try_get_by_index::<Uuid>(0)).transpose()?;
        let step = [from.into(), to.unwrap_or(Uuid::max()).into()];
        db.execute_raw(Statement::from_sql_and_values(backend, update, step)).await?;
        let Some(to) = to else { return Ok(()) };
        from = to;
    }
}
