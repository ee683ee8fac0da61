//! Loads what a batch of commands touches, in a number of queries that does not depend on the batch's size.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{hold, idempotency_key, payment, reservation, seat, series, token, unpaid, wallet};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::{LockType, OnConflict},
};
use uuid::Uuid;

use crate::{
    domain::{
        id::{HoldId, PaymentId, ReservationId, SeatId, SeriesId, TokenId, UserId},
        sale::{Command, HoldStatus, Recorded, SeatState, WorkingSet},
        text::IdempotencyKey,
    },
    store::{among::Among, building::shown, convert, rows},
};

/// What the commands name.
#[derive(Default)]
struct Named {
    series: BTreeSet<Uuid>,
    users: BTreeSet<String>,
    tokens: BTreeSet<Uuid>,
    seats: BTreeSet<Uuid>,
    holds: BTreeSet<Uuid>,
    reservations: BTreeSet<Uuid>,
    wallets: BTreeSet<String>,
    /// Those of them that may have to be made.
    charged: BTreeSet<String>,
    keys: BTreeSet<(String, String)>,
    /// Whether a hold may end unpaid, or be refused because others have.
    ends_holds: bool,
}

impl Named {
    fn of(commands: &[Command]) -> Self {
        let mut named = Self::default();
        for command in commands {
            named.series.extend(command.series().map(|id| id.0));
            named.wallets.extend(command.wallet().map(ToString::to_string));
            named.keys.extend(command.key().map(|(user, key)| (user.to_string(), key.to_string())));
            named.add(command);
        }
        named
    }

    fn add(&mut self, command: &Command) {
        self.ends_holds |= !matches!(
            command,
            Command::Charge { .. } | Command::Use { .. } | Command::Pay { .. } | Command::Cancel { .. }
        );
        match command {
            Command::Hold { user, token, seats, .. } => {
                self.users.insert(user.to_string());
                self.tokens.extend(token.map(|id| id.0));
                self.seats.extend(seats.iter().map(|id| id.0));
            }
            Command::Release { user, hold, .. } => {
                self.users.insert(user.to_string());
                self.holds.insert(hold.0);
            }
            Command::Pay { user, token, holds, .. } => {
                self.users.insert(user.to_string());
                self.tokens.extend(token.map(|id| id.0));
                self.holds.extend(holds.iter().flatten().map(|id| id.0));
            }
            Command::Cancel { reservation, .. } => {
                self.reservations.insert(reservation.0);
            }
            Command::Lapse { holds, .. } => self.holds.extend(holds.iter().map(|id| id.0)),
            Command::EndSession { token, .. } | Command::Leave { token, .. } => {
                self.tokens.insert(token.0);
            }
            Command::Charge { wallet, .. } => {
                self.charged.insert(wallet.to_string());
            }
            Command::Use { .. } => {}
        }
    }
}

/// `about_now` is what time it is, more or less: the time of the decision is taken when everything is loaded.
pub(super) async fn working_set(
    tx: &DatabaseTransaction,
    commands: &[Command],
    about_now: DateTime<Utc>,
) -> Result<WorkingSet, DbErr> {
    let mut named = Named::of(commands);
    let mut set = WorkingSet::default();
    if !named.series.is_empty() {
        lock_series(tx, &mut set, &named).await?;
        load_passes(tx, &mut set, &mut named).await?;
        load_holds(tx, &mut set, &mut named).await?;
        load_reservations(tx, &mut set, &mut named).await?;
        load_seats(tx, &mut set, &named, about_now).await?;
        if named.ends_holds {
            load_unpaid(tx, &mut set, &named).await?;
        }
    }
    if !named.wallets.is_empty() {
        make_wallets(tx, &named).await?;
        lock_wallets(tx, &mut set, &named).await?;
        load_keys(tx, &mut set, &named).await?;
    }
    Ok(set)
}

async fn lock_series(tx: &DatabaseTransaction, set: &mut WorkingSet, named: &Named) -> Result<(), DbErr> {
    let rows = shown()
        .filter(series::Column::Id.among(named.series.iter().copied()))
        .order_by_asc(series::Column::Id)
        .lock(LockType::NoKeyUpdate);
    let rows = rows::exact(rows, tx).await?;
    for row in rows {
        set.series.load(SeriesId(row.id), convert::sale_series(&row));
    }
    Ok(())
}

