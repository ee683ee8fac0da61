//! Dates of concerts: their sale, and the organiser's hand on it.

use std::{collections::HashSet, sync::Arc};

use crate::{
    domain::{
        catalog::{self, NewSection, Schedule, SeriesPlan},
        id::{ConcertId, SeriesId},
        mistake::{Mistake, Mistakes},
        policy,
    },
    graphql::{
        concert::{Concert, bookable},
        error::{caller, error, id, parse_id, parse_ids, read, read_input},
        live::feed::{Control, Span},
        loaders::{self, DatesOf, HeldOf},
        noted::{depends_on, holds_until},
        seat_list::{Seats, Sections},
        seat_map::{self, SeatStates},
        time::Time,
    },
    service::{Services, versions::Source},
};
use async_graphql::{
    Context, Enum, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject, Subscription,
};
use futures_util::{Stream, StreamExt, stream};

/// One date of a concert, with its own seats, sale and waiting room.
#[derive(Clone, Debug)]
pub struct Series(pub catalog::Series);

/// One date of a concert, with its own seats, sale and waiting room.
#[Object]
impl Series {
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    async fn concert(&self, ctx: &Context<'_>) -> Result<Concert> {
        depends_on(ctx, [Source::Catalogue]);
        Ok(Concert(loaders::need(ctx, self.0.concert).await?))
    }

    /// When the concert begins; until then a ticket can be given back.
    async fn start_at(&self) -> Time {
        self.0.schedule.start_at.into()
    }

    /// When the concert ends.
    async fn end_at(&self) -> Time {
        self.0.schedule.end_at.into()
    }

    /// When the sale opens. Whoever joins before that waits in the lobby, which is put into a random order then.
    async fn reserve_start_at(&self) -> Time {
        self.0.schedule.reserve_start_at.into()
    }

    /// When the sale closes.
    async fn reserve_end_at(&self) -> Time {
        self.0.schedule.reserve_end_at.into()
    }

    /// How the sale stands right now.
    async fn status(&self, ctx: &Context<'_>) -> Result<SeriesStatus> {
        let (state, now) = (self.0.state(), ctx.data::<Arc<Services>>()?.clock().now());
        holds_until(ctx, state.next_change(now));
        Ok(state.status(now).into())
    }

    /// Seats of the house.
    async fn seat_count(&self) -> i32 {
        self.0.seat_count
    }

    /// Seats that can be held right now.
    async fn available_count(&self, ctx: &Context<'_>) -> Result<i32> {
        depends_on(ctx, [Source::Seats(self.0.id)]);
        let held = loaders::load(ctx, HeldOf(self.0.id)).await?.unwrap_or_default();
        holds_until(ctx, held.until);
        Ok(self.0.seat_count - self.0.reserved_count - held.seats)
    }

    async fn created_at(&self) -> Time {
        self.0.created_at.into()
    }

    /// The seats by number; with `availableOnly`, those that can be held right now.
    async fn seats(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = false)] available_only: bool,
    ) -> Result<Seats> {
        seat_map::seats(ctx, self.0.id, available_only).await
    }

    /// The sections in their order: with `seatStates` all that a seat map needs, in a few kilobytes.
    async fn layout(&self, ctx: &Context<'_>) -> Result<Sections> {
        seat_map::layout(ctx, self.0.id).await
    }

    /// A character a seat, by number, the first that of seat 1: `A` can be held, `H` is held, `R` is reserved.
    async fn seat_states(&self, ctx: &Context<'_>) -> Result<SeatStates> {
        Ok(SeatStates(seat_map::snapshot(ctx, self.0.id).await?.letters.clone()))
    }

    /// The version that `layout`, `seatStates` and `seats` of the same answer are of: watch `seatAvailability` with it as
    /// `sinceVersion`, and nothing is missed.
    async fn seats_version(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(seat_map::snapshot(ctx, self.0.id).await?.version)
    }

    /// How many fans are let in at a time, and for how long.
    async fn queue_policy(&self) -> QueuePolicy {
        self.0.policy.into()
    }

    /// SHA-256 of the secret that orders the lobby, in hexadecimal; public from the start, so that everybody can
    /// check later that the secret was not changed.
    async fn draw_commitment(&self) -> String {
        self.0.draw_secret.commitment()
    }

    /// The secret that ordered the lobby, in hexadecimal; null until the order is drawn.
    async fn draw_secret(&self) -> Option<String> {
        self.0.drawn_at.is_some().then(|| self.0.draw_secret.reveal())
    }

    /// SHA-256 of the token ids of all who joined the lobby, as printed, one after the other in the order of the joins; in
    /// hexadecimal. The order depends on it as well as on the secret. Null until the order is drawn, and for dates that
    /// were drawn before it was a part of draws.
    async fn lobby_hash(&self) -> Option<String> {
        self.0.lobby_hash.map(|hash| hash.to_string())
    }
}

