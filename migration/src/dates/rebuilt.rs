//! On SQLite a table that loses a foreign key, or a column that a check names, is made anew under another name, filled,
//! and then gets the name.
//!
//! Whoever refers to a table is made anew before it, so that at no time a row refers to one that is gone.

use sea_orm_migration::{prelude::*, schema::*};

/// A table as it is to be, under the name that it has meanwhile.
struct Rebuilt {
    name: &'static str,
    table: TableCreateStatement,
    /// What is taken over.
    columns: &'static str,
    indexes: &'static [&'static str],
}

pub(super) async fn make(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    crate::run(manager, &["DROP TABLE room"]).await?;
    for hot in [hold(), reservation(), point_history(), unpaid(), token()] {
        fill(manager, &hot).await?;
        replace(manager, &hot).await?;
    }
    // Seats still refer to their series, and follow it where it gets its name.
    let (series, seat) = (series(), seat());
    fill(manager, &series).await?;
    fill(manager, &seat).await?;
    crate::run(manager, &["DROP TABLE seat", "DROP TABLE series"]).await?;
    name(manager, &series).await?;
    name(manager, &seat).await
}

async fn fill(manager: &SchemaManager<'_>, rebuilt: &Rebuilt) -> Result<(), DbErr> {
    manager.create_table(rebuilt.table.clone()).await?;
    let Rebuilt { name, columns, .. } = rebuilt;
    let copy = format!("INSERT INTO {name}_next ({columns}) SELECT {columns} FROM {name}");
    crate::run(manager, &[&copy]).await
}

async fn replace(manager: &SchemaManager<'_>, rebuilt: &Rebuilt) -> Result<(), DbErr> {
    crate::run(manager, &[&format!("DROP TABLE {}", rebuilt.name)]).await?;
    name(manager, rebuilt).await
}

async fn name(manager: &SchemaManager<'_>, rebuilt: &Rebuilt) -> Result<(), DbErr> {
    let Rebuilt { name, indexes, .. } = rebuilt;
    crate::run(manager, &[&format!("ALTER TABLE {name}_next RENAME TO {name}")]).await?;
    crate::run(manager, indexes).await
}

