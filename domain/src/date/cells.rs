//! What an event means, in terms of the cells that it changes: said once, for the date and for the draft of a decision.

use chrono::{DateTime, Utc};

use crate::{
    date::{
        event::Event,
        holds::LiveHold,
        millis,
        places::{Place, State},
        sale::Settings,
        unpaid::Unpaid,
    },
    id::{HoldId, TokenId, UserId},
    sale::SeatState,
};

/// The cells of a date. Whoever has them keeps indexes and counts of its own in step.
pub(super) trait Cells {
    fn settings_mut(&mut self) -> &mut Settings;
    /// Adds a place at the end of the line, or to the lobby.
    fn add_place(&mut self, place: Place);
    fn draw(&mut self);
    /// Ends every place that waits, and lets nobody join any more.
    fn close(&mut self);
    fn admit(&mut self, token: TokenId, until: i64, at: i64);
    fn end_place(&mut self, token: TokenId);
    fn add_hold(&mut self, hold: LiveHold);
    fn take_hold(&mut self, hold: HoldId) -> Option<LiveHold>;
    fn seat_at(&self, number: i32) -> Option<u32>;
    fn seat(&self, at: u32) -> SeatState;
    fn set_seat(&mut self, at: u32, state: SeatState);
    fn set_unpaid(&mut self, user: &UserId, unpaid: Unpaid);
    /// Adds to the standing reservations of a user.
    fn add_reserved(&mut self, user: &UserId, by: i32);
}

/// Takes `event` in, which happened at `at`.
pub(super) fn transition(cells: &mut impl Cells, at: DateTime<Utc>, event: &Event) {
    match event {
        Event::Joined { token, user, name: _, seq, lobby } => cells.add_place(Place {
            token: *token,
            user: user.clone(),
            seq: *seq,
            lobby: *lobby,
            state: State::Waiting { rank: None },
        }),
        Event::Drawn => cells.draw(),
        Event::Closed => cells.close(),
        Event::Admitted { token, until } => cells.admit(*token, millis(*until), millis(at)),
        Event::Ended { token, reason: _ } => cells.end_place(*token),
        Event::Held { hold, seat, user, token, until } => {
            let Some(seat) = cells.seat_at(*seat) else { return };
            cells.set_seat(seat, SeatState::Held { hold: *hold, until: *until });
            let (id, user, token) = (*hold, user.clone(), *token);
            cells.add_hold(LiveHold { id, seat, user, token, created_at: at, expires_at: *until });
        }
        Event::Lapsed { hold } | Event::Released { hold } => {
            let Some(hold) = cells.take_hold(*hold) else { return };
            if matches!(cells.seat(hold.seat), SeatState::Held { hold: of, .. } if of == hold.id) {
                cells.set_seat(hold.seat, SeatState::Free);
            }
        }
        Event::Unpaid { user, unpaid } => cells.set_unpaid(user, *unpaid),
        Event::Paid { tickets, .. } => {
            for ticket in tickets {
                let Some(hold) = cells.take_hold(ticket.hold) else { continue };
                cells.set_seat(hold.seat, SeatState::Reserved(ticket.reservation));
                cells.add_reserved(&hold.user, 1);
            }
        }
        Event::Cancelled { reservation, seat, user, .. } => {
            let Some(seat) = cells.seat_at(*seat) else { return };
            if cells.seat(seat) == SeatState::Reserved(*reservation) {
                cells.set_seat(seat, SeatState::Free);
                cells.add_reserved(user, -1);
            }
        }
        // Wallets and keys are not a date's.
        Event::Posted(_) | Event::KeyUsed { .. } => {}
        Event::PolicySet(policy) => cells.settings_mut().policy = *policy,
        Event::PauseSet(paused) => cells.settings_mut().paused = *paused,
    }
}
