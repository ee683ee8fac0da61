//! What this process knows of a waiting room in Redis, and what it has still to tell there. Nothing here waits for
//! Redis but the questions of callers; the keeper tells.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use crate::{
    domain::{
        catalog::{SaleState, Series},
        id::TokenId,
        policy::QueuePolicy,
        room::{Counts, Heard, View},
    },
    service::rooms::followed::Followed,
    store::room::{PLACES, RedisRoom, Report, RoomError, Told},
};

/// Looks that may wait; a stream waits for its turn, so this is no limit of how many there are.
const LOOKS: usize = 8_192;

/// See the module.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) room: RedisRoom,
    looks: mpsc::Sender<Look>,
    state: Mutex<State>,
    followed: Mutex<Followed>,
}

#[derive(Debug)]
struct State {
    told: Told,
    /// Whether Redis has yet to be told so.
    is_news: bool,
    /// What the sale did.
    reports: Vec<Report>,
    /// Whether Redis was away: it may have gone back to an older state.
    missed: bool,
    /// Streams that ended: the last signs of life of their owners.
    closed: Vec<TokenId>,
}

/// Somebody looks at a place.
type Look = (TokenId, oneshot::Sender<Result<Option<View>, RoomError>>);

/// What there is to tell.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) told: Option<Told>,
    pub(super) reports: Vec<Report>,
    pub(super) closed: Vec<TokenId>,
}

impl Shared {
    /// [`Looks::serve`] is to be run beside it.
    pub(super) fn new(room: RedisRoom, series: &Series) -> (Self, Looks) {
        let (looks, asked) = mpsc::channel(LOOKS);
        let state = State {
            told: Told::of(series),
            is_news: true,
            reports: Vec::new(),
            missed: true,
            closed: Vec::new(),
        };
        let served = Looks { room: room.clone(), asked };
        (Self { room, looks, state: Mutex::new(state), followed: Mutex::default() }, served)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The news that were heard.
    pub(super) fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sale(&self) -> SaleState {
        self.state().told.sale
    }

    pub(super) fn policy(&self) -> QueuePolicy {
        self.state().told.policy
    }

    pub(super) async fn hear(&self, token: TokenId) -> Result<Heard, RoomError> {
        let heard = self.room.hear(&[token], false).await?;
        Ok(heard.first().copied().unwrap_or(Heard::Unknown))
    }

    /// Together with all others who look at this moment.
    pub(super) async fn view(&self, token: TokenId) -> Result<Option<View>, RoomError> {
        let (answer, seen) = oneshot::channel();
        let closed = |_| RoomError::Lost;
        self.looks.send((token, answer)).await.map_err(|_| RoomError::Lost)?;
        seen.await.map_err(closed)?
    }

    pub(super) async fn counts(&self) -> Result<Counts, RoomError> {
        Ok(self.room.look(&[]).await?.counts)
    }

    /// Whether anything changed.
    pub(super) fn set_settings(&self, number: i32, policy: QueuePolicy, paused: bool) -> bool {
        let mut state = self.state();
        let changed = state.told.policy != policy || state.told.sale.paused != paused;
        state.told.settings = number;
        (state.told.policy, state.told.sale.paused) = (policy, paused);
        state.is_news |= changed;
        changed
    }

    /// Whether that is new.
    pub(super) fn set_sold_out(&self, version: i32, sold_out: bool) -> bool {
        let mut state = self.state();
        let changed = state.told.sale.sold_out != sold_out;
        state.told.version = version;
        state.told.sale.sold_out = sold_out;
        state.is_news |= changed;
        changed
    }

    pub(super) fn ended(&self, token: TokenId) {
        self.state().reports.push(Report::Ended(token));
    }

    pub(super) fn pin(&self, token: TokenId, until: Option<DateTime<Utc>>, heard: bool) {
        self.state().reports.push(Report::Pinned { token, until, heard });
    }

    /// Redis was away.
    pub(super) fn was_away(&self) {
        let mut state = self.state();
        (state.missed, state.is_news) = (true, true);
    }

    /// Whether it was since the last call.
    pub(super) fn missed_something(&self) -> bool {
        mem::take(&mut self.state().missed)
    }

    pub(super) fn stream_closed(&self, token: TokenId) {
        self.state().closed.push(token);
    }

    /// What there is to tell, to be given back with [`Shared::put_back`] if Redis does not take it.
    pub(super) fn take_news(&self) -> News {
        let mut state = self.state();
        News {
            told: mem::take(&mut state.is_news).then_some(state.told),
            reports: mem::take(&mut state.reports),
            closed: mem::take(&mut state.closed),
        }
    }

    /// Before what has come since.
    pub(super) fn put_back(&self, mut news: News) {
        let mut state = self.state();
        state.is_news |= news.told.is_some();
        news.reports.append(&mut state.reports);
        news.closed.append(&mut state.closed);
        (state.reports, state.closed) = (news.reports, news.closed);
    }
}

/// The looks of everybody, to be answered in batches: one round trip for all who look at the same time.
#[derive(Debug)]
pub(super) struct Looks {
    room: RedisRoom,
    asked: mpsc::Receiver<Look>,
}

impl Looks {
    /// Answers until the room is not used any more.
    pub(super) async fn serve(mut self) {
        let mut batch = Vec::with_capacity(PLACES);
        while self.asked.recv_many(&mut batch, PLACES).await > 0 {
            let tokens: Vec<_> = batch.iter().map(|(token, _)| *token).collect();
            let looked = self.room.look(&tokens).await;
            for (n, (_, answer)) in batch.drain(..).enumerate() {
                let view = match &looked {
                    Ok(looked) => Ok(looked.views.get(n).copied().flatten()),
                    Err(error) => Err(error.clone()),
                };
                // Nobody listens any more if the caller has gone away.
                let _ = answer.send(view);
            }
        }
    }
}
