//! How large the catalogue is: what a list of it can hold at most, known before it is read (rule 22).
//!
//! Dates and seats are never taken away, so a size that was learnt can only be too small: by what other processes have
//! created since, until they are heard of. The budget of each request is there for that.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    domain::id::{ConcertId, SeriesId},
    service::{Failure, Services},
    store::{Database, catalog::CatalogueTops},
};

/// The largest page of concerts.
const PAGE: u64 = crate::domain::page::MAX_PAGE;

/// Concerts and dates whose size is remembered; then all of them are forgotten.
const REMEMBERED: usize = 10_000;

/// What there is below one or more concerts or dates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Dates.
    pub dates: usize,
    /// Seats of all of them.
    pub seats: usize,
}

/// The largest concerts and the largest house there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Largest {
    /// What the largest concert has, the largest two together, and so on; dates and seats each on their own.
    sums: Vec<Size>,
    house: usize,
}

impl Largest {
    /// From the largest numbers of dates of a concert, the largest numbers of seats of a concert, each falling, and the
    /// seats of the largest house.
    #[must_use]
    pub fn new(dates: &[usize], seats: &[usize], house: usize) -> Self {
        let mut sum = Size::default();
        let sums = (0..dates.len().max(seats.len())).map(|n| {
            sum.dates += dates.get(n).copied().unwrap_or_default();
            sum.seats += seats.get(n).copied().unwrap_or_default();
            sum
        });
        Self { sums: sums.collect(), house }
    }
}

/// What is known of the catalogue when an operation is priced.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// The largest there are.
    pub largest: Arc<Largest>,
    /// The concerts that the operation names.
    pub concerts: HashMap<ConcertId, Size>,
    /// The seats of the dates that the operation names.
    pub dates: HashMap<SeriesId, usize>,
}

impl Catalogue {
    /// What so many concerts have together at most.
    #[must_use]
    pub fn largest_concerts(&self, concerts: usize) -> Size {
        let sums = &self.largest.sums;
        let sum = concerts.checked_sub(1).and_then(|n| sums.get(n).or(sums.last()));
        sum.copied().unwrap_or_default()
    }

    /// The seats that a date has at most.
    #[must_use]
    pub fn largest_house(&self) -> usize {
        self.largest.house
    }

    /// What a concert has; nothing if there is no such concert.
    #[must_use]
    pub fn concert(&self, id: ConcertId) -> Size {
        self.concerts.get(&id).copied().unwrap_or_default()
    }

    /// What a date has; nothing if there is no such date.
    #[must_use]
    pub fn date(&self, id: SeriesId) -> Size {
        Size { dates: 1, seats: self.dates.get(&id).copied().unwrap_or_default() }
    }
}

/// What has been learnt of the catalogue.
#[derive(Debug)]
pub(super) struct Census {
    database: Database,
    known: Mutex<Known>,
    /// Held by who reads how large the largest are, so that it is read once.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// Raised whenever something is forgotten, so that what was read before is not remembered after.
    round: u64,
    largest: Option<Arc<Largest>>,
    concerts: HashMap<ConcertId, Size>,
    dates: HashMap<SeriesId, usize>,
}

impl Census {
    pub(super) fn new(database: Database) -> Self {
        Self { database, known: Mutex::default(), reading: tokio::sync::Mutex::default() }
    }

    /// A date has been created, here or elsewhere: the largest may not be the largest any more.
    pub(super) fn date_created(&self) {
        let mut known = self.lock();
        known.round += 1;
        known.largest = None;
        known.concerts.clear();
    }

    async fn catalogue(&self, concerts: &[ConcertId], dates: &[SeriesId]) -> Result<Catalogue, Failure> {
        let (round, largest, concerts_known, dates_known) = {
            let known = self.lock();
            (known.round, known.largest.clone(), pick(&known.concerts, concerts), pick(&known.dates, dates))
        };
        let mut catalogue =
            Catalogue { concerts: concerts_known, dates: dates_known, ..Catalogue::default() };
        catalogue.largest = match largest {
            Some(largest) => largest,
            None => self.read_largest().await?,
        };
        let new_concerts = missing(&catalogue.concerts, concerts);
        if !new_concerts.is_empty() {
            let sizes = self.database.concert_sizes(&new_concerts).await?;
            let size = |(id, (dates, seats))| (id, Size { dates, seats });
            catalogue.concerts.extend(sizes.into_iter().map(size));
        }
        let new_dates = missing(&catalogue.dates, dates);
        if !new_dates.is_empty() {
            catalogue.dates.extend(self.database.seat_counts(&new_dates).await?);
        }
        self.lock().learn(round, &catalogue);
        Ok(catalogue)
    }

    async fn read_largest(&self) -> Result<Arc<Largest>, Failure> {
        let _reading = self.reading.lock().await;
        if let Some(largest) = self.lock().largest.clone() {
            return Ok(largest);
        }
        let CatalogueTops { dates, seats, house } = self.database.catalogue_tops(PAGE).await?;
        Ok(Arc::new(Largest::new(&dates, &seats, house)))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn learn(&mut self, round: u64, catalogue: &Catalogue) {
        // The seats of a date never change; the rest may have, meanwhile.
        remember(&mut self.dates, &catalogue.dates);
        if self.round == round {
            self.largest = Some(Arc::clone(&catalogue.largest));
            remember(&mut self.concerts, &catalogue.concerts);
        }
    }
}

fn remember<K: Copy + Eq + Hash, V: Copy>(known: &mut HashMap<K, V>, new: &HashMap<K, V>) {
    if known.len() + new.len() > REMEMBERED {
        known.clear();
    }
    known.extend(new);
}

fn pick<K: Copy + Eq + Hash, V: Copy>(known: &HashMap<K, V>, wanted: &[K]) -> HashMap<K, V> {
    wanted.iter().filter_map(|key| Some((*key, *known.get(key)?))).collect()
}

fn missing<K: Copy + Eq + Hash, V>(known: &HashMap<K, V>, wanted: &[K]) -> Vec<K> {
    wanted.iter().filter(|key| !known.contains_key(key)).copied().collect()
}

impl Services {
    /// How large the catalogue is, and these concerts and dates.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn catalogue_size(
        &self,
        concerts: &[ConcertId],
        dates: &[SeriesId],
    ) -> Result<Catalogue, Failure> {
        self.census.catalogue(concerts, dates).await
    }
}
