//! Points: the wallet and its ledger.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject, connection::Connection};

use crate::{
    domain::{mistake::Mistakes, page::List, sale, text::IdempotencyKey},
    graphql::{
        ahead::{acting_on, reading},
        error::{caller, error, read, read_input, read_one, read_one_input},
        loaders,
        page::{PageArgs, connection},
        problem::{Problem, settle},
        ticket::{Payment, user},
        time::Time,
    },
    service::Services,
};

/// A prepaid wallet; 1 point = 1 KRW.
#[derive(Clone, Debug)]
pub struct Points(pub sale::Wallet);

/// A prepaid wallet; 1 point = 1 KRW.
#[Object]
impl Points {
    async fn user_id(&self) -> ID {
        self.0.user.as_str().into()
    }

    /// Points that can be spent: 0 to 1,000,000,000.
    async fn balance(&self) -> i32 {
        self.0.balance
    }

    /// The ledger, newest line first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Connection<String, PointHistory>> {
        let (services, owner) = (ctx.data::<Arc<Services>>()?, &self.0.user);
        let list = List::History(owner);
        let page = read(PageArgs { first, after, last, before }.page(&list))?;
        let slice = services.history(reading(ctx, ("Points", "history"), owner)?, owner, page).await;
        connection(ctx, &list, slice.map_err(error)?, PointHistory)
    }
}

/// One line of the ledger. The balance is always the sum of its lines.
#[derive(Clone, Debug)]
pub struct PointHistory(pub sale::Entry);

/// One line of the ledger. The balance is always the sum of its lines.
#[Object]
impl PointHistory {
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    async fn user_id(&self) -> ID {
        self.0.user.as_str().into()
    }

    /// Who did it, where that is not the owner: a cashier or an admin.
    async fn actor_id(&self) -> Option<ID> {
        self.0.actor.as_ref().map(|actor| actor.as_str().into())
    }

    async fn kind(&self) -> PointHistoryKind {
        self.0.kind.into()
    }

    /// Signed: positive for CHARGE and REFUND, negative for USE.
    async fn amount(&self) -> i32 {
        self.0.amount
    }

    /// The balance with this line.
    async fn balance_after(&self) -> i32 {
        self.0.balance_after
    }

    /// What was paid or given back, if it was for seats.
    async fn payment(&self, ctx: &Context<'_>) -> Result<Option<Payment>> {
        match self.0.payment {
            Some(id) => Ok(loaders::load(ctx, id).await?.map(Payment)),
            None => Ok(None),
        }
    }

    async fn created_at(&self) -> Time {
        self.0.created_at.into()
    }
}

/// What a line of the ledger is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "sale::EntryKind")]
pub enum PointHistoryKind {
    /// Points came in.
    Charge,
    /// Points were spent.
    Use,
    /// Points came back with a ticket.
    Refund,
}

/// Reading wallets.
#[derive(Debug, Default)]
pub struct PointsQuery;

#[Object]
impl PointsQuery {
    /// The caller's wallet; for another user, ADMIN only.
    async fn points(&self, ctx: &Context<'_>, user_id: Option<ID>) -> Result<Points> {
        let (services, user) = (ctx.data::<Arc<Services>>()?, read_one("userId", user(user_id.as_ref()))?);
        Ok(Points(services.wallet(caller(ctx)?, user).await.map_err(error)?))
    }
}

/// `idempotencyKey`: any string of 1 to 64 characters without control characters, compared byte for byte, unique for each thing that the caller means to do. The same key
/// with the same input returns the first result again; with another input it is the problem IDEMPOTENCY_KEY_REUSED.
/// Keys are remembered for 30 days, or longer where the server is set so.
#[derive(Debug, InputObject)]
pub struct ChargeInput {
    /// Points, at least 1; 1 point = 1 KRW.
    pub amount: i32,
    /// 1 to 64 characters, new for each thing that you mean to do; see the description of this input.
    pub idempotency_key: String,
    /// Whose wallet; left out, the caller's. Another user's: CASHIER or ADMIN only. One's own, also a cashier's: only
    /// where the server allows self-service charging (the demo does).
    pub user_id: Option<ID>,
}

/// Points to spend on something that is not a ticket.
#[derive(Debug, InputObject)]
pub struct UsePointsInput {
    /// Points, at least 1.
    pub amount: i32,
    /// As for `charge`.
    pub idempotency_key: String,
}

/// The wallet and the new line of its ledger, or why there is none.
#[derive(Debug, Default, SimpleObject)]
pub struct PointsPayload {
    /// The wallet after it.
    pub points: Option<Points>,
    /// The new line of the ledger.
    pub entry: Option<PointHistory>,
    /// Why it was not done; null if it was.
    pub problem: Option<Problem>,
}

/// Charging and spending.
#[derive(Debug, Default)]
pub struct PointsMutation;

#[Object]
impl PointsMutation {
    /// Puts points into a wallet. A cashier is shown the balance of another user's wallet, and not its history: who
    /// asks for that gets FORBIDDEN, and nothing is charged.
    async fn charge(&self, ctx: &Context<'_>, input: ChargeInput) -> Result<PointsPayload> {
        let mut wrong = Mistakes::default();
        let key = wrong.take(["idempotencyKey".into()], IdempotencyKey::try_new(&input.idempotency_key));
        let wallet = wrong.take(["userId".into()], user(input.user_id.as_ref()));
        let (key, wallet) = read_input(key.zip(wallet).ok_or_else(|| wrong.into_vec()))?;
        let caller = acting_on(ctx, wallet.as_ref())?;
        let done = ctx.data::<Arc<Services>>()?.charge(caller, wallet, input.amount, key).await;
        payload(ctx, done).await
    }

    /// Spends the caller's points on something that is not a ticket.
    async fn use_points(&self, ctx: &Context<'_>, input: UsePointsInput) -> Result<PointsPayload> {
        let key = read_one_input("idempotencyKey", IdempotencyKey::try_new(&input.idempotency_key))?;
        let done = ctx.data::<Arc<Services>>()?.use_points(caller(ctx)?, input.amount, key).await;
        payload(ctx, done).await
    }
}

async fn payload(
    ctx: &Context<'_>,
    done: Result<(sale::Entry, sale::Wallet), crate::service::Failure>,
) -> Result<PointsPayload> {
    Ok(match settle(ctx, done).await? {
        Ok((entry, wallet)) => {
            PointsPayload { points: Some(Points(wallet)), entry: Some(PointHistory(entry)), problem: None }
        }
        Err(problem) => PointsPayload { problem: Some(problem), ..Default::default() },
    })
}
