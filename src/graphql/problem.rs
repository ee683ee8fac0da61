//! Problems: what a fan can run into in normal use. They stand in a mutation's payload, not among the errors.

use std::sync::Arc;

use async_graphql::{Context, Enum, Error, Interface, Object, Result};

use crate::{
    domain::sale,
    graphql::{error::error, loaders, queue::QueuePosition, seat::Seat},
    service::{Failure, Services},
};

/// Why a mutation did not do what was asked, although it was asked correctly. `code` is for the program, `message`
/// for the fan.
#[derive(Clone, Debug, Interface)]
#[graphql(field(name = "code", ty = "ProblemCode"), field(name = "message", ty = "String"))]
pub enum Problem {
    /// A problem whose code says it all.
    Simple(SimpleProblem),
    /// SEAT_TAKEN.
    SeatTaken(SeatTaken),
    /// NOT_ADMITTED.
    NotAdmitted(NotAdmitted),
    /// INSUFFICIENT_POINTS.
    InsufficientPoints(InsufficientPoints),
}

/// What kind of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "sale::ProblemCode")]
pub enum ProblemCode {
    /// There is no such date.
    SeriesNotFound,
    /// The sale has not opened yet.
    SaleNotOpen,
    /// The sale is over.
    SaleClosed,
    /// The organiser has paused the sale.
    SalePaused,
    /// Every seat is sold.
    SoldOut,
    /// The place in the waiting room is over: join again. Or the time to choose is, and what is held can still be paid.
    TokenExpired,
    /// It is not the fan's turn.
    NotAdmitted,
    /// There is no such seat.
    SeatNotFound,
    /// Somebody else has a seat that was asked for, or no so many seats side by side are left.
    SeatTaken,
    /// The fan has, or would have, more seats of this date than one may; or has let too many holds end unpaid, and the
    /// message says until when.
    SeatLimitReached,
    /// There is no such hold of the fan's.
    HoldNotFound,
    /// The five minutes are over; nothing was taken.
    HoldExpired,
    /// There is no live hold to pay for.
    NothingToPay,
    /// The amount is zero or negative.
    AmountNotPositive,
    /// The wallet has too few points: charge and try again; the holds stand until their own end.
    InsufficientPoints,
    /// The wallet would have more than 1,000,000,000 points.
    BalanceLimitExceeded,
    /// The idempotency key was used before with another input.
    IdempotencyKeyReused,
    /// There is no such standing reservation of the fan's.
    ReservationNotFound,
    /// The concert has begun.
    CancellationClosed,
}

/// A problem whose code says it all.
#[derive(Clone, Debug)]
pub struct SimpleProblem(sale::Problem);

/// SEAT_TAKEN: which of the seats that were asked for somebody else has.
#[derive(Clone, Debug)]
pub struct SeatTaken(sale::Problem);

/// NOT_ADMITTED: where the fan stands instead.
#[derive(Clone, Debug)]
pub struct NotAdmitted(sale::Problem, QueuePosition);

/// INSUFFICIENT_POINTS: what the wallet has and what it takes.
#[derive(Clone, Debug)]
pub struct InsufficientPoints {
    problem: sale::Problem,
    balance: i32,
    required: i32,
}

/// A problem whose code says it all.
#[Object]
impl SimpleProblem {
    async fn code(&self) -> ProblemCode {
        self.0.code().into()
    }

    async fn message(&self) -> String {
        self.0.to_string()
    }
}

/// SEAT_TAKEN: which of the seats that were asked for somebody else has.
#[Object]
impl SeatTaken {
    async fn code(&self) -> ProblemCode {
        self.0.code().into()
    }

    async fn message(&self) -> String {
        self.0.to_string()
    }

    /// The seats that are taken; empty if there were none to choose from.
    async fn seats(&self, ctx: &Context<'_>) -> Result<Vec<Seat>> {
        let sale::Problem::SeatTaken(ids) = &self.0 else { return Ok(Vec::new()) };
        let mut seats = Vec::with_capacity(ids.len());
        for id in ids {
            seats.push(Seat(loaders::need(ctx, *id).await?));
        }
        Ok(seats)
    }
}

/// NOT_ADMITTED: where the fan stands instead.
#[Object]
impl NotAdmitted {
    async fn code(&self) -> ProblemCode {
        self.0.code().into()
    }

    async fn message(&self) -> String {
        self.0.to_string()
    }

    /// The fan's place.
    async fn position(&self) -> &QueuePosition {
        &self.1
    }
}

/// INSUFFICIENT_POINTS: what the wallet has and what it takes.
#[Object]
impl InsufficientPoints {
    async fn code(&self) -> ProblemCode {
        self.problem.code().into()
    }

    async fn message(&self) -> String {
        self.problem.to_string()
    }

    /// Points in the wallet.
    async fn balance(&self) -> i32 {
        self.balance
    }

    /// Points that it would take.
    async fn required(&self) -> i32 {
        self.required
    }
}

/// What a mutation did, or the problem for which it did not; anything else is an error.
pub(super) async fn settle<T>(
    ctx: &Context<'_>,
    done: Result<T, Failure>,
) -> Result<Result<T, Problem>, Error> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(Failure::Problem(found)) => Ok(Err(problem(ctx, found).await?)),
        // Every mutation that has problems takes one `input`.
        Err(failure) => Err(error(failure.below("input"))),
    }
}

async fn problem(ctx: &Context<'_>, problem: sale::Problem) -> Result<Problem> {
    let services = ctx.data::<Arc<Services>>()?;
    Ok(match problem {
        sale::Problem::SeatTaken(_) | sale::Problem::NoAdjacentSeats(_) => {
            Problem::SeatTaken(SeatTaken(problem))
        }
        sale::Problem::InsufficientPoints { balance, required } => {
            Problem::InsufficientPoints(InsufficientPoints { problem, balance, required })
        }
        sale::Problem::NotAdmitted(_) => match services.place_of_problem(&problem).await.map_err(error)? {
            Some(position) => Problem::NotAdmitted(NotAdmitted(problem, position.into())),
            None => Problem::Simple(SimpleProblem(problem)),
        },
        other => Problem::Simple(SimpleProblem(other)),
    })
}
