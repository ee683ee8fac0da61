//! What fans have: places, holds, tickets, payments, points.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entity::{hold, payment, point_history, reservation, sale_head, token, wallet};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{
    domain::{
        id::{EntryId, HoldId, PaymentId, ReservationId, SeriesId, TokenId, UserId},
        page::{LedgerKey, Page, Slice, TicketKey},
        sale::{Entry, Hold, Payment, Reservation, Token, Wallet},
    },
    store::{Database, among::Among, convert, page, rows},
};

impl Database {
    /// One place of a waiting room.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn token(&self, id: TokenId) -> Result<Option<Token>, DbErr> {
        Ok(self.tokens_by_id(&[id]).await?.remove(&id))
    }

    /// The places of these ids.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tokens_by_id(&self, ids: &[TokenId]) -> Result<HashMap<TokenId, Token>, DbErr> {
        let rows = token::Entity::find().filter(token::Column::Id.among(ids.iter().map(|id| id.0)));
        let rows = rows::models(rows, self.reader()).await?.rows;
        // Who still waits in the row waits no more if the line was closed.
        let waiting = rows.iter().filter(|row| row.status == token::Status::Waiting);
        let mut closed = HashMap::new();
        for series in waiting.map(|row| row.series_id).collect::<BTreeSet<_>>() {
            closed.insert(series, self.closed_at(series).await?);
        }
        let token = |row: token::Model| {
            let closed_at = closed.get(&row.series_id).copied().flatten();
            let closed_at = closed_at.filter(|_| row.status == token::Status::Waiting);
            (TokenId(row.id), convert::token(row, closed_at))
        };
        Ok(rows.into_iter().map(token).collect())
    }

    /// When the line of a date was closed.
    async fn closed_at(&self, series: Uuid) -> Result<Option<DateTime<Utc>>, DbErr> {
        let closed = sale_head::Entity::find()
            .select_only()
            .column(sale_head::Column::ClosedAt)
            .filter(sale_head::Column::SeriesId.eq(series))
            .filter(sale_head::Column::ClosedAt.is_not_null());
        let closed: Vec<(DateTime<Utc>,)> = rows::tuples(closed, self.reader()).await?;
        Ok(closed.first().map(|(at,)| *at))
    }

    /// The live holds of a user at `now`, the earliest first; with `series`, of that series only.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn live_holds(
        &self,
        user: &UserId,
        series: Option<SeriesId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Hold>, DbErr> {
        let mut rows = hold::Entity::find()
            .filter(hold::Column::UserId.eq(user.as_str()))
            .filter(hold::Column::Status.eq(hold::Status::Active))
            .filter(hold::Column::ExpiresAt.gt(now))
            .order_by_asc(hold::Column::CreatedAt)
            .order_by_asc(hold::Column::Id);
        if let Some(series) = series {
            rows = rows.filter(hold::Column::SeriesId.eq(series.0));
        }
        Ok(rows::models(rows, self.reader()).await?.rows.into_iter().map(convert::hold).collect())
    }

    /// The latest hold of a user, whatever became of it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn latest_hold(&self, user: &UserId) -> Result<Option<Hold>, DbErr> {
        let rows = hold::Entity::find().filter(hold::Column::UserId.eq(user.as_str()));
        let rows = rows::models(rows.order_by_desc(hold::Column::Id).limit(1), self.reader()).await?.rows;
        Ok(rows.into_iter().next().map(convert::hold))
    }

    /// The holds of these ids.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn holds_by_id(&self, ids: &[HoldId]) -> Result<HashMap<HoldId, Hold>, DbErr> {
        let rows = hold::Entity::find().filter(hold::Column::Id.among(ids.iter().map(|id| id.0)));
        let rows = rows::models(rows, self.reader()).await?.rows;
        Ok(rows.into_iter().map(|row| (HoldId(row.id), convert::hold(row))).collect())
    }

    /// One reservation.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn reservation(&self, id: ReservationId) -> Result<Option<Reservation>, DbErr> {
        let rows = rows::models(reservation::Entity::find_by_id(id.0), self.reader()).await?.rows;
        Ok(rows.into_iter().next().map(convert::reservation))
    }

    /// The reservations of a user.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn reservations(
        &self,
        user: &UserId,
        wanted: Page<TicketKey>,
    ) -> Result<Slice<TicketKey, Reservation>, DbErr> {
        let rows = reservation::Entity::find().filter(reservation::Column::UserId.eq(user.as_str()));
        let slice = page::page(self.reader(), rows, wanted).await?;
        Ok(slice.map(convert::reservation))
    }

    /// The reservations that these payments paid for: the payment, whose it is, and the line of the ledger that paid it.
    /// Tickets stand in the list of their owner where their payment does, and are found by that.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn reservations_of(
        &self,
        payments: &[(PaymentId, UserId, i32)],
    ) -> Result<HashMap<PaymentId, Vec<Reservation>>, DbErr> {
        let owners: BTreeSet<_> = payments.iter().map(|(_, user, _)| user.to_string()).collect();
        let lines: BTreeSet<_> = payments.iter().map(|(.., line)| *line).collect();
        let rows = reservation::Entity::find()
            .filter(reservation::Column::UserId.among(owners))
            .filter(reservation::Column::Line.among(lines))
            .filter(reservation::Column::PaymentId.among(payments.iter().map(|(id, ..)| id.0)))
            .order_by_asc(reservation::Column::Id);
        let rows = rows::models(rows, self.reader()).await?.rows;
        let mut tickets = HashMap::<_, Vec<_>>::new();
        for row in rows {
            tickets.entry(PaymentId(row.payment_id)).or_default().push(convert::reservation(row));
        }
        Ok(tickets)
    }

    /// The payments of these ids.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn payments_by_id(&self, ids: &[PaymentId]) -> Result<HashMap<PaymentId, Payment>, DbErr> {
        let rows = payment::Entity::find().filter(payment::Column::Id.among(ids.iter().map(|id| id.0)));
        let rows = rows::models(rows, self.reader()).await?.rows;
        Ok(rows.into_iter().map(|row| (PaymentId(row.id), convert::payment(row))).collect())
    }

    /// The payments of a user.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn payments(
        &self,
        user: &UserId,
        wanted: Page<LedgerKey>,
    ) -> Result<Slice<LedgerKey, Payment>, DbErr> {
        let rows = payment::Entity::find().filter(payment::Column::UserId.eq(user.as_str()));
        let slice = page::page(self.reader(), rows, wanted).await?;
        Ok(slice.map(convert::payment))
    }

    /// A user's wallet; one that nobody ever charged is empty.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn wallet(&self, user: &UserId) -> Result<Wallet, DbErr> {
        let row = wallet::Entity::find_by_id(user.to_string()).one(self.reader()).await?;
        let empty = || Wallet { user: user.clone(), balance: 0, lines: 0 };
        Ok(row.map_or_else(empty, convert::wallet))
    }

    /// The ledger of a user.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn history(
        &self,
        user: &UserId,
        wanted: Page<LedgerKey>,
    ) -> Result<Slice<LedgerKey, Entry>, DbErr> {
        let rows = point_history::Entity::find().filter(point_history::Column::UserId.eq(user.as_str()));
        let slice = page::page(self.reader(), rows, wanted).await?;
        Ok(slice.map(convert::entry))
    }

    /// One line of a ledger.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn entry(&self, id: EntryId) -> Result<Option<Entry>, DbErr> {
        let rows = rows::models(point_history::Entity::find_by_id(id.0), self.reader()).await?.rows;
        Ok(rows.into_iter().next().map(convert::entry))
    }
}