async fn load_passes(tx: &DatabaseTransaction, set: &mut WorkingSet, named: &mut Named) -> Result<(), DbErr> {
    let live = Condition::all()
        .add(token::Column::SeriesId.among(named.series.iter().copied()))
        .add(token::Column::UserId.among(named.users.iter().cloned()))
        .add(token::Column::Status.is_in([token::Status::Waiting, token::Status::Admitted]));
    let wanted = Condition::any().add(token::Column::Id.among(named.tokens.iter().copied())).add(live);
    for row in rows::exact(token::Entity::find().filter(wanted), tx).await? {
        named.users.insert(row.user_id.clone());
        set.passes.load(TokenId(row.id), convert::pass(&row));
    }
    Ok(())
}

async fn load_holds(tx: &DatabaseTransaction, set: &mut WorkingSet, named: &mut Named) -> Result<(), DbErr> {
    let own = Condition::all()
        .add(hold::Column::UserId.among(named.users.iter().cloned()))
        .add(hold::Column::SeriesId.among(named.series.iter().copied()))
        .add(hold::Column::Status.is_in([hold::Status::Active, hold::Status::Expired]));
    let wanted = Condition::any().add(hold::Column::Id.among(named.holds.iter().copied())).add(own);
    for row in rows::exact(hold::Entity::find().filter(wanted), tx).await? {
        if row.status == hold::Status::Active {
            named.seats.insert(row.seat_id);
        }
        set.holds.load(HoldId(row.id), convert::hold(row));
    }
    // A hold outlives the live place it was taken with only if that was completed; paying then needs the pass.
    let missing: Vec<_> = set
        .holds
        .iter()
        .filter(|hold| set.passes.get(&hold.token).is_none())
        .map(|hold| hold.token.0)
        .collect();
    if !missing.is_empty() {
        for row in rows::exact(token::Entity::find().filter(token::Column::Id.among(missing)), tx).await? {
            set.passes.load(TokenId(row.id), convert::pass(&row));
        }
    }
    Ok(())
}

async fn load_reservations(
    tx: &DatabaseTransaction,
    set: &mut WorkingSet,
    named: &mut Named,
) -> Result<(), DbErr> {
    let own = Condition::all()
        .add(reservation::Column::UserId.among(named.users.iter().cloned()))
        .add(reservation::Column::SeriesId.among(named.series.iter().copied()))
        .add(reservation::Column::Status.eq(reservation::Status::Confirmed));
    let wanted =
        Condition::any().add(reservation::Column::Id.among(named.reservations.iter().copied())).add(own);
    let mut payments = BTreeSet::new();
    for row in rows::exact(reservation::Entity::find().filter(wanted), tx).await? {
        if named.reservations.contains(&row.id) {
            named.seats.insert(row.seat_id);
            payments.insert(row.payment_id);
        }
        set.reservations.load(ReservationId(row.id), convert::reservation(row));
    }
    if !payments.is_empty() {
        for row in
            rows::exact(payment::Entity::find().filter(payment::Column::Id.among(payments)), tx).await?
        {
            set.payments.load(PaymentId(row.id), convert::payment(row));
        }
    }
    Ok(())
}

async fn load_seats(
    tx: &DatabaseTransaction,
    set: &mut WorkingSet,
    named: &Named,
    about_now: DateTime<Utc>,
) -> Result<(), DbErr> {
    if named.seats.is_empty() {
        return Ok(());
    }
    let rows = seat::Entity::find().filter(seat::Column::Id.among(named.seats.iter().copied()));
    let rows = rows::exact(rows, tx).await?;
    let mut others = Vec::new();
    for row in rows {
        let seat = convert::seat(row);
        if let SeatState::Held { hold, .. } = seat.state
            && set.holds.get(&hold).is_none()
        {
            others.push(hold.0);
        }
        set.seats.load(SeatId(seat.id.0), seat);
    }
    if !others.is_empty() {
        for row in rows::exact(hold::Entity::find().filter(hold::Column::Id.among(others)), tx).await? {
            set.holds.load(HoldId(row.id), convert::hold(row));
        }
        load_lapsed(tx, set, named, about_now).await?;
    }
    Ok(())
}

