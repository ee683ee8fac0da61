//! Waiting: joining, being heard, leaving, and watching one's place.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, stream};

use crate::{
    clock::Clock,
    domain::{
        catalog::SeriesStatus,
        id::{SeriesId, TokenId, UserId},
        identity::{Caller, JoinOrder, QueuePass},
        room::{Heard, Outcome, Status, WaitEstimate},
        sale::{self, Command, Problem, ProblemCode, Token, TokenStatus},
        text::PersonName,
    },
    service::{
        Failure, House,
        rooms::{self, LiveRoom, Seen},
    },
};

/// Beyond this place in line news of it comes less often.
const FAR_BACK: u32 = 1_000;

/// How long news of the line may be collected near the front: well under the second of rule 20.
const PAUSE_NEAR: TimeDelta = TimeDelta::milliseconds(500);

/// How long news of the line is collected far back: a second more for every 20,000 people in front, so that looking
/// costs a room with a million watchers no more than one with a few hundred thousand.
const PAUSE_FAR: TimeDelta = TimeDelta::seconds(5);
const PAUSE_FARTHEST: TimeDelta = TimeDelta::seconds(30);
const FARTHER: u32 = 20_000;

/// Where somebody stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The place.
    pub token: TokenId,
    /// Its series.
    pub series: SeriesId,
    /// Its order among the joins, while it lives.
    pub order: Option<JoinOrder>,
    /// Where it stands.
    pub status: TokenStatus,
    /// See [`crate::domain::room::View::position`]; 0 once it is over.
    pub position: Option<u32>,
    /// How many wait.
    pub waiting: u32,
    /// See [`crate::domain::room::View::estimate`].
    pub estimate: Option<WaitEstimate>,
    /// While admitted: until when seats may be chosen.
    pub admitted_until: Option<DateTime<Utc>>,
    /// Seats that can be held.
    pub available_seats: usize,
    /// How the sale stands.
    pub series_status: SeriesStatus,
    /// When its owner was last heard from.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends unless its owner is heard from.
    pub expires_at: DateTime<Utc>,
}

/// A place and the token that proves it.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The signed queue token.
    pub jwt: String,
    /// The place.
    pub position: Position,
}

impl House {
    /// Whether anybody may say who they are.
    #[must_use]
    pub fn takes_anybody(&self) -> bool {
        self.settings.open_identities
    }

    /// Who joins: the caller, or whom an open door lets them say that they are.
    ///
    /// # Errors
    /// UNAUTHENTICATED without a token where identities are not open; BAD_USER_INPUT for another's user id than the
    /// token's.
    pub fn joiner(
        &self,
        caller: Option<&Caller>,
        named: Option<UserId>,
        name: Option<PersonName>,
    ) -> Result<(UserId, PersonName), Failure> {
        let (user, own_name) = match (caller, named, self.settings.open_identities) {
            (_, Some(user), true) => (user, None),
            (Some(caller), None, _) => (caller.user.clone(), Some(&caller.name)),
            (Some(caller), Some(user), false) if caller.user == user => (user, Some(&caller.name)),
            (Some(_), Some(_), false) => {
                return Err(Failure::bad(
                    "userId",
                    "must be left out: on this server the identity token says who is asking",
                ));
            }
            (None, None, true) => {
                return Err(Failure::bad("userId", "must say who is asking, where no token does"));
            }
            (None, _, false) => return Err(Failure::Unauthenticated("Send an identity token.".into())),
        };
        let name = name.or_else(|| own_name.cloned()).unwrap_or_else(PersonName::none);
        Ok((user, name))
    }

    /// Joins the waiting room of a series, or comes back to one's place in it (rules 4 and 9); `shown`: by which
    /// token, if by any.
    ///
    /// # Errors
    /// The problems SERIES_NOT_FOUND, SALE_CLOSED and SOLD_OUT; see [`Failure`].
    pub async fn join(
        &self,
        shown: Option<&Caller>,
        user: UserId,
        name: PersonName,
        series: SeriesId,
    ) -> Result<Joined, Failure> {
        let room = self.room_of(series).await?;
        if let Some(caller) = shown.filter(|caller| caller.user == user) {
            self.come_back(caller, &room).await?;
        }
        let now = self.clock.now();
        let new = TokenId(self.dice.id(now));
        let token = match room.join(new, user.clone(), name.to_string()).await? {
            Outcome::Joined { token } => token,
            Outcome::Already { token } => {
                // Coming back is a sign of life.
                let _ = room.hear(token).await?;
                token
            }
            Outcome::Closed => return Err(ProblemCode::SaleClosed.into()),
            Outcome::SoldOut => return Err(ProblemCode::SoldOut.into()),
            other => return Err(Failure::Internal(format!("a join ended as {other:?}").into())),
        };
        let position = self.position_in(&room, token).await?;
        let pass = QueuePass { token, series, order: position.order };
        let jwt = self.keys.queue_token(pass, &user, name.as_str(), room.closes_at(), now);
        let jwt = jwt.map_err(|error| Failure::Internal(error.into()))?;
        Ok(Joined { jwt, position })
    }

