//! Concerts and their dates: creating them, and running their sales.

use crate::{
    domain::{
        catalog::{Concert, Series, SeriesPlan},
        id::{ConcertId, SeriesId, UserId},
        identity::{Caller, Role},
        lobby::DrawSecret,
        mistake::Mistake,
        policy::PolicyPatch,
        text::Title,
    },
    service::{Failure, House, building::limited},
    store::events::Event,
};

impl House {
    /// Creates a concert.
    ///
    /// # Errors
    /// FORBIDDEN unless ORGANIZER; RATE_LIMITED beyond what one may create in an hour.
    pub async fn create_concert(&self, caller: &Caller, title: Title) -> Result<Concert, Failure> {
        if !caller.may_act_as(Role::Organizer) {
            return Err(Failure::Forbidden("Only an ORGANIZER may create concerts.".into()));
        }
        let now = self.clock.now();
        let id = ConcertId(self.dice.id(now));
        let concert = Concert { id, title, organizer: caller.user.clone(), created_at: now };
        let most = self.settings.organizer_limits.map(|limits| limits.concerts);
        self.database.add_concert(&concert, most, &self.clock).await?.map_err(limited)?;
        Ok(concert)
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
            id: SeriesId(self.dice.id(now)),
            concert,
            schedule,
            paused: false,
            seat_count: i32::try_from(seats).unwrap_or(i32::MAX),
            reserved_count: 0,
            version: 0,
            settings: 0,
            policy,
            // Made before anybody can join, so that it cannot depend on who does (rule 5).
            draw_secret: DrawSecret::new(self.dice.bytes()),
            drawn_at: None,
            created_at: now,
        };
        let series = self.build(&organizer, layout, plan).await?;
        match self.rooms.of(series.id).await {
            // Its keeper makes the draw at the opening, whether or not anybody comes.
            Ok(_) => Ok(series),
            // The date is there all the same, and the watchdog opens its room.
            Err(Failure::Unavailable) if self.events.is_shared() => Ok(series),
            Err(failure) => Err(failure),
        }
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
        let patch = |series: &mut Series| {
            series.policy = series.policy.try_patched(patch).map_err(|wrong| {
                wrong.into_iter().map(|mistake| mistake.below("queuePolicy")).collect::<Vec<_>>()
            })?;
            Ok(())
        };
        self.change_settings(caller, id, patch).await
    }

    /// Pauses a sale (no admissions, no holds; holders may pay) or lets it go on.
    ///
    /// # Errors
    /// NOT_FOUND without the series, FORBIDDEN for another's.
    pub async fn set_paused(&self, caller: &Caller, id: SeriesId, paused: bool) -> Result<Series, Failure> {
        let pause = |series: &mut Series| {
            series.paused = paused;
            Ok(())
        };
        self.change_settings(caller, id, pause).await
    }

    async fn change_settings(
        &self,
        caller: &Caller,
        id: SeriesId,
        change: impl FnOnce(&mut Series) -> Result<(), Vec<Mistake>>,
    ) -> Result<Series, Failure> {
        self.own_series(caller, id).await?;
        let changed = self.database.change_settings(id, change).await?;
        let changed = changed.ok_or_else(|| Failure::not_found("date"))?.map_err(Failure::BadInput)?;
        self.rooms.series_changed(&changed);
        self.events.publish(Event::SeriesChanged(id));
        Ok(changed)
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
