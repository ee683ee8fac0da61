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
        for (end, _, slot) in sale.sessions.iter().take_while(|(end, ..)| *end <= now).take(*left) {
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
        // Who is first is not known in the decision that draws.
        if !self.sale.drawn || self.status() != SeriesStatus::OnSale {
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

impl Sale {
    /// The earliest instant at which [`decide`](super::decide) has something to do without a command; that of the last
    /// batch or earlier when it has something to do already.
    #[must_use]
    pub fn next_due(&self) -> Option<DateTime<Utc>> {
        let Self { settings, drawn, closed, .. } = self;
        let opening = (!drawn).then(|| millis(settings.opens_at));
        let closing = (!closed).then(|| millis(settings.closes_at));
        let session = self.sessions.first().map(|(end, ..)| *end);
        [self.holds.next(), session, opening, closing, self.next_admission()]
            .into_iter()
            .flatten()
            .min()
            .map(time)
    }

    /// When the next in line could be admitted without anybody making room.
    fn next_admission(&self) -> Option<i64> {
        let Settings { opens_at, closes_at, paused, policy, .. } = self.settings;
        let has_slot = policy.max_active.is_none_or(|most| self.sessions.len() < most as usize);
        if self.waiting == 0 || !self.drawn || paused || self.closed || self.is_sold_out() || !has_slot {
            return None;
        }
        let at = self.admissions.paced_until(&policy, self.last).unwrap_or(self.last).max(millis(opens_at));
        (at < millis(closes_at)).then_some(at)
    }
}
