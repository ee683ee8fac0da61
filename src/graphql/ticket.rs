//! Tickets and what paid for them.

use std::{fmt::Display, str::FromStr, sync::Arc};

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject, connection::Connection};

use crate::{
    domain::{
        id::{HoldId, UserId},
        identity::Caller,
        mistake::{Mistake, Mistakes},
        page::{List, Page},
        policy::QueuePolicy,
        sale,
        text::IdempotencyKey,
    },
    graphql::{
        budget::take_rows,
        error::{caller, error, id, parse_id, parse_ids, read, read_input},
        loaders::{self, TicketsOf},
        page::{PageArgs, connection},
        points::Points,
        problem::{Problem, settle},
        seat::Seat,
        time::Time,
        whole::whole,
    },
    service::Services,
};

/// A ticket for one seat.
#[derive(Clone, Debug)]
pub struct Reservation(pub sale::Reservation);

/// A ticket for one seat.
#[Object]
impl Reservation {
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    async fn user_id(&self) -> ID {
        self.0.user.as_str().into()
    }

    async fn seat(&self, ctx: &Context<'_>) -> Result<Seat> {
        Ok(Seat(loaders::need(ctx, self.0.seat).await?))
    }

    /// What paid for it.
    async fn payment(&self, ctx: &Context<'_>) -> Result<Payment> {
        Ok(Payment(loaders::need(ctx, self.0.payment).await?))
    }

    async fn status(&self) -> ReservationStatus {
        self.0.status.into()
    }

    /// When it was paid.
    async fn created_at(&self) -> Time {
        self.0.created_at.into()
    }
}

/// Whether a reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "sale::ReservationStatus")]
pub enum ReservationStatus {
    /// It stands.
    Confirmed,
    /// Given back, and the points with it.
    Cancelled,
}

/// A payment for one or more seats.
#[derive(Clone, Debug)]
pub struct Payment(pub sale::Payment);

/// A payment for one or more seats.
#[Object]
impl Payment {
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    async fn user_id(&self) -> ID {
        self.0.user.as_str().into()
    }

    /// Points that were taken; 1 point = 1 KRW.
    async fn amount(&self) -> i32 {
        self.0.amount
    }

    async fn status(&self) -> PaymentStatus {
        self.0.status().into()
    }

    async fn created_at(&self) -> Time {
        self.0.created_at.into()
    }

    /// What it paid for, also what was given back since.
    async fn reservations(&self, ctx: &Context<'_>) -> Result<Vec<Reservation>> {
        let tickets = TicketsOf { payment: self.0.id, user: self.0.user.clone(), line: self.0.line };
        let found = loaders::load(ctx, tickets).await?.unwrap_or_default();
        let found = whole(ctx, found).await?;
        take_rows(ctx, found.len())?;
        Ok(found.into_iter().map(Reservation).collect())
    }
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "sale::PaymentStatus")]
pub enum PaymentStatus {
    /// Nothing was given back.
    Complete,
    /// All of it was given back.
    Refunded,
    /// Some of it was given back.
    PartiallyRefunded,
}

/// Reading tickets and payments.
#[derive(Debug, Default)]
pub struct TicketQuery;

#[Object]
impl TicketQuery {
    /// Tickets, newest first; for another user, ADMIN only.
    async fn reservations(
        &self,
        ctx: &Context<'_>,
        user_id: Option<ID>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Connection<String, Reservation>> {
        let (services, caller) = (ctx.data::<Arc<Services>>()?, caller(ctx)?);
        let args = PageArgs { first, after, last, before };
        let (owner, page) = read(of_whom(caller, user_id.as_ref(), &args, |of| List::Reservations(of)))?;
        let mut slice = services.reservations(caller, owner.clone(), page).await.map_err(error)?;
        slice.items = whole(ctx, slice.items).await?;
        connection(ctx, &List::Reservations(&owner), slice, Reservation)
    }

    /// One ticket of the caller's; null if there is no such ticket.
    async fn reservation(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] reservation: ID,
    ) -> Result<Option<Reservation>> {
        let id = id("id", &reservation)?;
        let found = ctx.data::<Arc<Services>>()?.reservation(caller(ctx)?, id).await.map_err(error)?;
        Ok(found.map(Reservation))
    }

    /// Payments, newest first; for another user, ADMIN only.
    async fn payments(
        &self,
        ctx: &Context<'_>,
        user_id: Option<ID>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Connection<String, Payment>> {
        let (services, caller) = (ctx.data::<Arc<Services>>()?, caller(ctx)?);
        let args = PageArgs { first, after, last, before };
        let (owner, page) = read(of_whom(caller, user_id.as_ref(), &args, |of| List::Payments(of)))?;
        let slice = services.payments(caller, owner.clone(), page).await.map_err(error)?;
        connection(ctx, &List::Payments(&owner), slice, Payment)
    }

    /// One payment of the caller's; null if there is no such payment.
    async fn payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] payment: ID,
    ) -> Result<Option<Payment>> {
        let id = id("id", &payment)?;
        let found = ctx.data::<Arc<Services>>()?.payment(caller(ctx)?, id).await.map_err(error)?;
        Ok(found.map(Payment))
    }
}