/// How the sale of a date stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "catalog::SeriesStatus")]
pub enum SeriesStatus {
    /// The sale has not opened: fans gather in the lobby.
    Upcoming,
    /// Admitted fans can hold seats.
    OnSale,
    /// The organiser has stopped admissions and holds for now; who holds seats may pay.
    Paused,
    /// Every seat is sold. A ticket that is given back puts the date on sale again.
    SoldOut,
    /// The sale is over.
    Closed,
}

/// How many are let in. Where both limits are set, the tighter one wins.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct QueuePolicy {
    /// At most this many fans are ADMITTED at once; null for no such limit.
    pub max_active: Option<i32>,
    /// At most this many fans are admitted in any interval of `intervalSeconds`; null for no such limit.
    pub admit_per_interval: Option<i32>,
    /// The length of that interval; it slides, it does not begin anew each minute.
    pub interval_seconds: i32,
    /// A fan who is not heard from for this long loses the place.
    pub heartbeat_timeout_seconds: i32,
    /// How long an admitted fan may choose seats; who holds some then has until the last of those holds ends to pay. So
    /// long takes no holds who let three times `maxSeatsPerUser` of them end unpaid.
    pub session_seconds: i32,
    /// Live holds and reservations together that one fan may have of this date.
    pub max_seats_per_user: i32,
}

impl From<policy::QueuePolicy> for QueuePolicy {
    fn from(policy: policy::QueuePolicy) -> Self {
        // The policy's bounds are far within an Int.
        let int = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        Self {
            max_active: policy.max_active.map(int),
            admit_per_interval: policy.admit_per_interval.map(int),
            interval_seconds: int(policy.interval_seconds),
            heartbeat_timeout_seconds: int(policy.heartbeat_timeout_seconds),
            session_seconds: int(policy.session_seconds),
            max_seats_per_user: int(policy.max_seats_per_user),
        }
    }
}

/// Settings of a waiting room; what is left out stays as it is.
#[derive(Debug, Default, InputObject)]
pub struct QueuePolicyInput {
    /// 1 to 1,000,000; null takes the limit off. By default 100.
    pub max_active: MaybeUndefined<i32>,
    /// 1 to 1,000,000; null takes the limit off. By default there is none.
    pub admit_per_interval: MaybeUndefined<i32>,
    /// 1 to 3,600. By default 60.
    pub interval_seconds: Option<i32>,
    /// 1 to 86,400. By default 60.
    pub heartbeat_timeout_seconds: Option<i32>,
    /// 1 to 86,400. By default 600.
    pub session_seconds: Option<i32>,
    /// 1 to 100. By default 4.
    pub max_seats_per_user: Option<i32>,
}

impl From<QueuePolicyInput> for policy::PolicyPatch {
    fn from(input: QueuePolicyInput) -> Self {
        let limit = |value| match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(n) => Some(Some(n)),
        };
        Self {
            max_active: limit(input.max_active),
            admit_per_interval: limit(input.admit_per_interval),
            interval_seconds: input.interval_seconds,
            heartbeat_timeout_seconds: input.heartbeat_timeout_seconds,
            session_seconds: input.session_seconds,
            max_seats_per_user: input.max_seats_per_user,
        }
    }
}

