//! Points and their ledger (rule 16).

use chrono::{DateTime, Utc};

use crate::{
    id::{EntryId, PaymentId, UserId},
    sale::{Entry, EntryKind, MAX_BALANCE, Problem, ProblemCode, Wallet},
};

/// What a new line of a ledger says.
pub(crate) struct Line<'a> {
    pub(crate) user: &'a UserId,
    /// Who did it, where that is not the owner.
    pub(crate) actor: Option<&'a UserId>,
    pub(crate) kind: EntryKind,
    pub(crate) amount: i32,
    pub(crate) payment: Option<PaymentId>,
}

/// Of an amount that somebody asks for.
pub(crate) fn positive(amount: i32) -> Result<(), ProblemCode> {
    if amount > 0 { Ok(()) } else { Err(ProblemCode::AmountNotPositive) }
}

impl Wallet {
    /// That of somebody who has had no points yet.
    pub(crate) fn empty(user: &UserId) -> Self {
        Self { user: user.clone(), balance: 0, lines: 0 }
    }

    /// The next line of the ledger, and the wallet with it. The id is asked for only if there is to be one.
    pub(crate) fn posted(
        &self,
        line: &Line<'_>,
        now: DateTime<Utc>,
        id: impl FnOnce() -> EntryId,
    ) -> Result<(Entry, Self), Problem> {
        let Line { user, actor, kind, amount, payment } = *line;
        let balance = i64::from(self.balance) + i64::from(amount);
        if balance < 0 {
            let required = amount.saturating_neg();
            return Err(Problem::InsufficientPoints { balance: self.balance, required });
        }
        let balance = i32::try_from(balance)
            .ok()
            .filter(|balance| *balance <= MAX_BALANCE)
            .ok_or(ProblemCode::BalanceLimitExceeded)?;
        let wallet = Self { user: user.clone(), balance, lines: self.lines + 1 };
        let entry = Entry {
            id: id(),
            user: user.clone(),
            actor: actor.cloned(),
            line: wallet.lines,
            kind,
            amount,
            balance_after: balance,
            payment,
            created_at: now,
        };
        Ok((entry, wallet))
    }
}
