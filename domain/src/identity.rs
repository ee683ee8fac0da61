//! Who is asking, and what a role may do (rules 1 and 2).

use crate::{
    id::{SeriesId, TokenId, UserId},
    text::PersonName,
};

/// What the identity provider says that somebody may do beyond being a fan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Creates concerts and runs their sales.
    Organizer,
    /// Charges the wallets of others.
    Cashier,
    /// May do whatever an organiser or a cashier may, and read what is anybody's.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Organizer, Self::Cashier, Self::Admin];

    /// The role as it stands in a token.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organizer => "ORGANIZER",
            Self::Cashier => "CASHIER",
            Self::Admin => "ADMIN",
        }
    }

    /// The role of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// The pass of a waiting room that a caller shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePass {
    /// The token.
    pub token: TokenId,
    /// The series it is for.
    pub series: SeriesId,
    /// Its order among the joins, by which the place can be given back if nothing else knows of it any more.
    pub order: Option<JoinOrder>,
}

/// Where a join stands among those of its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinOrder {
    /// Counts the joins.
    pub seq: u64,
    /// Whether the draw decides its order (rule 5).
    pub lobby: bool,
}

/// Somebody who has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// As they want to be called.
    pub name: PersonName,
    /// What they may do beyond being a fan; empty for a queue token.
    pub roles: Vec<Role>,
    /// Set if it was a queue token that they showed.
    pub pass: Option<QueuePass>,
}

impl Caller {
    /// Whether the caller has `role`, or every role by being ADMIN.
    #[must_use]
    pub fn may_act_as(&self, role: Role) -> bool {
        self.roles.iter().any(|r| *r == role || *r == Role::Admin)
    }

    /// Whether the caller may read what is `owner`'s.
    #[must_use]
    pub fn may_read_of(&self, owner: &UserId) -> bool {
        self.user == *owner || self.roles.contains(&Role::Admin)
    }

    /// Whether the caller runs what `organizer` created.
    #[must_use]
    pub fn may_run(&self, organizer: &UserId) -> bool {
        self.roles.contains(&Role::Admin)
            || (self.user == *organizer && self.roles.contains(&Role::Organizer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(user: &str, roles: &[Role]) -> Caller {
        let user = UserId::try_new(user).unwrap();
        Caller { user, name: PersonName::none(), roles: roles.to_vec(), pass: None }
    }

    #[test]
    fn a_fan_reads_only_their_own_and_an_admin_everything() {
        let (ann, bob) = (caller("ann", &[]), UserId::try_new("bob").unwrap());
        assert!(ann.may_read_of(&ann.user) && !ann.may_read_of(&bob));
        assert!(caller("root", &[Role::Admin]).may_read_of(&bob));
        assert!(!caller("till", &[Role::Cashier]).may_read_of(&bob));
    }

    #[test]
    fn an_organizer_runs_only_what_is_theirs() {
        let bob = UserId::try_new("bob").unwrap();
        assert!(caller("bob", &[Role::Organizer]).may_run(&bob));
        assert!(!caller("bob", &[]).may_run(&bob));
        assert!(!caller("ann", &[Role::Organizer]).may_run(&bob));
        assert!(caller("ann", &[Role::Admin]).may_run(&bob));
    }
}
