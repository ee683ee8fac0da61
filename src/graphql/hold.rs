//! Holds: seats that are a fan's for five minutes.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};

use crate::{
    domain::{
        catalog::MAX_SEATS,
        mistake::{Mistake, Mistakes},
        policy::QueuePolicy,
        sale,
        text::SectionName,
    },
    graphql::{
        budget::take_rows,
        error::{caller, error, id, parse_id, parse_ids, read_input, read_one_input},
        loaders,
        problem::{Problem, settle},
        seat::Seat,
        time::Time,
        whole::whole,
    },
    service::{
        Failure, Services,
        sale::{NamedSeats, best_count},
    },
};

/// A temporary reservation: the seat is nobody else's until `expiresAt`, five minutes after it was taken.
#[derive(Clone, Debug)]
pub struct Hold(pub sale::Hold);

/// A temporary reservation: the seat is nobody else's until `expiresAt`, five minutes after it was taken.
#[Object]
impl Hold {
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    async fn user_id(&self) -> ID {
        self.0.user.as_str().into()
    }

    async fn seat(&self, ctx: &Context<'_>) -> Result<Seat> {
        Ok(Seat(loaders::need(ctx, self.0.seat).await?))
    }

    async fn created_at(&self) -> Time {
        self.0.created_at.into()
    }

    /// From this instant on, to the millisecond, the hold holds nothing and cannot be paid.
    async fn expires_at(&self) -> Time {
        self.0.expires_at.into()
    }

    /// What it is right now.
    async fn status(&self, ctx: &Context<'_>) -> Result<HoldStatus> {
        Ok(self.0.status_at(ctx.data::<Arc<Services>>()?.clock().now()).into())
    }
}

/// What became of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "sale::HoldStatus")]
pub enum HoldStatus {
    /// The seat is the fan's until `expiresAt`.
    Active,
    /// Paid: there is a reservation now.
    Confirmed,
    /// The five minutes are over.
    Expired,
    /// Given back.
    Released,
}

/// Reading holds.
#[derive(Debug, Default)]
pub struct HoldQuery;

#[Object]
impl HoldQuery {
    /// The caller's live holds, the oldest first.
    async fn holds(&self, ctx: &Context<'_>) -> Result<Vec<Hold>> {
        let holds = ctx.data::<Arc<Services>>()?.holds(caller(ctx)?).await.map_err(error)?;
        let holds = whole(ctx, holds).await?;
        take_rows(ctx, holds.len())?;
        Ok(holds.into_iter().map(Hold).collect())
    }

    /// One hold of the caller's, whatever became of it; null if there is no such hold.
    #[graphql(name = "hold")]
    async fn one_hold(&self, ctx: &Context<'_>, #[graphql(name = "id")] hold: ID) -> Result<Option<Hold>> {
        let hold = ctx.data::<Arc<Services>>()?.hold(caller(ctx)?, id("id", &hold)?).await.map_err(error)?;
        Ok(hold.map(Hold))
    }
}

/// Which seat.
#[derive(Debug, InputObject)]
pub struct HoldSeatInput {
    /// The seat.
    pub seat_id: ID,
}

/// The hold, or why there is none.
#[derive(Debug, Default, SimpleObject)]
pub struct HoldSeatPayload {
    /// The hold.
    pub hold: Option<Hold>,
    /// Why it was not done; null if it was.
    pub problem: Option<Problem>,
}

/// Which seats; all of one date, each once: either `seatIds`, or `numbers`.
#[derive(Debug, InputObject)]
pub struct HoldSeatsInput {
    /// The seats, 1 to 100.
    pub seat_ids: Option<Vec<ID>>,
    /// The seats by their numbers, 1 to 100 of them.
    pub numbers: Option<Vec<i32>>,
    /// Of which date the numbers are; may be left out with a queue token, which is of that date.
    pub series_id: Option<ID>,
}

impl HoldSeatsInput {
    fn read(self) -> std::result::Result<NamedSeats, Vec<Mistake>> {
        let mut wrong = Mistakes::default();
        let series = self.series_id.as_ref().map(|id| wrong.take(["seriesId".into()], parse_id(id)));
        let most = QueuePolicy::MAX_SEATS_PER_USER;
        let ids = self.seat_ids.map(|ids| wrong.take_all(Some("seatIds".into()), parse_ids(&ids, most)));
        let numbers =
            self.numbers.map(|numbers| wrong.take_all(Some("numbers".into()), seat_numbers(numbers)));
        if ids.is_some() && series.is_some() {
            let why = "must be left out beside seatIds, which say of which date they are";
            wrong.add(Mistake::at(["seriesId".into()], why));
        }
        let seats = match (ids, numbers) {
            (Some(ids), None) => ids.map(NamedSeats::Ids),
            (None, Some(numbers)) => numbers.map(|numbers| NamedSeats::Numbers(series.flatten(), numbers)),
            (Some(_), Some(_)) => {
                let why = "must be left out beside seatIds: use either of them";
                wrong.add(Mistake::at(["numbers".into()], why));
                None
            }
            (None, None) => {
                wrong.add(Mistake::at([], "must name seats: by seatIds, or by numbers"));
                None
            }
        };
        let wrong = wrong.into_vec();
        seats.filter(|_| wrong.is_empty()).ok_or(wrong)
    }
}