/// Reading dates.
#[derive(Debug, Default)]
pub struct SeriesQuery;

#[Object]
impl SeriesQuery {
    /// The dates of a concert, the earliest first. A concert without a single date is the error
    /// SERIES_NOT_CREATED. Needs no token.
    async fn series(
        &self,
        ctx: &Context<'_>,
        concert_id: ID,
        #[graphql(default = false)] bookable_only: bool,
    ) -> Result<Vec<Series>> {
        let concert = id::<ConcertId>("concertId", &concert_id)?;
        let dates = match loaders::load(ctx, DatesOf(concert)).await? {
            Some(dates) => dates,
            None => ctx.data::<Arc<Services>>()?.dates(concert).await.map_err(error)?,
        };
        bookable(ctx, dates, bookable_only)
    }

    /// One date; null if there is no such date. Needs no token.
    async fn series_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] series: ID,
    ) -> Result<Option<Series>> {
        let id = id::<SeriesId>("id", &series)?;
        // That there is none depends on the catalogue alone.
        depends_on(ctx, [Source::Catalogue]);
        let found = loaders::load(ctx, id).await?;
        if found.is_some() {
            depends_on(ctx, [Source::Sale(id)]);
        }
        Ok(found.map(Series))
    }
}

/// A new date of a concert.
#[derive(Debug, InputObject)]
pub struct CreateSeriesInput {
    /// The concert.
    pub concert_id: ID,
    /// When the concert begins.
    pub start_at: Time,
    /// When it ends.
    pub end_at: Time,
    /// When the sale opens.
    pub reserve_start_at: Time,
    /// When the sale closes; at the latest when the concert ends.
    pub reserve_end_at: Time,
    /// Left out: the standard house, 50 seats numbered 1 to 50 in 5 rows of 10, at 10,000 points.
    pub sections: Option<Vec<SectionInput>>,
    /// Left out: 100 fans at once, one minute without a heartbeat, ten minutes to choose, 4 seats a fan.
    pub queue_policy: Option<QueuePolicyInput>,
}

impl CreateSeriesInput {
    fn read(self) -> std::result::Result<(ConcertId, SeriesPlan), Vec<Mistake>> {
        let schedule = Schedule {
            start_at: self.start_at.0,
            end_at: self.end_at.0,
            reserve_start_at: self.reserve_start_at.0,
            reserve_end_at: self.reserve_end_at.0,
        };
        let section = |SectionInput { name, rows, cols, price }| NewSection { name, rows, cols, price };
        let sections = self.sections.map(|sections| sections.into_iter().map(section).collect::<Vec<_>>());
        let policy = self.queue_policy.unwrap_or_default().into();
        let mut wrong = Mistakes::default();
        let concert = wrong.take(["concertId".into()], parse_id(&self.concert_id));
        let plan = wrong.take_all(None, SeriesPlan::try_new(schedule, sections.as_deref(), policy));
        concert.zip(plan).ok_or_else(|| wrong.into_vec())
    }
}

/// A block of seats; up to 100,000 seats a series.
#[derive(Debug, InputObject)]
pub struct SectionInput {
    /// 1 to 50 characters, as for the title of a concert; no other section of its house has a name that looks the same.
    pub name: String,
    /// Rows, 1 to 100,000.
    pub rows: i32,
    /// Seats a row, 1 to 100,000.
    pub cols: i32,
    /// Points for one seat, 1 to 1,000,000,000 (1 point = 1 KRW); all seats together cost at most 2,147,483,647.
    pub price: i32,
}

/// New settings of a waiting room.
#[derive(Debug, InputObject)]
pub struct UpdateQueuePolicyInput {
    /// The date.
    pub series_id: ID,
    /// What is left out stays as it is.
    pub queue_policy: QueuePolicyInput,
}

/// Creating dates and running their sales.
#[derive(Debug, Default)]
pub struct SeriesMutation;

