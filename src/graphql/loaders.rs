//! Batched reads: however many rows ask for their neighbours, each kind of neighbour is one statement.
//!
//! Made anew for each request and without a cache: in a subscription, which lives long, a cache would serve
//! rows that have changed.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, OnceLock},
};

use async_graphql::{
    Context, Error,
    dataloader::{DataLoader, Loader},
};
use sea_orm::DbErr;

use crate::{
    domain::{
        catalog::{Concert, HeldSeats, Series},
        id::{ConcertId, HoldId, PaymentId, SeatId, SeriesId, UserId},
        sale::{Hold, Payment, Reservation, Seat},
    },
    graphql::error::error,
    service::{Failure, Services},
};

/// Keys of one batch: far from the databases' limits on parameters.
const BATCH: usize = 30_000;

/// The loaders of one request, which are made when the first of them is asked: most requests ask none.
pub struct Loaders {
    reader: Reader,
    made: OnceLock<DataLoader<Reader>>,
}

impl fmt::Debug for Loaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loaders(..)")
    }
}

/// Reads what a batch of keys names.
#[derive(Clone, Debug)]
pub struct Reader(Arc<Services>);

/// The dates of a concert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DatesOf(pub ConcertId);

/// How many seats of a series are held right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeldOf(pub SeriesId);

/// The reservations of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TicketsOf {
    /// The payment.
    pub payment: PaymentId,
    /// Whose.
    pub user: UserId,
    /// The line of the ledger that paid it.
    pub line: i32,
}

impl Loaders {
    /// For one request.
    #[must_use]
    pub fn new(services: Arc<Services>) -> Self {
        Self { reader: Reader(services), made: OnceLock::new() }
    }

    /// The loaders.
    pub(super) fn get(&self) -> &DataLoader<Reader> {
        self.made.get_or_init(|| DataLoader::new(self.reader.clone(), tokio::spawn).max_batch_size(BATCH))
    }
}

/// What `key` names, read together with what others ask for at the same time.
///
/// # Errors
/// If the database fails.
pub async fn load<K>(ctx: &Context<'_>, key: K) -> Result<Option<<Reader as Loader<K>>::Value>, Error>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Reader: Loader<K, Error = Arc<DbErr>>,
{
    let found = ctx.data::<Loaders>()?.get().load_one(key).await;
    found.map_err(|failure| error(Failure::from((*failure).clone())))
}

/// The same for what must be there.
///
/// # Errors
/// If the database fails or does not have it.
pub async fn need<K>(ctx: &Context<'_>, key: K) -> Result<<Reader as Loader<K>>::Value, Error>
where
    K: Send + Sync + Hash + Eq + Clone + std::fmt::Debug + 'static,
    Reader: Loader<K, Error = Arc<DbErr>>,
{
    let missing = format!("{key:?} is not there");
    load(ctx, key).await?.ok_or_else(|| error(Failure::Internal(missing.into())))
}

macro_rules! loader {
    ($key:ty => $value:ty, |$db:ident, $keys:ident| $read:expr) => {
        impl Loader<$key> for Reader {
            type Value = $value;
            type Error = Arc<DbErr>;

            async fn load(&self, $keys: &[$key]) -> Result<HashMap<$key, $value>, Arc<DbErr>> {
                let $db = self.0.database();
                $read.map_err(Arc::new)
            }
        }
    };
}

loader!(ConcertId => Concert, |db, keys| db.concerts_by_id(keys).await);
loader!(SeriesId => Series, |db, keys| db.series_by_id(keys).await);
loader!(SeatId => Seat, |db, keys| db.seats_by_id(keys).await);
loader!(HoldId => Hold, |db, keys| db.holds_by_id(keys).await);
loader!(PaymentId => Payment, |db, keys| db.payments_by_id(keys).await);

impl Loader<DatesOf> for Reader {
    type Value = Vec<Series>;
    type Error = Arc<DbErr>;

    async fn load(&self, keys: &[DatesOf]) -> Result<HashMap<DatesOf, Vec<Series>>, Arc<DbErr>> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = self.0.database().series_of(&ids).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|(id, dates)| (DatesOf(id), dates)).collect())
    }
}

impl Loader<HeldOf> for Reader {
    type Value = HeldSeats;
    type Error = Arc<DbErr>;

    async fn load(&self, keys: &[HeldOf]) -> Result<HashMap<HeldOf, HeldSeats>, Arc<DbErr>> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = self.0.database().held_counts(&ids, self.0.clock().now()).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|(id, held)| (HeldOf(id), held)).collect())
    }
}

impl Loader<TicketsOf> for Reader {
    type Value = Vec<Reservation>;
    type Error = Arc<DbErr>;

    async fn load(&self, keys: &[TicketsOf]) -> Result<HashMap<TicketsOf, Vec<Reservation>>, Arc<DbErr>> {
        let payments: Vec<_> = keys.iter().map(|key| (key.payment, key.user.clone(), key.line)).collect();
        let mut found = self.0.database().reservations_of(&payments).await.map_err(Arc::new)?;
        let tickets = |key: &TicketsOf| Some((key.clone(), found.remove(&key.payment)?));
        Ok(keys.iter().filter_map(tickets).collect())
    }
}