/// Reads numbers of seats: how many there are is looked at before any of them.
fn seat_numbers(numbers: Vec<i32>) -> std::result::Result<Vec<i32>, Vec<Mistake>> {
    let most = QueuePolicy::MAX_SEATS_PER_USER as usize;
    if numbers.len() > most {
        return Err(vec![Mistake::at([], format!("must name at most {most}, not {}", numbers.len()))]);
    }
    let mut wrong = Mistakes::default();
    let seats = 1..=MAX_SEATS;
    for (at, number) in numbers.iter().enumerate() {
        if !usize::try_from(*number).is_ok_and(|number| seats.contains(&number)) {
            let why = format!("must be between 1 and {MAX_SEATS}, not {number}");
            wrong.add(Mistake::at([at.into()], why));
        }
    }
    wrong.none_or(numbers)
}

/// How many seats side by side.
#[derive(Debug, InputObject)]
pub struct HoldBestSeatsInput {
    /// 1 to 100.
    pub count: i32,
    /// Only in the section of this name, or of one that looks the same; 1 to 50 characters.
    pub section: Option<String>,
}

/// The holds, or why there are none.
#[derive(Debug, Default, SimpleObject)]
pub struct HoldSeatsPayload {
    /// The holds, in the order in which the seats were asked for.
    pub holds: Option<Vec<Hold>>,
    /// Why it was not done; null if it was.
    pub problem: Option<Problem>,
}

/// Which hold.
#[derive(Debug, InputObject)]
pub struct ReleaseHoldInput {
    /// The hold.
    pub hold_id: ID,
}

/// The hold that was given back, or why it was not.
#[derive(Debug, Default, SimpleObject)]
pub struct ReleaseHoldPayload {
    /// The hold.
    pub hold: Option<Hold>,
    /// Why it was not done; null if it was.
    pub problem: Option<Problem>,
}

/// Taking seats and giving them back.
#[derive(Debug, Default)]
pub struct HoldMutation;

#[Object]
impl HoldMutation {
    /// Holds a seat for five minutes. Needs an ADMITTED place in the waiting room of its date. Holding a seat that
    /// one holds already returns that hold, whose end stays as it is.
    async fn hold_seat(&self, ctx: &Context<'_>, input: HoldSeatInput) -> Result<HoldSeatPayload> {
        let seat = read_one_input("seatId", parse_id(&input.seat_id))?;
        let done = ctx.data::<Arc<Services>>()?.hold_seats(caller(ctx)?, vec![seat]).await;
        Ok(match holds(ctx, done).await? {
            Ok(holds) => HoldSeatPayload { hold: holds.into_iter().next(), problem: None },
            Err(problem) => HoldSeatPayload { hold: None, problem: Some(problem) },
        })
    }

    /// Holds several seats of one date, by their ids or by their numbers: all of them or none.
    async fn hold_seats(&self, ctx: &Context<'_>, input: HoldSeatsInput) -> Result<HoldSeatsPayload> {
        let seats = read_input(input.read())?;
        let done = ctx.data::<Arc<Services>>()?.hold_seats(caller(ctx)?, seats).await;
        payload(ctx, done).await
    }

    /// Holds the best adjacent seats that are left: sections in their order, rows from the front, and in a row the
    /// ones nearest to the middle. Needs the queue token of the date.
    async fn hold_best_seats(
        &self,
        ctx: &Context<'_>,
        input: HoldBestSeatsInput,
    ) -> Result<HoldSeatsPayload> {
        let mut wrong = Mistakes::default();
        let count = wrong.take(["count".into()], best_count(input.count));
        let section = input.section.as_deref().map(SectionName::try_new).transpose();
        let section = wrong.take(["section".into()], section);
        let (count, section) = read_input(count.zip(section).ok_or_else(|| wrong.into_vec()))?;
        let done = ctx.data::<Arc<Services>>()?.hold_best_seats(caller(ctx)?, count, section).await;
        payload(ctx, done).await
    }

    /// Gives a held seat back to the sale.
    async fn release_hold(&self, ctx: &Context<'_>, input: ReleaseHoldInput) -> Result<ReleaseHoldPayload> {
        let hold = read_one_input("holdId", parse_id(&input.hold_id))?;
        let done = ctx.data::<Arc<Services>>()?.release_hold(caller(ctx)?, hold).await;
        Ok(match holds(ctx, done.map(|hold| vec![hold])).await? {
            Ok(holds) => ReleaseHoldPayload { hold: holds.into_iter().next(), problem: None },
            Err(problem) => ReleaseHoldPayload { hold: None, problem: Some(problem) },
        })
    }
}

async fn holds(
    ctx: &Context<'_>,
    done: Result<Vec<sale::Hold>, Failure>,
) -> Result<Result<Vec<Hold>, Problem>> {
    Ok(settle(ctx, done).await?.map(|holds| holds.into_iter().map(Hold).collect()))
}

async fn payload(ctx: &Context<'_>, done: Result<Vec<sale::Hold>, Failure>) -> Result<HoldSeatsPayload> {
    Ok(match holds(ctx, done).await? {
        Ok(holds) => HoldSeatsPayload { holds: Some(holds), problem: None },
        Err(problem) => HoldSeatsPayload { holds: None, problem: Some(problem) },
    })
}
