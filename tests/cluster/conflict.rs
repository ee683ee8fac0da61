//! Somebody is in the way of a payment, and PostgreSQL ends the payment's transaction: it is decided again, and the fan,
//! who hears nothing of it, has paid once (rules 15 and 17).

use frontrow::domain::id::HoldId;
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use test_support::{PostgresServer, needs, until};

use crate::houses::{Date, Houses, fan, key};

/// A fan who is about to pay, and a session that will be in the way.
struct Payment {
    houses: Houses,
    date: Date,
    holds: Vec<HoldId>,
    session: DatabaseConnection,
    /// Where to see what goes on.
    watching: DatabaseConnection,
    _postgres: PostgresServer,
}

impl Payment {
    /// At a house for which PostgreSQL has this setting.
    async fn with(setting: &str) -> Self {
        // One's own, because not everybody may change such settings.
        let postgres = PostgresServer::start();
        let mut houses = Houses::beside(postgres.url.clone(), 1).await;
        let (date, fan) = (houses.date(1).await, fan(0));
        houses.join(&fan, &date).await;
        houses.each[0].charge(&fan, None, 300, key("charge")).await.unwrap();
        let held = houses.each[0].hold_seats(&fan, date.seats.clone()).await.unwrap();
        let holds = held.into_iter().map(|hold| hold.id).collect();
        let (session, watching) = (session(&houses.fresh.url).await, session(&houses.fresh.url).await);
        // For those who connect from now on.
        let alter = format!("ALTER DATABASE {} SET {setting}", houses.fresh.name);
        session.execute_unprepared(&alter).await.unwrap();
        houses.each.push(Houses::house(&houses.fresh.url).await);
        Self { houses, date, holds, session, watching, _postgres: postgres }
    }

    /// In the session, one after the other.
    async fn says(&self, statements: &[&str]) {
        for statement in statements {
            self.session.execute_unprepared(statement).await.unwrap();
        }
    }

    /// Pays; when that waits for a lock, `meanwhile` goes on in the session.
    async fn pays(self, meanwhile: &[&str]) -> i64 {
        let (house, fan) = (&self.houses.each[1], &fan(0));
        let in_the_way = async {
            let waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                         AND wait_event_type = 'Lock'";
            until("the payment waits", async || {
                let waits = Statement::from_string(DbBackend::Postgres, waits);
                self.watching.query_one_raw(waits).await.unwrap().is_some()
            })
            .await;
            self.says(meanwhile).await;
        };
        let (paid, ()) = tokio::join!(house.pay(fan, Some(self.holds.clone()), key("pay")), in_the_way);
        let (payment, _, wallet) = paid.unwrap();
        assert_eq!((wallet.balance, wallet.lines), (200, 2));
        let again = house.pay(fan, Some(self.holds), key("pay")).await.unwrap();
        assert_eq!(again.0, payment);
        self.session.close().await.unwrap();
        self.watching.close().await.unwrap();
        self.houses.close().await
    }
}

/// One session, in which a transaction can be left open.
async fn session(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1);
    sea_orm::Database::connect(options).await.unwrap()
}

/// The house looks for a circle after a second, and the session does not: PostgreSQL ends the transaction of whoever
/// looks.
#[tokio::test]
async fn a_payment_that_a_deadlock_has_ended_is_tried_again() {
    needs!(Postgres);
    let payment = Payment::with("deadlock_timeout = '1s'").await;
    let lock_date = format!("SELECT FROM sale_head WHERE series_id = '{}' FOR UPDATE", payment.date.id);
    payment.says(&["SET deadlock_timeout = '1h'", "BEGIN", "SELECT FROM wallet FOR UPDATE"]).await;
    // The payment has the date and waits for the wallet.
    let deadlocks = payment.pays(&[&lock_date, "ROLLBACK"]).await;
    assert_eq!(deadlocks, 1);
}

/// Where whoever runs PostgreSQL wants transactions to be stricter than they have to be.
#[tokio::test]
async fn a_payment_that_cannot_be_serialised_is_tried_again() {
    needs!(Postgres);
    let payment = Payment::with("default_transaction_isolation = 'repeatable read'").await;
    let change_date =
        format!("UPDATE sale_head SET version = version WHERE series_id = '{}'", payment.date.id);
    payment.says(&["BEGIN", &change_date]).await;
    // The payment waits for the date, and must not see what it is then.
    assert_eq!(payment.pays(&["COMMIT"]).await, 0);
}