/// The holds of those who have let the hold of a seat lapse that somebody wants: what else of theirs has lapsed counts
/// before it if it ended before it. Rarely any, because lapsed holds are swept.
async fn load_lapsed(
    tx: &DatabaseTransaction,
    set: &mut WorkingSet,
    named: &Named,
    about_now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let soon = about_now + TimeDelta::seconds(1);
    let lapsing =
        set.holds.iter().filter(|hold| hold.status == HoldStatus::Active && hold.expires_at <= soon);
    let owners: BTreeSet<_> = lapsing.map(|hold| hold.user.to_string()).collect();
    if owners.is_empty() {
        return Ok(());
    }
    let rows = hold::Entity::find()
        .filter(hold::Column::UserId.among(owners))
        .filter(hold::Column::SeriesId.among(named.series.iter().copied()))
        .filter(hold::Column::Status.eq(hold::Status::Active));
    let rows = rows::exact(rows, tx).await?;
    let mut seats = BTreeSet::new();
    for row in rows {
        if set.holds.get(&HoldId(row.id)).is_none() {
            seats.insert(row.seat_id);
            set.holds.load(HoldId(row.id), convert::hold(row));
        }
    }
    let missing =
        seats.into_iter().filter(|seat| set.seats.get(&SeatId(*seat)).is_none()).collect::<Vec<_>>();
    if !missing.is_empty() {
        for row in rows::exact(seat::Entity::find().filter(seat::Column::Id.among(missing)), tx).await? {
            set.seats.load(SeatId(row.id), convert::seat(row));
        }
    }
    Ok(())
}

/// What those have let end unpaid who may hold now, or whose holds may end.
async fn load_unpaid(tx: &DatabaseTransaction, set: &mut WorkingSet, named: &Named) -> Result<(), DbErr> {
    let active = set.holds.iter().filter(|hold| hold.status == HoldStatus::Active);
    let owners = active.map(|hold| hold.user.to_string());
    let users: BTreeSet<_> = owners.chain(named.users.iter().cloned()).collect();
    if users.is_empty() {
        return Ok(());
    }
    let rows = unpaid::Entity::find()
        .filter(unpaid::Column::SeriesId.among(named.series.iter().copied()))
        .filter(unpaid::Column::UserId.among(users));
    let rows = rows::exact(rows, tx).await?;
    for row in rows {
        let (key, unpaid) = convert::unpaid(row);
        set.unpaid.load(key, unpaid);
    }
    Ok(())
}

/// A wallet that is not there cannot be locked, and two processes could each charge a new one as if they were
/// alone. So the missing ones are made first, empty, and in the order of their owners like all locks.
async fn make_wallets(tx: &DatabaseTransaction, named: &Named) -> Result<(), DbErr> {
    if named.charged.is_empty() {
        return Ok(());
    }
    let empty = |user: &String| wallet::Model { user_id: user.clone(), balance: 0, lines: 0 };
    wallet::Entity::insert_many(named.charged.iter().map(empty).map(IntoActiveModel::into_active_model))
        .on_conflict(OnConflict::column(wallet::Column::UserId).do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

async fn lock_wallets(tx: &DatabaseTransaction, set: &mut WorkingSet, named: &Named) -> Result<(), DbErr> {
    let rows = wallet::Entity::find()
        .filter(wallet::Column::UserId.among(named.wallets.iter().cloned()))
        .order_by_asc(wallet::Column::UserId)
        .lock(LockType::NoKeyUpdate);
    let rows = rows::exact(rows, tx).await?;
    for row in rows {
        let wallet = convert::wallet(row);
        set.wallets.load(wallet.user.clone(), wallet);
    }
    Ok(())
}

async fn load_keys(tx: &DatabaseTransaction, set: &mut WorkingSet, named: &Named) -> Result<(), DbErr> {
    let users: BTreeSet<_> = named.keys.iter().map(|(user, _)| user.clone()).collect();
    let keys: BTreeSet<_> = named.keys.iter().map(|(_, key)| key.clone()).collect();
    let rows = idempotency_key::Entity::find()
        .filter(idempotency_key::Column::UserId.among(users))
        .filter(idempotency_key::Column::Key.among(keys));
    let rows = rows::exact(rows, tx).await?;
    for row in rows {
        let recorded = Recorded { fingerprint: row.fingerprint, result: row.result_id };
        set.keys.load((UserId::from_stored(&row.user_id), IdempotencyKey::from_stored(&row.key)), recorded);
    }
    Ok(())
}
