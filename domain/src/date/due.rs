//! What happens because time has passed, and when it does next.

use chrono::{DateTime, Utc};

use crate::{
    catalog::SeriesStatus,
    date::{
        draft::Draft,
        event::{EndReason, Event},
        millis,
        places::State,
        sale::{Sale, Settings},
        time,
    },
};

impl Draft<'_> {
    /// Lapses, the draw, the close, and ends of sessions, in this order; `left` is how many of them may still be.
    pub(super) fn advance(&mut self, left: &mut usize) {
        let sale = self.sale;
        for hold in sale.holds.lapsed(self.millis()).take(*left) {
            *left -= 1;
            // It may be over by now: what a user lets lapse is journaled in the order of the ends.
            if let Some(hold) = self.hold(hold).cloned() {
                self.end_unpaid(&hold);
            }
        }
        let settings = self.sale.settings;
        if !self.is_drawn() && self.now >= settings.opens_at {
            self.emit(Event::Drawn);
        }
        if !self.is_closed() && self.now >= settings.closes_at {
            self.emit(Event::Closed);
        }
        let now = self.millis();
        for (end, .., slot) in sale.sessions.iter().take_while(|(end, ..)| *end <= now).take(*left) {
            *left -= 1;
            // Those whose holds keep them open are not due: the end of the last one is theirs.
            let place = sale.places.get(*slot);
            let State::Admitted { until } = place.state else { continue };
            let was_pinned = *end > until;
            let reason = if was_pinned { EndReason::HoldLapsed } else { EndReason::SessionOver };
            self.end(place.token, reason);
        }
    }

    /// Lets in who is next, as far as the limits allow (rule 6).
    pub(super) fn admit(&mut self, left: &mut usize) {
        if !self.is_drawn() || self.is_order_open() || self.status() != SeriesStatus::OnSale {
            return;
        }
        let policy = self.settings().policy;
        let slots =
            policy.max_active.map_or(usize::MAX, |most| (most as usize).saturating_sub(self.admitted));
        let paced = policy.admit_per_interval.map_or(usize::MAX, |most| {
            let length = policy.interval().num_milliseconds();
            let used = self.sale.admissions.within(length, self.millis());
            usize::try_from(u64::from(most).saturating_sub(used)).unwrap_or(usize::MAX)
        });
        let budget = slots.min(paced).min(*left);
        let sale = self.sale;
        let line = sale.line.iter().map(|slot| sale.places.get(slot).token);
        let waits = |draft: &Self, token| {
            draft.place(token).is_some_and(|place| matches!(place.state, State::Waiting { .. }))
        };
        let behind = self.joined.clone();
        let next = line.chain(behind).filter(|token| waits(self, *token)).take(budget);
        let next: Vec<_> = next.collect();
        *left -= next.len();
        let until = self.now + policy.session();
        for token in next {
            self.emit(Event::Admitted { token, until });
        }
    }
}

/// What the next thing that is due depends on.
pub(super) struct Pending {
    pub(super) settings: Settings,
    pub(super) drawn: bool,
    pub(super) closed: bool,
    pub(super) sold_out: bool,
    /// The time of the last batch.
    pub(super) last: i64,
    /// When the next hold lapses.
    pub(super) hold: Option<i64>,
    /// When the next session ends.
    pub(super) session: Option<i64>,
    pub(super) waiting: u32,
    pub(super) admitted: usize,
    /// See [`Admissions::paced_until`](super::admissions::Admissions::paced_until).
    pub(super) paced_until: Option<i64>,
}

impl Pending {
    /// When that is.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        let opening = (!self.drawn).then(|| millis(self.settings.opens_at));
        let closing = (!self.closed).then(|| millis(self.settings.closes_at));
        let all = [self.hold, self.session, opening, closing, self.admission()];
        all.into_iter().flatten().min().map(time)
    }

    /// When the next in line could be admitted without anybody making room.
    fn admission(&self) -> Option<i64> {
        let Settings { opens_at, closes_at, paused, policy, .. } = self.settings;
        let has_slot = policy.max_active.is_none_or(|most| self.admitted < most as usize);
        let may_be = self.drawn && !paused && !self.closed && !self.sold_out;
        if self.waiting == 0 || !may_be || !has_slot {
            return None;
        }
        let at = self.paced_until.unwrap_or(self.last).max(millis(opens_at));
        (at < millis(closes_at)).then_some(at)
    }
}

impl Sale {
    /// The earliest instant at which [`decide`](super::decide) has something to do without a command; that of the last
    /// batch or earlier when it has something to do already.
    #[must_use]
    pub fn next_due(&self) -> Option<DateTime<Utc>> {
        let pending = Pending {
            settings: self.settings,
            drawn: self.is_drawn(),
            closed: self.closed,
            sold_out: self.is_sold_out(),
            last: self.last,
            hold: self.holds.next(),
            session: self.sessions.first().map(|(end, ..)| *end),
            waiting: self.waiting,
            admitted: self.sessions.len(),
            paced_until: self.admissions.paced_until(&self.settings.policy, 0, self.last),
        };
        pending.next()
    }
}
