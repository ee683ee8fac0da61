//! Waiting: joining, being heard, leaving, and watching one's place.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, stream};

use crate::{
    clock::Clock,
    domain::{
        catalog::SeriesStatus,
        date::{Command, Outcome, Status, WaitEstimate},
        id::{SeriesId, TokenId, UserId},
        identity::{Caller, JoinOrder, QueuePass},
        presence::Heard,
        sale::{Problem, ProblemCode, Token, TokenStatus},
        text::PersonName,
    },
    sales::{self, Refused, Seen},
    service::{Date, Failure, Journal, Services, sale::unexpected},
    store::journal::Fault,
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
    /// See [`crate::domain::date::Position::position`]; 0 once it is over.
    pub position: Option<u32>,
    /// How many wait.
    pub waiting: u32,
    /// See [`Seen::estimate`].
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

impl Services {
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
        let date = self.date_to_join(series).await?;
        if let Some(caller) = shown.filter(|caller| caller.user == user && caller.pass.is_some()) {
            // What memory still knows the database may have lost, and then the place would be a new one.
            date.fresh().await?;
            self.come_back(caller, &date).await?;
        }
        let token = match date.run(Command::Join { user: user.clone(), name: name.clone() }).await? {
            Outcome::Joined(token) => token,
            Outcome::Already(token) => {
                // Coming back is a sign of life.
                let _ = date.hear(token);
                token
            }
            other => return Err(unexpected(&other)),
        };
        let now = self.clock.now();
        let position = self.position_in(&date, token).await?;
        let pass = QueuePass { token, series, order: position.order };
        let closes_at = date.see(|sale| sale.settings().closes_at);
        let jwt = self.keys.queue_token(pass, &user, name.as_str(), closes_at, now);
        let jwt = jwt.map_err(|error| Failure::Internal(error.into()))?;
        Ok(Joined { jwt, position })
    }

    /// A sign of life, and where the place stands.
    ///
    /// # Errors
    /// NOT_FOUND for a place that is not the caller's.
    pub async fn heartbeat(&self, caller: &Caller, token: Option<TokenId>) -> Result<Position, Failure> {
        let (date, token) = self.own_place(caller, token).await?;
        self.hear(caller, &date, token).await?;
        date.fresh().await?;
        // The place may have been there only until this process knew that the database has another history.
        self.come_back(caller, &date).await?;
        self.position_in(&date, token).await
    }

    /// Where a place stands. Its owner is heard by asking; an ADMIN who asks about another's is not taken for them.
    ///
    /// # Errors
    /// NOT_FOUND for a place that the caller may not read.
    pub async fn position(&self, caller: &Caller, token: Option<TokenId>) -> Result<Position, Failure> {
        if caller.pass.is_some_and(|pass| token.is_none_or(|token| token == pass.token)) {
            return self.heartbeat(caller, token).await;
        }
        let _here = token.and_then(|token| self.sales.here(token, &caller.user));
        let Token { id, user, series, .. } = self.readable_token(caller, token).await?;
        let date = self.sales.of(series).await?;
        if user == caller.user {
            self.hear(caller, &date, id).await?;
        }
        date.fresh().await?;
        self.position_in(&date, id).await
    }

    /// A sign of life counts before anything is asked of the database: who comes while that is away was not silent.
    async fn hear(&self, caller: &Caller, date: &Date, token: TokenId) -> Result<(), Failure> {
        let mut heard = date.hear(token);
        if heard == Heard::Unknown {
            // It may have joined at another process a moment ago.
            date.fresh().await?;
            heard = date.hear(token);
        }
        match heard {
            Heard::InTime => {}
            Heard::Late => date.decided().await?,
            Heard::Unknown if caller.pass.is_some_and(|pass| pass.token == token) => {
                self.come_back(caller, date).await?;
            }
            Heard::Unknown => {}
        }
        Ok(())
    }

    /// Gives a place back of which nothing knows any more, neither memory nor the database, by the token that is shown:
    /// nobody who comes back overtakes anybody (rule 9).
    async fn come_back(&self, caller: &Caller, date: &Date) -> Result<(), Failure> {
        let Some(QueuePass { token, series, order: Some(order) }) = caller.pass else { return Ok(()) };
        if series == date.id()
            && date.hear(token) == Heard::Unknown
            && self.database.token(token).await?.is_none()
        {
            let (user, name) = (caller.user.clone(), caller.name.clone());
            let back = date.run(Command::ComeBack { token, user, name, order }).await;
            tracing::warn!(%token, %series, ?back, "a place that the database had lost");
        }
        Ok(())
    }

    /// Gives up a place, and the holds that were taken with it.
    ///
    /// # Errors
    /// NOT_FOUND for a place that is not the caller's.
    pub async fn leave(&self, caller: &Caller, token: Option<TokenId>) -> Result<Position, Failure> {
        let (date, token) = self.own_place(caller, token).await?;
        match date.run(Command::Leave { user: caller.user.clone(), token }).await {
            // One that is over already, or of which nobody knows.
            Ok(_) | Err(Refused::Problem(_)) => self.position_in(&date, token).await,
            Err(refused) => Err(refused.into()),
        }
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
        let (date, token) = self.own_place(caller, token).await?;
        self.hear(caller, &date, token).await?;
        let watch = Watch { stream: date.open_stream(token), last: None, told: false, over: false };
        Ok(stream::unfold((self, watch), |(services, mut watch)| async move {
            let next = watch.next(&services).await?;
            Some((next, (services, watch)))
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
        let date = self.fresh_date(series).await?;
        self.position_in(&date, token).await
    }

    /// A date, for a fan who may have mistyped it.
    pub(super) async fn date_to_join(&self, series: SeriesId) -> Result<Arc<Date>, Failure> {
        match self.sales.of(series).await {
            Ok(date) => Ok(date),
            Err(Fault::Unknown) => Err(ProblemCode::SeriesNotFound.into()),
            Err(fault) => Err(fault.into()),
        }
    }

    /// A date as it is now, also if it was another process that changed it (rule 27).
    pub(super) async fn fresh_date(&self, series: SeriesId) -> Result<Arc<Date>, Failure> {
        let date = self.sales.of(series).await?;
        date.fresh().await?;
        Ok(date)
    }

    async fn own_place(
        &self,
        caller: &Caller,
        token: Option<TokenId>,
    ) -> Result<(Arc<Date>, TokenId), Failure> {
        // Our own signature says whose the place in the token is: no need to ask the database.
        let (series, token) = match caller.pass {
            Some(pass) if token.is_none_or(|token| token == pass.token) => (pass.series, pass.token),
            _ => {
                let _here = token.and_then(|token| self.sales.here(token, &caller.user));
                let token = self.own_token(caller, token).await?;
                (token.series, token.id)
            }
        };
        Ok((self.sales.of(series).await?, token))
    }

    async fn position_in(&self, date: &Date, token: TokenId) -> Result<Position, Failure> {
        match date.seen(token) {
            Some(seen) => Ok(live(date.id(), token, &seen)),
            None => self.over(date, token).await,
        }
    }

    /// A place that is not in memory any more: the database knows how it ended.
    async fn over(&self, date: &Date, token: TokenId) -> Result<Position, Failure> {
        let found = self.database.token(token).await?.ok_or_else(|| Failure::not_found("token"))?;
        let ended_at = found.ended_at.unwrap_or(found.created_at);
        Ok(Position {
            token,
            series: date.id(),
            order: None,
            status: found.status,
            position: Some(0),
            waiting: date.counts().waiting,
            estimate: None,
            admitted_until: None,
            available_seats: date.seat_counts().available,
            series_status: date.status(),
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
    let Seen { place, counts, estimate, heard_at, expires_at, status, available } = *seen;
    Position {
        token,
        series,
        order: Some(place.order),
        status: match place.status {
            Status::Waiting => TokenStatus::Waiting,
            Status::Admitted => TokenStatus::Admitted,
        },
        position: place.position,
        waiting: counts.waiting,
        estimate,
        admitted_until: place.admitted_until,
        available_seats: available,
        series_status: status,
        last_seen_at: heard_at,
        expires_at,
    }
}

/// One subscription to a place.
struct Watch {
    stream: sales::Stream<Journal>,
    /// The last that was seen.
    last: Option<Position>,
    /// Whether its owner was told of that last, and not of a failure since.
    told: bool,
    over: bool,
}

impl Watch {
    async fn next(&mut self, services: &Services) -> Option<Result<Position, Failure>> {
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
            if self.stream.is_cut_off() {
                self.over = true;
                return Some(Err(Failure::Unavailable));
            }
            match self.look(services).await {
                Ok(now) => {
                    self.over = !matches!(now.status, TokenStatus::Waiting | TokenStatus::Admitted);
                    let known = self.told && self.last.as_ref().is_some_and(|last| !differs(last, &now));
                    if !known {
                        (self.last, self.told) = (Some(now.clone()), true);
                        return Some(Ok(now));
                    }
                }
                // The database is away for now: said once, and the place comes when it is back.
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

    async fn look(&self, services: &Services) -> Result<Position, Failure> {
        let (date, token) = (self.stream.date(), self.stream.token());
        match self.stream.seen() {
            Some(seen) => Ok(live(date.id(), token, &seen)),
            // Boxed: every open stream would keep room for this query, which is its last step.
            None => Box::pin(services.over(date, token)).await,
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
