//! Who asks a server in this process.

use chrono::TimeDelta;
use frontrow::domain::{
    id::{SeriesId, UserId},
    identity::{QueuePass, Role},
    text::PersonName,
};
use futures_util::future::join_all;

use super::Server;
use crate::{Fan, Organizer, secs};

impl Server {
    /// Somebody who has an identity token, and is nobody special.
    pub fn fan(&self, user: &str) -> Fan {
        self.with_roles(user, &[])
    }

    /// Somebody who has an identity token with these roles.
    pub fn with_roles(&self, user: &str, roles: &[Role]) -> Fan {
        let until = self.now() + TimeDelta::days(30);
        let token = self.keys.identity_token(&UserId::try_new(user).unwrap(), user, roles, until).unwrap();
        Fan::new(self.client.clone(), user, Some(token))
    }

    /// Somebody with these roles whose identity token ends so long after now.
    pub fn for_a_while(&self, user: &str, roles: &[Role], span: TimeDelta) -> Fan {
        let (id, until) = (UserId::try_new(user).unwrap(), self.now() + span);
        self.bearer(user, &self.keys.identity_token(&id, user, roles, until).unwrap())
    }

    /// The same fan with a queue token for the same place that ends so long after now.
    pub fn in_line_for_a_while(&self, fan: &Fan, series: &str, span: TimeDelta) -> Fan {
        let pass =
            QueuePass { token: fan.token.parse().unwrap(), series: series.parse().unwrap(), order: None };
        // It ends a day after the sale.
        let sale_ends = self.now() + span - TimeDelta::hours(24);
        let user = UserId::try_new(&fan.user).unwrap();
        self.bearer(&fan.user, &self.keys.queue_token(pass, &user, "", sale_ends, sale_ends).unwrap())
    }

    /// Somebody whose identity token has ended.
    pub fn expired(&self, user: &str) -> Fan {
        let ended = self.now() - secs(1);
        let token = self.keys.identity_token(&UserId::try_new(user).unwrap(), user, &[], ended).unwrap();
        self.bearer(user, &token)
    }

    /// So many who join in this order and at the same moment: through the house's own door, because as many requests
    /// would take long.
    pub async fn crowd(&self, count: usize, series: &str) -> Vec<Fan> {
        let series: SeriesId = series.parse().unwrap();
        let joins = (0..count).map(|n| async move {
            let name = format!("fan-{n}");
            let user = UserId::try_new(&name).unwrap();
            let joined =
                self.services.join(None, user, PersonName::from_stored(&name), series).await.unwrap();
            self.bearer(&name, &joined.jwt)
        });
        join_all(joins).await
    }

    /// Somebody without any token.
    pub fn stranger(&self) -> Fan {
        Fan::new(self.client.clone(), "stranger", None)
    }

    /// Somebody who shows this token, or what they take for one.
    pub fn bearer(&self, user: &str, token: &str) -> Fan {
        Fan::new(self.client.clone(), user, Some(token.to_owned()))
    }

    /// Somebody who was here before a restart, with the token of then.
    pub fn same(&self, fan: &Fan) -> Fan {
        let mut same = Fan::new(self.client.clone(), &fan.user, fan.bearer.clone());
        same.token.clone_from(&fan.token);
        same
    }

    /// Somebody who may create concerts.
    pub fn organizer(&self) -> Organizer {
        Organizer::new(self.with_roles("organizer", &[Role::Organizer]), self.now())
    }
}