    /// A sign of life, and where the place stands.
    ///
    /// # Errors
    /// NOT_FOUND for a place that is not the caller's.
    pub async fn heartbeat(&self, caller: &Caller, token: Option<TokenId>) -> Result<Position, Failure> {
        let (room, token) = self.own_place(caller, token).await?;
        self.hear(caller, &room, token).await?;
        self.position_in(&room, token).await
    }

    /// Where a place stands. Its owner is heard by asking; an ADMIN who asks about another's is not taken for them.
    ///
    /// # Errors
    /// NOT_FOUND for a place that the caller may not read.
    pub async fn position(&self, caller: &Caller, token: Option<TokenId>) -> Result<Position, Failure> {
        if caller.pass.is_some_and(|pass| token.is_none_or(|token| token == pass.token)) {
            return self.heartbeat(caller, token).await;
        }
        let _here = token.and_then(|token| self.rooms.here(token, &caller.user));
        let Token { id, user, series, .. } = self.readable_token(caller, token).await?;
        let room = self.rooms.of(series).await?;
        if user == caller.user {
            self.hear(caller, &room, id).await?;
        }
        self.position_in(&room, id).await
    }

    async fn hear(&self, caller: &Caller, room: &LiveRoom, token: TokenId) -> Result<(), Failure> {
        match room.hear(token).await? {
            Heard::Ok => {}
            Heard::Due => room.decided().await,
            Heard::Unknown if caller.pass.is_some_and(|pass| pass.token == token) => {
                self.come_back(caller, room).await?;
            }
            Heard::Unknown => {}
        }
        Ok(())
    }

    /// Gives a place back of which nothing knows any more, neither the room nor its journal, by the token that is
    /// shown: nobody who comes back overtakes anybody (rule 9).
    async fn come_back(&self, caller: &Caller, room: &LiveRoom) -> Result<(), Failure> {
        let Some(QueuePass { token, series, order: Some(order) }) = caller.pass else { return Ok(()) };
        if series == room.series()
            && room.hear(token).await? == Heard::Unknown
            && self.database.token(token).await?.is_none()
        {
            let back = room.come_back(token, caller.user.clone(), order, caller.name.to_string()).await?;
            tracing::warn!(%token, %series, ?back, "a place that the journal had lost");
        }
        Ok(())
    }

    /// Gives up a place, and the holds that were taken with it.
    ///
    /// # Errors
    /// NOT_FOUND for a place that is not the caller's.
    pub async fn leave(&self, caller: &Caller, token: Option<TokenId>) -> Result<Position, Failure> {
        let (room, token) = self.own_place(caller, token).await?;
        if room.leave(token).await? == Outcome::Admitted {
            let series = room.series();
            let outcome = self.committer.run(Command::Leave { series, token }).await?;
            debug_assert!(matches!(outcome, sale::Outcome::Ended | sale::Outcome::NotAdmitted));
        }
        self.position_in(&room, token).await
    }

    /// Where the caller stands, now and at every change, until it is over. While the stream is open the place
    /// is never silent (rule 20).
    ///
    /// # Errors
    /// NOT_FOUND for a place that is not the caller's.
    pub async fn watch_place(
        self: Arc<Self>,
        caller: &Caller,
        token: Option<TokenId>,
    ) -> Result<impl Stream<Item = Result<Position, Failure>> + use<>, Failure> {
        let (room, token) = self.own_place(caller, token).await?;
        self.hear(caller, &room, token).await?;
        let watch = Watch { stream: room.open_stream(token), last: None, told: false, over: false };
        Ok(stream::unfold((self, watch), |(house, mut watch)| async move {
            let next = watch.next(&house).await?;
            Some((next, (house, watch)))
        }))
    }

    /// The caller's place: the one in the token that they show, or another of theirs.
    async fn own_token(&self, caller: &Caller, token: Option<TokenId>) -> Result<Token, Failure> {
        let found = self.readable_token(caller, token).await?;
        if found.user == caller.user { Ok(found) } else { Err(Failure::not_found("token")) }
    }

    /// A place that the caller may read: the one in the token that they show, or another of theirs; of an ADMIN's,
    /// anybody's.
    ///
    /// # Errors
    /// NOT_FOUND for a place that the caller may not read; BAD_USER_INPUT if none is named.
    pub async fn readable_token(&self, caller: &Caller, token: Option<TokenId>) -> Result<Token, Failure> {
        let token = token.or(caller.pass.map(|pass| pass.token)).ok_or_else(|| {
            Failure::bad("tokenId", "must say which place: an identity token has none of its own")
        })?;
        let found = self.database.token(token).await?;
        found.filter(|found| caller.may_read_of(&found.user)).ok_or_else(|| Failure::not_found("token"))
    }