#[Object]
impl SeriesMutation {
    /// Creates one date of a concert, with its seats and its waiting room. The ORGANIZER of the concert, or ADMIN. A large
    /// house takes some seconds, and the date is shown when it is complete. RATE_LIMITED, with `retryAfterMs`, beyond the
    /// dates and seats that one organiser may create within an hour.
    async fn create_series(&self, ctx: &Context<'_>, input: CreateSeriesInput) -> Result<Series> {
        let (concert, plan) = read_input(input.read())?;
        let created = ctx.data::<Arc<Services>>()?.create_series(caller(ctx)?, concert, plan).await;
        Ok(Series(created.map_err(|failure| error(failure.below("input")))?))
    }

    /// Changes how many fans are let in; takes effect at once and throws nobody out. The ORGANIZER of the
    /// concert, or ADMIN.
    async fn update_queue_policy(&self, ctx: &Context<'_>, input: UpdateQueuePolicyInput) -> Result<Series> {
        let mut wrong = Mistakes::default();
        let series = wrong.take(["seriesId".into()], parse_id::<SeriesId>(&input.series_id));
        let patch = policy::PolicyPatch::from(input.queue_policy);
        // A setting is right or wrong whatever the others are.
        let checked = policy::QueuePolicy::default().try_patched(patch);
        let checked = wrong.take_all(Some("queuePolicy".into()), checked);
        let (Some(series), Some(_)) = (series, checked) else { return read_input(Err(wrong.into_vec())) };
        let changed = ctx.data::<Arc<Services>>()?.update_policy(caller(ctx)?, series, patch).await;
        Ok(Series(changed.map_err(|failure| error(failure.below("input")))?))
    }

    /// Stops admissions and holds; who holds seats may still pay. The ORGANIZER of the concert, or ADMIN.
    async fn pause_sale(&self, ctx: &Context<'_>, series_id: ID) -> Result<Series> {
        set_paused(ctx, &series_id, true).await
    }

    /// Lets a paused sale go on. The ORGANIZER of the concert, or ADMIN.
    async fn resume_sale(&self, ctx: &Context<'_>, series_id: ID) -> Result<Series> {
        set_paused(ctx, &series_id, false).await
    }
}

async fn set_paused(ctx: &Context<'_>, series_id: &ID, paused: bool) -> Result<Series> {
    let series = id::<SeriesId>("seriesId", series_id)?;
    let changed = ctx.data::<Arc<Services>>()?.set_paused(caller(ctx)?, series, paused).await;
    Ok(Series(changed.map_err(error)?))
}

/// Dates that one subscription may be about.
pub(super) const WATCHED: u32 = 50;

/// Watching dates.
#[derive(Debug, Default)]
pub struct SeriesSubscription;

#[Subscription]
impl SeriesSubscription {
    /// Dates on a list, at most 50: each as it is now, and again whenever its status or the number of its free seats has
    /// changed, at most twice a second. Needs no token.
    async fn series_changed(
        &self,
        ctx: &Context<'_>,
        ids: Vec<ID>,
    ) -> Result<impl Stream<Item = Result<Series>> + use<>> {
        let ids = watched(&ids)?;
        let services = Arc::clone(ctx.data::<Arc<Services>>()?);
        let control = Arc::clone(ctx.data::<Arc<Control>>()?);
        let mut all = stream::SelectAll::new();
        for (topic, id) in ids.into_iter().enumerate() {
            let changes = Arc::clone(&services).watch_series(id).await.map_err(error)?;
            all.push(changes.map(move |series| (topic, series)).boxed());
        }
        Ok(all.zip(stream::iter(1..)).map(move |((topic, series), version)| {
            control.tell(Span::alone(topic, version));
            series.map(Series).map_err(error)
        }))
    }
}

/// Reads the ids of the dates, each once.
pub(super) fn watched(ids: &[ID]) -> Result<Vec<SeriesId>> {
    let parsed = parse_ids::<SeriesId>(ids, WATCHED).map_err(|mistakes| {
        let below = |mistake: Mistake| mistake.below("ids");
        mistakes.into_iter().map(below).collect::<Vec<_>>()
    });
    let mut ids = read(parsed)?;
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(*id));
    Ok(ids)
}
