//! Writing to the journal.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{series, token};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::fold::{Folded, Join, State};
use crate::{
    domain::id::{SeriesId, TokenId},
    store::among::Among,
};

/// Rows a statement.
const ROWS: usize = 500;

/// Writes a batch. To write the same once more changes nothing, also where it is cut into batches differently:
/// with several processes a decision may be written by more than one.
pub(super) async fn write(
    tx: &DatabaseTransaction,
    series: SeriesId,
    folded: &Folded,
    names: &HashMap<TokenId, String>,
) -> Result<(), DbErr> {
    if let Some(at) = folded.drawn {
        write_draw(tx, series, at).await?;
    }
    // Before the joins: a new place needs the room that an old one of the same user leaves (rule 4).
    for (state, tokens) in &folded.changes {
        write_change(tx, *state, tokens).await?;
    }
    let joins: Vec<_> =
        folded.joins.iter().map(|join| row(series, join, names).into_active_model()).collect();
    for rows in joins.chunks(ROWS) {
        token::Entity::insert_many(rows.iter().cloned())
            .on_conflict(of_a_waiting_place())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Once: a draw that was made stands.
async fn write_draw(tx: &DatabaseTransaction, series: SeriesId, at: DateTime<Utc>) -> Result<(), DbErr> {
    series::Entity::update_many()
        .col_expr(series::Column::DrawnAt, Expr::value(at))
        .filter(series::Column::Id.eq(series.0))
        .filter(series::Column::DrawnAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

async fn write_change(tx: &DatabaseTransaction, state: State, tokens: &[TokenId]) -> Result<(), DbErr> {
    let columns = Columns::of(Some(state));
    for tokens in tokens.chunks(ROWS) {
        token::Entity::update_many()
            .col_expr(token::Column::Status, Expr::value(columns.status))
            .col_expr(token::Column::AdmittedAt, Expr::value(columns.admitted_at))
            .col_expr(token::Column::SessionEndsAt, Expr::value(columns.session_ends_at))
            .col_expr(token::Column::EndedAt, Expr::value(columns.ended_at))
            .filter(token::Column::Id.among(tokens.iter().map(|token| token.0)))
            .filter(token::Column::Status.eq(token::Status::Waiting))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// What to do where the place is in the table already: the same as [`write_change`].
fn of_a_waiting_place() -> OnConflict {
    OnConflict::column(token::Column::Id)
        .update_columns([
            token::Column::Status,
            token::Column::AdmittedAt,
            token::Column::SessionEndsAt,
            token::Column::EndedAt,
        ])
        .action_and_where(token::Column::Status.eq(token::Status::Waiting))
        .to_owned()
}

/// The columns that say what has become of a place.
struct Columns {
    status: token::Status,
    admitted_at: Option<DateTime<Utc>>,
    session_ends_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
}

impl Columns {
    fn of(state: Option<State>) -> Self {
        let waiting =
            Self { status: token::Status::Waiting, admitted_at: None, session_ends_at: None, ended_at: None };
        match state {
            None => waiting,
            Some(State::Admitted { at, session_ends_at }) => Self {
                status: token::Status::Admitted,
                admitted_at: Some(at),
                session_ends_at: Some(session_ends_at),
                ..waiting
            },
            Some(State::Expired { at }) => {
                Self { status: token::Status::Expired, ended_at: Some(at), ..waiting }
            }
            Some(State::Left { at }) => Self { status: token::Status::Left, ended_at: Some(at), ..waiting },
        }
    }
}

fn row(series: SeriesId, join: &Join, names: &HashMap<TokenId, String>) -> token::Model {
    let Columns { status, admitted_at, session_ends_at, ended_at } = Columns::of(join.state);
    token::Model {
        id: join.token.0,
        series_id: series.0,
        user_id: join.user.to_string(),
        name: names.get(&join.token).cloned().unwrap_or_default(),
        seq: i64::try_from(join.seq).unwrap_or(i64::MAX),
        lobby: join.lobby,
        status,
        created_at: join.at,
        admitted_at,
        session_ends_at,
        ended_at,
    }
}
