//! The waiting room: tokens, places, and watching one's place.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject, Subscription};
use futures_util::stream;

use crate::{
    domain::{
        date,
        id::{SeriesId, TokenId, UserId},
        mistake::Mistakes,
        sale,
        text::PersonName,
    },
    graphql::{
        error::{caller, caller_opt, error, id_opt, parse_id, read_input},
        loaders,
        problem::{Problem, settle},
        series::{Series, SeriesStatus},
        time::Time,
    },
    service::{Services, places::Place, queue},
};

/// A place in the waiting room of one series, and the pass that it turns into.
#[derive(Clone, Debug)]
pub struct Token {
    token: sale::Token,
    position: queue::Position,
}

/// A place in the waiting room of one series, and the pass that it turns into.
#[Object]
impl Token {
    async fn id(&self) -> ID {
        self.token.id.0.into()
    }

    async fn user_id(&self) -> ID {
        self.token.user.as_str().into()
    }

    async fn series(&self, ctx: &Context<'_>) -> Result<Series> {
        Ok(Series(loaders::need(ctx, self.token.series).await?))
    }

    async fn status(&self) -> TokenStatus {
        self.position.place.status.into()
    }

    /// When the join was accepted.
    async fn created_at(&self) -> Time {
        self.token.created_at.into()
    }

    /// When the server last heard from its owner: a heartbeat, a position query, or an open subscription. Nobody
    /// is held silent for the time that the server was down.
    async fn last_seen_at(&self) -> Time {
        self.position.last_seen_at.into()
    }

    /// When it ends unless its owner is heard from; once it is over, when it ended.
    async fn expires_at(&self) -> Time {
        self.position.expires_at.into()
    }

    async fn position(&self) -> QueuePosition {
        self.position.place.clone().into()
    }
}

/// Where a place stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "sale::TokenStatus")]
pub enum TokenStatus {
    /// In the lobby or in line.
    Waiting,
    /// May hold seats now.
    Admitted,
    /// Has paid.
    Completed,
    /// Was not heard from for too long, or ran out of time.
    Expired,
    /// Left.
    Left,
}

/// Honest bounds of a wait: 9 of 10 fans are admitted within them.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct WaitEstimate {
    /// What the policy allows at best for as many as are expected to be in front, or more.
    pub min_seconds: i32,
    /// At most twice `minSeconds` and a minute; null where that cannot be said.
    pub max_seconds: Option<i32>,
    /// What it rests on.
    pub basis: EstimateBasis,
}

/// What an estimate rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "date::Basis")]
pub enum EstimateBasis {
    /// The pace of the last minutes: how long people stay once they are admitted, and how many leave the line.
    Measured,
    /// What the limits alone allow, where too little was measured, or nothing else counts.
    Policy,
}

/// Where a fan stands in line.
#[derive(Clone, Debug, SimpleObject)]
pub struct QueuePosition {
    /// The place.
    pub token_id: ID,
    /// The date.
    pub series_id: ID,
    /// Where it stands.
    pub status: TokenStatus,
    /// 1 for the next to be admitted; 0 once admitted or over; null in the lobby, before the order is drawn. It
    /// never grows.
    pub position: Option<i32>,
    /// People waiting in this room.
    pub waiting: i32,
    /// How long it will take, more or less: the middle of `estimate`. Null rather than wrong, and never below what the
    /// policy allows at best.
    pub estimated_wait_seconds: Option<i32>,
    /// Between what and what it will take. Null while that is not known: in the lobby and while the sale is paused, and
    /// where `maxActive` is the only limit until three sessions have ended. From one second to the next it moves by no
    /// more than a tenth or a few seconds.
    pub estimate: Option<WaitEstimate>,
    /// While ADMITTED: until when seats may be chosen; fixed at the admission. Who holds seats then keeps the place until
    /// the last of those holds ends, to pay for them.
    pub admitted_until: Option<Time>,
    /// Seats still on sale, so that a fan far back knows the odds.
    pub available_seats: i32,
    /// How the sale stands: who waits learns from it that it is PAUSED or SOLD_OUT.
    pub series_status: SeriesStatus,
}

impl From<Place> for QueuePosition {
    fn from(place: Place) -> Self {
        Self {
            token_id: place.token.0.into(),
            series_id: place.series.0.into(),
            status: place.status.into(),
            position: place.position.map(int),
            waiting: int(place.waiting),
            estimated_wait_seconds: place.estimate.and_then(|it| it.likely_seconds()).map(int),
            estimate: place.estimate.map(|it| WaitEstimate {
                min_seconds: int(it.min_seconds),
                max_seconds: it.max_seconds.map(int),
                basis: it.basis.into(),
            }),
            admitted_until: place.admitted_until.map(Time),
            available_seats: i32::try_from(place.available_seats).unwrap_or(i32::MAX),
            series_status: place.series_status.into(),
        }
    }
}

impl From<queue::Position> for QueuePosition {
    fn from(position: queue::Position) -> Self {
        position.place.into()
    }
}

