//! A commit as bytes: a line of a date's log, and what processes tell each other.

use std::fmt;

use crate::domain::date::Batch;

/// The number of the format that [`encode`] writes. Another one for every change of what a batch consists of, whether or
/// not the compiler notices: the bytes name no fields.
pub(crate) const FORMAT: i32 = 1;

/// Why bytes say nothing to this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Another version wrote them, of this format.
    Format(i32),
    /// They are not what their format says.
    Malformed(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(format) => write!(f, "format {format} is unknown here, where {FORMAT} is written"),
            Self::Malformed(why) => write!(f, "not what format {FORMAT} says: {why}"),
        }
    }
}

/// A batch as bytes of [`FORMAT`].
///
/// # Errors
/// None that is known: a sentence.
pub(crate) fn encode(batch: &Batch) -> Result<Vec<u8>, String> {
    postcard::to_allocvec(batch).map_err(|error| error.to_string())
}

/// The batch that these bytes of that format are.
///
/// # Errors
/// See [`Unreadable`]: whoever cannot read what others have done must not decide upon what it knows.
pub(crate) fn decode(format: i32, bytes: &[u8]) -> Result<Batch, Unreadable> {
    if format != FORMAT {
        return Err(Unreadable::Format(format));
    }
    match postcard::take_from_bytes(bytes) {
        Ok((batch, [])) => Ok(batch),
        Ok((_, rest)) => Err(Unreadable::Malformed(format!("{} bytes are left", rest.len()))),
        Err(error) => Err(Unreadable::Malformed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    use super::*;
    use crate::domain::{
        date::{EndReason, Event, Ticket, Unpaid},
        id::{EntryId, HoldId, PaymentId, ReservationId, TokenId, UserId},
        policy::QueuePolicy,
        sale::{Entry, EntryKind},
        text::{IdempotencyKey, PersonName},
    };

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_900_000_000_000 + millis).unwrap()
    }

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    /// One of each.
    fn events() -> Vec<Event> {
        let user = UserId::try_new("ann").unwrap();
        let (token, hold, reservation) = (TokenId(id(1)), HoldId(id(2)), ReservationId(id(3)));
        let payment = PaymentId(id(4));
        let entry = Entry {
            id: EntryId(id(5)),
            user: user.clone(),
            actor: Some(UserId::try_new("cashier").unwrap()),
            line: 7,
            kind: EntryKind::Use,
            amount: -300,
            balance_after: 12,
            payment: Some(payment),
            created_at: at(1),
        };
        let unpaid = Unpaid { ended: 2, brief_ms: 5_000, barred: Some((at(2), at(3))) };
        let name = PersonName::try_new("Änn").unwrap();
        let key = IdempotencyKey::try_new("key").unwrap();
        vec![
            Event::Joined { token, user: user.clone(), name, seq: 300, lobby: true },
            Event::Drawn,
            Event::Closed,
            Event::Admitted { token, until: at(4) },
            Event::Ended { token, reason: EndReason::HoldLapsed },
            Event::Held { hold, seat: 17, user: user.clone(), token, until: at(5) },
            Event::Lapsed { hold },
            Event::Released { hold },
            Event::Unpaid { user: user.clone(), unpaid },
            Event::Paid {
                payment,
                line: 7,
                user: user.clone(),
                amount: 300,
                tickets: vec![Ticket { hold, reservation }],
            },
            Event::Cancelled { reservation, seat: 17, user: user.clone(), payment, price: 300 },
            Event::Posted(entry),
            Event::KeyUsed { owner: user, key, fingerprint: "pay x all".to_owned(), result: id(4) },
            Event::PolicySet(QueuePolicy { max_active: None, ..QueuePolicy::default() }),
            Event::PauseSet(true),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        let batch = Batch { at: at(0), events: events() };
        let bytes = encode(&batch).unwrap();
        assert_eq!(decode(FORMAT, &bytes), Ok(batch));
        assert_eq!(decode(FORMAT + 1, &bytes), Err(Unreadable::Format(FORMAT + 1)));
        for cut in 0..bytes.len() {
            assert!(matches!(decode(FORMAT, &bytes[..cut]), Err(Unreadable::Malformed(_))), "{cut}");
        }
        let long = [bytes, vec![0]].concat();
        assert!(matches!(decode(FORMAT, &long), Err(Unreadable::Malformed(_))));
    }

    /// If this fails, a process of the version before reads something else than was meant, or nothing: give the new bytes
    /// another number.
    #[test]
    fn the_bytes_of_a_format_never_change() {
        let bytes = encode(&Batch { at: at(0), events: events() }).unwrap();
        assert_eq!((FORMAT, hex::encode(bytes).as_str()), (1, include_str!("log_format_1.hex").trim()));
    }
}
