//! Points: the prepaid wallet and its ledger.

use crate::{
    domain::{
        id::UserId,
        identity::{Caller, Role},
        page::{LedgerKey, Page, Slice},
        sale::{Command, Entry, Outcome, Wallet},
        text::IdempotencyKey,
    },
    service::{
        Failure, House,
        sale::{readable, unexpected},
    },
};

impl House {
    /// Puts points into a wallet (rules 16 and 17).
    ///
    /// # Errors
    /// FORBIDDEN for another's wallet unless CASHIER or ADMIN, and for one's own, also a cashier's, unless the server
    /// allows it; the problems of charging.
    pub async fn charge(
        &self,
        caller: &Caller,
        wallet: Option<UserId>,
        amount: i32,
        key: IdempotencyKey,
    ) -> Result<(Entry, Wallet), Failure> {
        let wallet = wallet.unwrap_or_else(|| caller.user.clone());
        if wallet == caller.user {
            // Whatever their roles: who charges a wallet is somebody else than whose it is.
            if !self.settings.self_service_charging {
                return Err(Failure::Forbidden(
                    "On this server nobody charges their own wallet: a CASHIER or an ADMIN does, and another one \
                     than its owner."
                        .into(),
                ));
            }
        } else if !caller.may_act_as(Role::Cashier) {
            return Err(Failure::Forbidden(
                "Only a CASHIER or an ADMIN may charge another user's wallet.".into(),
            ));
        }
        self.points(Command::Charge { caller: caller.user.clone(), wallet, amount, key }).await
    }

    /// Spends points of the caller's on something that is not a ticket (rules 16 and 17).
    ///
    /// # Errors
    /// The problems of spending.
    pub async fn use_points(
        &self,
        caller: &Caller,
        amount: i32,
        key: IdempotencyKey,
    ) -> Result<(Entry, Wallet), Failure> {
        self.points(Command::Use { user: caller.user.clone(), amount, key }).await
    }

    async fn points(&self, command: Command) -> Result<(Entry, Wallet), Failure> {
        match self.committer.run(command).await? {
            Outcome::Points(id, wallet) => {
                let entry = self.database.entry(id).await?;
                let entry =
                    entry.ok_or_else(|| Failure::Internal(format!("no line {id} in the ledger").into()))?;
                Ok((entry, wallet))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// The wallet of the caller, or for an ADMIN of anybody.
    ///
    /// # Errors
    /// FORBIDDEN for another user's.
    pub async fn wallet(&self, caller: &Caller, user: Option<UserId>) -> Result<Wallet, Failure> {
        Ok(self.database.wallet(&readable(caller, user)?).await?)
    }

    /// The ledger of a wallet that the caller was given.
    ///
    /// # Errors
    /// FORBIDDEN for another user's.
    pub async fn history(
        &self,
        caller: &Caller,
        user: &UserId,
        page: Page<LedgerKey>,
    ) -> Result<Slice<LedgerKey, Entry>, Failure> {
        // A cashier is shown the wallet that was charged, but not what its owner did before.
        Ok(self.database.history(&readable(caller, Some(user.clone()))?, page).await?)
    }
}