/// As a client is told it.
pub(super) fn int(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Reading one's place.
#[derive(Debug, Default)]
pub struct QueueQuery;

#[Object]
impl QueueQuery {
    /// The token in the Authorization header, or another one of the caller's; ADMIN: anybody's.
    async fn token(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] token: Option<ID>,
    ) -> Result<Option<Token>> {
        let (services, caller) = (ctx.data::<Arc<Services>>()?, caller(ctx)?);
        let wanted = id_opt("id", token.as_ref())?;
        match services.readable_token(caller, wanted).await {
            Ok(token) => {
                let position = services.position_of(token.series, token.id).await.map_err(error)?;
                Ok(Some(Token { token, position }))
            }
            Err(crate::service::Failure::NotFound(_)) => Ok(None),
            Err(failure) => Err(error(failure)),
        }
    }

    /// Where the caller stands: with the token in the Authorization header, or another one of the caller's.
    /// Counts as a heartbeat. ADMIN: where anybody stands, without being a sign of life of theirs.
    async fn queue_position(&self, ctx: &Context<'_>, token_id: Option<ID>) -> Result<QueuePosition> {
        let token = id_opt::<TokenId>("tokenId", token_id.as_ref())?;
        let position = ctx.data::<Arc<Services>>()?.position(caller(ctx)?, token).await;
        Ok(position.map_err(error)?.into())
    }
}

/// Whose place, and in which waiting room.
#[derive(Debug, InputObject)]
pub struct IssueTokenInput {
    /// The date.
    pub series_id: ID,
    /// Who is asking: 1 to 255 characters, none of them a control character, compared byte for byte. Only where the server runs with open identities (the demo); otherwise the caller's identity
    /// token says so.
    pub user_id: Option<String>,
    /// As the fan wants to be called; at most 100 characters, as for the title of a concert.
    pub name: Option<String>,
}

/// The place, or why there is none.
#[derive(Debug, Default, SimpleObject)]
pub struct IssueTokenPayload {
    /// The JWT: send it as `Authorization: Bearer <token>`, and over WebSocket as `authorization` in the
    /// `connection_init` payload.
    pub token: Option<String>,
    /// The place.
    pub token_id: Option<ID>,
    /// Where it stands.
    pub position: Option<QueuePosition>,
    /// Why it was not done; null if it was.
    pub problem: Option<Problem>,
}

/// Joining, being heard, and leaving.
#[derive(Debug, Default)]
pub struct QueueMutation;

#[Object]
impl QueueMutation {
    /// Joins the waiting room of a series and returns the token. The same user asking again for the same series
    /// gets the same place.
    async fn issue_token(&self, ctx: &Context<'_>, input: IssueTokenInput) -> Result<IssueTokenPayload> {
        let services = ctx.data::<Arc<Services>>()?;
        let mut wrong = Mistakes::default();
        let series = wrong.take(["seriesId".into()], parse_id::<SeriesId>(&input.series_id));
        let user = input.user_id.as_deref().map(UserId::try_new).transpose();
        let user = wrong.take(["userId".into()], user);
        let name = input.name.as_deref().map(PersonName::try_new).transpose();
        let name = wrong.take(["name".into()], name);
        let (Some(series), Some(user), Some(name)) = (series, user, name) else {
            return read_input(Err(wrong.into_vec()));
        };
        // Where anybody may say who they are, a token that has ended is in nobody's way.
        let shown = match caller_opt(ctx) {
            Err(_) if services.takes_anybody() && user.is_some() => None,
            shown => shown?,
        };
        let joiner = services.joiner(shown, user, name);
        let (user, name) = joiner.map_err(|failure| error(failure.below("input")))?;
        Ok(match settle(ctx, services.join(shown, user, name, series).await).await? {
            Ok(joined) => IssueTokenPayload {
                token: Some(joined.jwt),
                token_id: Some(joined.position.place.token.0.into()),
                position: Some(joined.position.place.into()),
                problem: None,
            },
            Err(problem) => IssueTokenPayload { problem: Some(problem), ..Default::default() },
        })
    }

    /// The health check: proves that the fan is still there and moves the token's expiry.
    #[graphql(name = "heartbeat")]
    async fn beat(&self, ctx: &Context<'_>, token_id: Option<ID>) -> Result<QueuePosition> {
        let token = id_opt::<TokenId>("tokenId", token_id.as_ref())?;
        let position = ctx.data::<Arc<Services>>()?.heartbeat(caller(ctx)?, token).await;
        Ok(position.map_err(error)?.into())
    }

    /// Gives up the place, and any seats that are held with it.
    async fn leave_queue(&self, ctx: &Context<'_>, token_id: Option<ID>) -> Result<QueuePosition> {
        let token = id_opt::<TokenId>("tokenId", token_id.as_ref())?;
        let position = ctx.data::<Arc<Services>>()?.leave(caller(ctx)?, token).await;
        Ok(position.map_err(error)?.into())
    }
}

/// Watching one's place.
#[derive(Debug, Default)]
pub struct QueueSubscription;

#[Subscription]
impl QueueSubscription {
    /// The caller's place, now and at every change, until COMPLETED, EXPIRED or LEFT. An open stream is a
    /// heartbeat. Near the front every change comes within a second; far back (beyond place 1,000) changes of
    /// place come at most every five seconds, changes of status at once. When the token ends, so does the stream, with
    /// UNAUTHENTICATED.
    async fn queue_position(
        &self,
        #[graphql(name = "tokenId")] _token_id: Option<ID>,
    ) -> stream::Pending<QueuePosition> {
        // A socket opens it by way of `live`, and nothing else subscribes.
        stream::pending()
    }
}
