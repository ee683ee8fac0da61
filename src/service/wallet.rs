//! Points: the prepaid wallet and its ledger.

use crate::{
    domain::{
        date::{Outcome, WalletCommand},
        id::UserId,
        identity::{Caller, Role},
        page::{LedgerKey, Page, Slice},
        sale::{Entry, Wallet},
        text::IdempotencyKey,
    },
    service::{
        Failure, Services,
        sale::{readable, unexpected},
    },
};

impl Services {
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
        self.points(WalletCommand::Charge { caller: caller.user.clone(), wallet, amount, key }).await
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
        self.points(WalletCommand::Use { user: caller.user.clone(), amount, key }).await
    }

    async fn points(&self, command: WalletCommand) -> Result<(Entry, Wallet), Failure> {
        match self.sales.wallets().run(command).await? {
            Outcome::Posted(entry, wallet) => Ok((entry, wallet)),
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
