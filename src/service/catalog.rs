//! Concerts and their dates: creating them, and running their sales.

use std::sync::Arc;

use crate::{
    domain::{
        catalog::{Concert, Series, SeriesPlan},
        date::{Command, Outcome},
        id::{ConcertId, SeriesId, UserId},
        identity::{Caller, Role},
        lobby::DrawSecret,
        policy::PolicyPatch,
        text::Title,
    },
    sales::versions::Source,
    service::{Failure, Services, building::limited, sale::unexpected},
};

impl Services {
    /// Creates a concert.
    ///
    /// # Errors
    /// FORBIDDEN unless ORGANIZER; RATE_LIMITED beyond what one may create in an hour.
    pub async fn create_concert(&self, caller: &Caller, title: Title) -> Result<Concert, Failure> {
        if !caller.may_act_as(Role::Organizer) {
            return Err(Failure::Forbidden("Only an ORGANIZER may create concerts.".into()));
        }
        let now = self.clock.now();
        let id = ConcertId(self.entropy.id(now));
        let concert = Concert { id, title, organizer: caller.user.clone(), created_at: now };
        let most = self.settings.organizer_limits.map(|limits| limits.concerts);
        let (database, clock, versions) =
            (self.database.clone(), self.clock.clone(), Arc::clone(self.versions()));
        // A task of its own: who asked may go away, and what is committed all the same is counted.
        let added = self.tasks.spawn(async move {
            let added = database.add_concert(&concert, most, &clock).await;
            versions.changed(Source::Catalogue);
            added?.map_err(limited)?;
            Ok(concert)
        });
        added.await.map_err(|died| Failure::Internal(died.into()))?
    }

    /// Creates one date of a concert.
    ///
    /// # Errors
    /// NOT_FOUND without the concert, FORBIDDEN for another's; RATE_LIMITED beyond what one may create in an hour,
    /// UNAVAILABLE if too many dates wait for their turn to be made.
    pub async fn create_series(
        &self,
        caller: &Caller,
        concert: ConcertId,
        plan: SeriesPlan,
    ) -> Result<Series, Failure> {
        let organizer = self.run_by(caller, concert).await?;
        let SeriesPlan { schedule, layout, policy } = plan;
        let seats = layout.seat_count();
        let plan = |now| Series {
            id: SeriesId(self.entropy.id(now)),
            concert,
            schedule,
            paused: false,
            seat_count: i32::try_from(seats).unwrap_or(i32::MAX),
            reserved_count: 0,
            version: 0,
            policy,
            // Made before anybody can join, so that it cannot depend on who does (rule 5).
            draw_secret: DrawSecret::new(self.entropy.bytes()),
            drawn_at: None,
            lobby_hash: None,
            created_at: now,
        };
        let series = self.build(&organizer, layout, plan).await?;
        // It makes the draw at the opening, whether or not anybody comes. Where it cannot be opened now, it is when that is due.
        if let Err(fault) = self.sales.of(series.id).await {
            tracing::warn!(?fault, series = %series.id, "a new date is not opened yet");
        }
        Ok(series)
    }

    /// Changes the settings of a waiting room, in force at once (rule 6).
    ///
    /// # Errors
    /// NOT_FOUND without the series, FORBIDDEN for another's; BAD_USER_INPUT for a setting that cannot be.
    pub async fn update_policy(
        &self,
        caller: &Caller,
        id: SeriesId,
        patch: PolicyPatch,
    ) -> Result<Series, Failure> {
        self.change_settings(caller, id, Command::PatchPolicy(patch)).await
    }

    /// Pauses a sale (no admissions, no holds; holders may pay) or lets it go on.
    ///
    /// # Errors
    /// NOT_FOUND without the series, FORBIDDEN for another's.
    pub async fn set_paused(&self, caller: &Caller, id: SeriesId, paused: bool) -> Result<Series, Failure> {
        self.change_settings(caller, id, Command::SetPaused(paused)).await
    }

    async fn change_settings(
        &self,
        caller: &Caller,
        id: SeriesId,
        command: Command,
    ) -> Result<Series, Failure> {
        self.own_series(caller, id).await?;
        match self.sales.of(id).await?.run(command).await? {
            Outcome::Done => {}
            Outcome::Mistaken(mistakes) => {
                return Err(mistakes
                    .into_iter()
                    .map(|it| it.below("queuePolicy"))
                    .collect::<Vec<_>>()
                    .into());
            }
            other => return Err(unexpected(&other)),
        }
        self.database.find_series(id).await?.ok_or_else(|| Failure::not_found("date"))
    }

    /// The dates of a concert.
    ///
    /// # Errors
    /// NOT_FOUND without the concert, SERIES_NOT_CREATED without a date.
    pub async fn dates(&self, concert: ConcertId) -> Result<Vec<Series>, Failure> {
        match self.database.series_of(&[concert]).await?.remove(&concert) {
            Some(dates) => Ok(dates),
            None if self.database.concerts_by_id(&[concert]).await?.is_empty() => {
                Err(Failure::not_found("concert"))
            }
            None => Err(Failure::SeriesNotCreated),
        }
    }

    /// A series that the caller runs.
    pub(super) async fn own_series(&self, caller: &Caller, id: SeriesId) -> Result<Series, Failure> {
        let series = self.database.find_series(id).await?.ok_or_else(|| Failure::not_found("date"))?;
        self.run_by(caller, series.concert).await?;
        Ok(series)
    }

    /// Whose concert it is, if the caller runs it.
    async fn run_by(&self, caller: &Caller, id: ConcertId) -> Result<UserId, Failure> {
        let concert = self.database.concerts_by_id(&[id]).await?.remove(&id);
        let concert = concert.ok_or_else(|| Failure::not_found("concert"))?;
        if caller.may_run(&concert.organizer) {
            Ok(concert.organizer)
        } else {
            Err(Failure::Forbidden(
                "Only the ORGANIZER who created the concert, or an ADMIN, may do this.".into(),
            ))
        }
    }
}