    /// Where a place stands, without being a sign of life.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn position_of(&self, series: SeriesId, token: TokenId) -> Result<Position, Failure> {
        let room = self.rooms.of(series).await?;
        self.position_in(&room, token).await
    }

    /// The room of a series, for a fan who may have mistyped it.
    pub(super) async fn room_of(&self, series: SeriesId) -> Result<Arc<LiveRoom>, Failure> {
        self.rooms.of(series).await.map_err(|failure| match failure {
            Failure::NotFound(_) => ProblemCode::SeriesNotFound.into(),
            other => other,
        })
    }

    async fn own_place(
        &self,
        caller: &Caller,
        token: Option<TokenId>,
    ) -> Result<(Arc<LiveRoom>, TokenId), Failure> {
        // Our own signature says whose the place in the token is: no need to ask the database.
        let (series, token) = match caller.pass {
            Some(pass) if token.is_none_or(|token| token == pass.token) => (pass.series, pass.token),
            _ => {
                let _here = token.and_then(|token| self.rooms.here(token, &caller.user));
                let token = self.own_token(caller, token).await?;
                (token.series, token.id)
            }
        };
        Ok((self.rooms.of(series).await?, token))
    }

    async fn position_in(&self, room: &LiveRoom, token: TokenId) -> Result<Position, Failure> {
        match room.see(token).await? {
            Some(seen) => Ok(live(room.series(), token, &seen)),
            None => self.over(room, token).await,
        }
    }

    /// A place that is not in the room any more: the journal knows how it ended.
    async fn over(&self, room: &LiveRoom, token: TokenId) -> Result<Position, Failure> {
        let found = self.database.token(token).await?.ok_or_else(|| Failure::not_found("token"))?;
        let ended_at = found.ended_at.unwrap_or(found.created_at);
        Ok(Position {
            token,
            series: room.series(),
            order: None,
            status: found.status,
            position: Some(0),
            waiting: room.counts().await?.waiting,
            estimate: None,
            admitted_until: None,
            available_seats: room.seats().counts().available,
            series_status: room.status(),
            last_seen_at: ended_at,
            expires_at: ended_at,
        })
    }

    /// The place of the caller for a [`Problem::NotAdmitted`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn place_of_problem(&self, problem: &Problem) -> Result<Option<Position>, Failure> {
        let Problem::NotAdmitted(Some(token)) = problem else { return Ok(None) };
        let Some(found) = self.database.token(*token).await? else { return Ok(None) };
        Ok(Some(self.position_of(found.series, *token).await?))
    }
}

fn live(series: SeriesId, token: TokenId, seen: &Seen) -> Position {
    let Seen { view, status, available } = seen;
    Position {
        token,
        series,
        order: Some(view.order),
        status: match view.status {
            Status::Waiting => TokenStatus::Waiting,
            Status::Admitted => TokenStatus::Admitted,
        },
        position: view.position,
        waiting: view.waiting,
        estimate: view.estimate,
        admitted_until: view.admitted_until,
        available_seats: *available,
        series_status: *status,
        last_seen_at: view.last_seen_at,
        expires_at: view.expires_at,
    }
}

/// One subscription to a place.
struct Watch {
    stream: rooms::Stream,
    /// The last that was seen.
    last: Option<Position>,
    /// Whether its owner was told of that last, and not of a failure since.
    told: bool,
    over: bool,
}

impl Watch {
    async fn next(&mut self, house: &House) -> Option<Result<Position, Failure>> {
        loop {
            if self.over {
                return None;
            }
            match &self.last {
                Some(last) if self.told => self.stream.changed(pause(last)).await,
                // Until a store is back is a matter of real time, also where a test holds the sale's clock.
                Some(_) => Clock::system().sleep(PAUSE_NEAR).await,
                None => {}
            }
            match self.look(house).await {
                Ok(now) => {
                    self.over = !matches!(now.status, TokenStatus::Waiting | TokenStatus::Admitted);
                    let known = self.told && self.last.as_ref().is_some_and(|last| !differs(last, &now));
                    if !known {
                        (self.last, self.told) = (Some(now.clone()), true);
                        return Some(Ok(now));
                    }
                }
                // The room is away for now: said once, and the place comes when the room is back.
                Err(Failure::Unavailable) if self.last.is_some() => {
                    if std::mem::take(&mut self.told) {
                        return Some(Err(Failure::Unavailable));
                    }
                }
                Err(failure) => {
                    self.over = true;
                    return Some(Err(failure));
                }
            }
        }
    }

    async fn look(&mut self, house: &House) -> Result<Position, Failure> {
        let (series, token) = (self.stream.room().series(), self.stream.token());
        match self.stream.see().await? {
            Some(seen) => Ok(live(series, token, &seen)),
            // Boxed: every open stream would keep room for this query, which is its last step.
            None => Box::pin(house.over(self.stream.room(), token)).await,
        }
    }
}

/// How long a stream leaves the line alone: far back in a long line, longer.
fn pause(last: &Position) -> TimeDelta {
    match last.position {
        Some(position) if position <= FAR_BACK => PAUSE_NEAR,
        Some(position) => (PAUSE_FAR + TimeDelta::seconds((position / FARTHER).into())).min(PAUSE_FARTHEST),
        None => PAUSE_FAR,
    }
}

/// Whether there is news: the passing of time alone is none.
fn differs(last: &Position, now: &Position) -> bool {
    let news = |p: &Position| {
        (p.status, p.position, p.waiting, p.admitted_until, p.available_seats, p.series_status)
    };
    news(last) != news(now)
}