fn hold() -> Rebuilt {
    let table = Table::create()
        .table("hold_next")
        .col(uuid("id").primary_key())
        .col(text("user_id"))
        .col(uuid("token_id"))
        .col(uuid("series_id"))
        .col(uuid("seat_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(text("status"))
        .to_owned();
    Rebuilt {
        name: "hold",
        table,
        columns: "id, user_id, token_id, series_id, seat_id, created_at, expires_at, status",
        indexes: &[
            "CREATE UNIQUE INDEX hold_of_seat ON hold (seat_id) WHERE status = 'ACTIVE'",
            "CREATE INDEX hold_of_user ON hold (user_id, series_id)",
        ],
    }
}

fn reservation() -> Rebuilt {
    let table = Table::create()
        .table("reservation_next")
        .col(uuid("id").primary_key())
        .col(text("user_id"))
        .col(uuid("series_id"))
        .col(uuid("seat_id"))
        .col(uuid("payment_id"))
        .col(integer("price"))
        .col(text("status"))
        .col(timestamp_with_time_zone("created_at"))
        .col(integer("line").default(0))
        .to_owned();
    Rebuilt {
        name: "reservation",
        table,
        columns: "id, user_id, series_id, seat_id, payment_id, price, status, created_at, line",
        indexes: &[
            "CREATE UNIQUE INDEX reservation_of_seat ON reservation (seat_id) WHERE status = 'CONFIRMED'",
            "CREATE INDEX reservation_of_user ON reservation (user_id, line, id)",
        ],
    }
}

fn point_history() -> Rebuilt {
    let table = Table::create()
        .table("point_history_next")
        .col(uuid("id").primary_key())
        .col(text("user_id"))
        .col(integer("line"))
        .col(text("kind"))
        .col(integer("amount"))
        .col(integer("balance_after"))
        .col(uuid_null("payment_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(text_null("actor_id"))
        .to_owned();
    Rebuilt {
        name: "point_history",
        table,
        columns: "id, user_id, line, kind, amount, balance_after, payment_id, created_at, actor_id",
        indexes: &["CREATE UNIQUE INDEX point_history_line ON point_history (user_id, line)"],
    }
}

fn unpaid() -> Rebuilt {
    let table = Table::create()
        .table("unpaid_next")
        .col(uuid("series_id"))
        .col(text("user_id"))
        .col(integer("ended"))
        .col(big_integer("brief_ms"))
        .col(timestamp_with_time_zone_null("barred_since"))
        .col(timestamp_with_time_zone_null("barred_until"))
        .primary_key(Index::create().col("series_id").col("user_id"))
        .check(Expr::cust("(barred_since IS NULL) = (barred_until IS NULL)"))
        .to_owned();
    Rebuilt {
        name: "unpaid",
        table,
        columns: "series_id, user_id, ended, brief_ms, barred_since, barred_until",
        indexes: &[],
    }
}

fn token() -> Rebuilt {
    let table = Table::create()
        .table("token_next")
        .col(uuid("id").primary_key())
        .col(uuid("series_id"))
        .col(text("user_id"))
        .col(text("name"))
        .col(big_integer("seq"))
        .col(boolean("lobby"))
        .col(text("status"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("admitted_at"))
        .col(timestamp_with_time_zone_null("session_ends_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(text_null("end_reason"))
        .to_owned();
    Rebuilt {
        name: "token",
        table,
        columns: "id, series_id, user_id, name, seq, lobby, status, created_at, admitted_at, session_ends_at, ended_at",
        indexes: &[
            "CREATE UNIQUE INDEX token_live ON token (series_id, user_id) \
             WHERE status IN ('WAITING', 'ADMITTED')",
            "CREATE INDEX token_seq ON token (series_id, seq)",
            "CREATE INDEX token_admitted ON token (series_id, admitted_at) WHERE admitted_at IS NOT NULL",
        ],
    }
}

fn series() -> Rebuilt {
    let table = Table::create()
        .table("series_next")
        .col(uuid("id").primary_key())
        .col(uuid("concert_id"))
        .col(timestamp_with_time_zone("start_at"))
        .col(timestamp_with_time_zone("end_at"))
        .col(timestamp_with_time_zone("reserve_start_at"))
        .col(timestamp_with_time_zone("reserve_end_at"))
        .col(boolean("paused"))
        .col(integer("seat_count"))
        .col(integer_null("max_active"))
        .col(integer_null("admit_per_interval"))
        .col(integer("interval_seconds"))
        .col(integer("heartbeat_timeout_seconds"))
        .col(integer("session_seconds"))
        .col(integer("max_seats_per_user"))
        .col(text("draw_secret"))
        .col(timestamp_with_time_zone("created_at"))
        .col(text("stage").default("READY"))
        .col(timestamp_with_time_zone_null("stage_at"))
        .foreign_key(ForeignKey::create().from("series_next", "concert_id").to("concert", "id"))
        .to_owned();
    Rebuilt {
        name: "series",
        table,
        columns: "id, concert_id, start_at, end_at, reserve_start_at, reserve_end_at, paused, seat_count, max_active, \
             admit_per_interval, interval_seconds, heartbeat_timeout_seconds, session_seconds, max_seats_per_user, \
             draw_secret, created_at, stage, stage_at",
        indexes: &[
            "CREATE INDEX series_of_concert ON series (concert_id)",
            "CREATE INDEX series_unfinished ON series (stage) WHERE stage <> 'READY'",
            "CREATE INDEX series_created ON series (created_at)",
        ],
    }
}

fn seat() -> Rebuilt {
    let table = Table::create()
        .table("seat_next")
        .col(uuid("id").primary_key())
        .col(uuid("series_id"))
        .col(integer("number"))
        .col(text("section"))
        .col(integer("row"))
        .col(integer("col"))
        .col(integer("price"))
        .foreign_key(ForeignKey::create().from("seat_next", "series_id").to("series_next", "id"))
        .to_owned();
    Rebuilt {
        name: "seat",
        table,
        columns: "id, series_id, number, section, row, col, price",
        indexes: &["CREATE UNIQUE INDEX seat_number ON seat (series_id, number)"],
    }
}
