//! Lists without the rows that could not be told whole (rule 24): where what must be there of one row cannot be read, a null
//! would take the list down with it.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use async_graphql::{Context, Error, Lookahead, dataloader::Loader};
use sea_orm::DbErr;

use crate::{
    domain::{
        id::{PaymentId, SeatId, SeriesId},
        sale::{Hold, Reservation},
    },
    graphql::{
        error::error,
        loaders::{Loaders, Reader},
    },
    service::Failure,
};

/// What a row of a list refers to, and must find.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refers {
    seat: SeatId,
    series: SeriesId,
    payment: Option<PaymentId>,
}

impl From<&Reservation> for Refers {
    fn from(ticket: &Reservation) -> Self {
        Self { seat: ticket.seat, series: ticket.series, payment: Some(ticket.payment) }
    }
}

impl<K> From<&(K, Reservation)> for Refers {
    fn from((_, ticket): &(K, Reservation)) -> Self {
        Self::from(ticket)
    }
}

impl From<&Hold> for Refers {
    fn from(hold: &Hold) -> Self {
        Self { seat: hold.seat, series: hold.series, payment: None }
    }
}

/// Those of the rows of which everything that is asked for can be read, in as many statements as kinds of things are
/// asked for. The rows are those of the field that is being resolved: a list, or a connection.
///
/// # Errors
/// If the database fails.
pub(super) async fn whole<T>(ctx: &Context<'_>, rows: Vec<T>) -> Result<Vec<T>, Error>
where
    for<'a> Refers: From<&'a T>,
{
    let list = ctx.look_ahead();
    let items = [list.field("nodes"), list.field("edges").field("node"), list];
    let asked = |path: &[&str]| items.iter().any(|item| is_asked(item, path));
    let refers: Vec<Refers> = rows.iter().map(Refers::from).collect();
    let mut sound = vec![true; rows.len()];
    if asked(&["payment"]) {
        let found = found(ctx, refers.iter().filter_map(|row| row.payment)).await?;
        keep(&mut sound, &refers, |row| row.payment.is_none_or(|payment| found.contains_key(&payment)));
    }
    if asked(&["seat"]) {
        let found = found(ctx, refers.iter().map(|row| row.seat)).await?;
        keep(&mut sound, &refers, |row| found.contains_key(&row.seat));
    }
    if asked(&["seat", "series"]) {
        let dates = found(ctx, refers.iter().map(|row| row.series)).await?;
        keep(&mut sound, &refers, |row| dates.contains_key(&row.series));
        if asked(&["seat", "series", "concert"]) {
            let concerts = found(ctx, dates.values().map(|date| date.concert)).await?;
            let known =
                |date: &SeriesId| dates.get(date).is_some_and(|date| concerts.contains_key(&date.concert));
            keep(&mut sound, &refers, |row| known(&row.series));
        }
    }
    Ok(rows.into_iter().zip(sound).filter_map(|(row, sound)| sound.then_some(row)).collect())
}

fn is_asked(of: &Lookahead<'_>, path: &[&str]) -> bool {
    match path {
        [] => of.exists(),
        [name, below @ ..] => is_asked(&of.field(name), below),
    }
}

fn keep(sound: &mut [bool], refers: &[Refers], found: impl Fn(&Refers) -> bool) {
    for (sound, row) in sound.iter_mut().zip(refers) {
        *sound &= found(row);
    }
}

async fn found<K>(
    ctx: &Context<'_>,
    keys: impl Iterator<Item = K>,
) -> Result<HashMap<K, <Reader as Loader<K>>::Value>, Error>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Reader: Loader<K, Error = Arc<DbErr>>,
{
    let keys: HashSet<K> = keys.collect();
    let found = ctx.data::<Loaders>()?.get().load_many(keys).await;
    found.map_err(|failure| error(Failure::from((*failure).clone())))
}