/// Reads a user id that may be left out.
pub(super) fn user(id: Option<&ID>) -> std::result::Result<Option<UserId>, String> {
    id.map(|id| UserId::try_new(id)).transpose()
}

/// Reads whose things are asked for, the caller's own if nobody is named, and which page of that list of theirs.
fn of_whom<K: FromStr + Display>(
    caller: &Caller,
    user_id: Option<&ID>,
    page: &PageArgs,
    list: impl Fn(&UserId) -> List<'_>,
) -> std::result::Result<(UserId, Page<K>), Vec<Mistake>> {
    let mut wrong = Mistakes::default();
    let owner = wrong.take(["userId".into()], user(user_id));
    let named = owner.clone().flatten().unwrap_or_else(|| caller.user.clone());
    let page = wrong.take_all(None, page.page(&list(&named)));
    owner.and(page).map(|page| (named, page)).ok_or_else(|| wrong.into_vec())
}

/// What to pay for.
#[derive(Debug, InputObject)]
pub struct PayInput {
    /// At most 100; left out, all live holds of the token's series.
    pub hold_ids: Option<Vec<ID>>,
    /// 1 to 64 characters, none of them a control character, compared byte for byte; new for each payment that you mean to make. The same key with the same input returns
    /// the first result again, so a payment whose answer was lost can safely be repeated.
    pub idempotency_key: String,
}

/// The payment, or why there is none.
#[derive(Debug, Default, SimpleObject)]
pub struct PayPayload {
    /// The payment.
    pub payment: Option<Payment>,
    /// The tickets, one a seat.
    pub reservations: Option<Vec<Reservation>>,
    /// The wallet after it.
    pub points: Option<Points>,
    /// Why it was not done; null if it was.
    pub problem: Option<Problem>,
}

/// Which ticket to give back.
#[derive(Debug, InputObject)]
pub struct CancelReservationInput {
    /// The ticket.
    pub reservation_id: ID,
    /// As for `pay`.
    pub idempotency_key: String,
}

/// The ticket that was given back, or why it was not.
#[derive(Debug, Default, SimpleObject)]
pub struct CancelReservationPayload {
    /// The ticket.
    pub reservation: Option<Reservation>,
    /// The wallet after it.
    pub points: Option<Points>,
    /// Why it was not done; null if it was.
    pub problem: Option<Problem>,
}

/// Paying, and giving tickets back.
#[derive(Debug, Default)]
pub struct TicketMutation;

#[Object]
impl TicketMutation {
    /// Pays the caller's live holds of the token's series in one go, confirms the seats and completes the token.
    /// If anything is wrong nothing has happened, and the holds stand until their own end.
    async fn pay(&self, ctx: &Context<'_>, input: PayInput) -> Result<PayPayload> {
        let mut wrong = Mistakes::default();
        let named = input.hold_ids.map(|ids| parse_ids::<HoldId>(&ids, QueuePolicy::MAX_SEATS_PER_USER));
        let holds = wrong.take_all(Some("holdIds".into()), named.transpose());
        let key = wrong.take(["idempotencyKey".into()], IdempotencyKey::try_new(&input.idempotency_key));
        let (holds, key) = read_input(holds.zip(key).ok_or_else(|| wrong.into_vec()))?;
        let done = ctx.data::<Arc<Services>>()?.pay(caller(ctx)?, holds, key).await;
        Ok(match settle(ctx, done).await? {
            Ok((payment, tickets, wallet)) => PayPayload {
                payment: Some(Payment(payment)),
                reservations: Some(tickets.into_iter().map(Reservation).collect()),
                points: Some(Points(wallet)),
                problem: None,
            },
            Err(problem) => PayPayload { problem: Some(problem), ..Default::default() },
        })
    }

    /// Gives a ticket back before the concert begins: the points return to the wallet, the seat to the sale.
    async fn cancel_reservation(
        &self,
        ctx: &Context<'_>,
        input: CancelReservationInput,
    ) -> Result<CancelReservationPayload> {
        let mut wrong = Mistakes::default();
        let ticket = wrong.take(["reservationId".into()], parse_id(&input.reservation_id));
        let key = wrong.take(["idempotencyKey".into()], IdempotencyKey::try_new(&input.idempotency_key));
        let (ticket, key) = read_input(ticket.zip(key).ok_or_else(|| wrong.into_vec()))?;
        let done = ctx.data::<Arc<Services>>()?.cancel(caller(ctx)?, ticket, key).await;
        Ok(match settle(ctx, done).await? {
            Ok((ticket, wallet)) => CancelReservationPayload {
                reservation: Some(Reservation(ticket)),
                points: Some(Points(wallet)),
                problem: None,
            },
            Err(problem) => CancelReservationPayload { problem: Some(problem), ..Default::default() },
        })
    }
}
