//! Waiting: joining, being heard, and leaving.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        date::{Command, Outcome, Status},
        id::{SeriesId, TokenId, UserId},
        identity::{Caller, JoinOrder, QueuePass},
        presence::Heard,
        sale::{Problem, ProblemCode, Token, TokenStatus},
        text::PersonName,
    },
    sales::{Refused, Seen, subscribers::Place},
    service::{Date, Failure, Services, sale::unexpected},
    store::journal::Fault,
};

/// Where somebody stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The place.
    pub place: Place,
    /// Its order among the joins, while it lives.
    pub order: Option<JoinOrder>,
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
    pub(super) async fn hear(&self, caller: &Caller, date: &Date, token: TokenId) -> Result<(), Failure> {
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

    pub(super) async fn own_place(
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
        let place = ended(date, &found);
        Ok(Position { place, order: None, last_seen_at: ended_at, expires_at: ended_at })
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
    let order = Some(place.order);
    let place = Place {
        token,
        series,
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
    };
    Position { place, order, last_seen_at: heard_at, expires_at }
}

/// A place that has ended, beside the sale as it is now.
pub(super) fn ended(date: &Date, token: &Token) -> Place {
    Place {
        token: token.id,
        series: date.id(),
        status: token.status,
        position: Some(0),
        waiting: date.counts().waiting,
        estimate: None,
        admitted_until: None,
        available_seats: date.seat_counts().available,
        series_status: date.status(),
    }
}
