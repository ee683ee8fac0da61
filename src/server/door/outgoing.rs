//! The bytes of answers that are being sent, or wait for it: their sum is bounded, for each address and for the process.
//!
//! A connection and a socket send one answer at a time, so each of them holds one at the most. Counted is what is really
//! kept in memory: a piece that others hold as well, such as the seats of a house that hundreds are being told, counts
//! once. A small answer is not counted and always goes out: what matters most, a payment, is small.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::domain::address::Address;
use crate::graphql::sendable::Sendable;

/// An answer of fewer bytes than this always goes out.
pub(crate) const SMALL: usize = 16 << 10;

/// There is no room for so much at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

impl Busy {
    /// When to try again: what is on its way is out by then, or has been cut off.
    pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(2);

    /// For the caller.
    pub(crate) const MESSAGE: &str =
        "Too many answers are on their way at the moment; it is safe to try again soon.";
}

/// What is on its way, and how much may be. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outgoing(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    most_of_address: Option<usize>,
    books: Mutex<Books>,
    /// What comes in has an account of its own, half as large: whoever sends slowly keeps nobody from reading.
    incoming: Option<Outgoing>,
}

#[derive(Debug, Default)]
struct Books {
    process: Account,
    addresses: HashMap<Address, Account>,
}

#[derive(Debug, Default)]
struct Account {
    bytes: usize,
    /// How many answers have this piece, by where it is in memory.
    shared: HashMap<usize, usize>,
}

impl Outgoing {
    /// So many bytes for the process, and so many for one address.
    #[must_use]
    pub fn new(most: usize, most_of_address: Option<usize>) -> Self {
        let account = |most, most_of_address, incoming| {
            Self(Arc::new(Inner { most, most_of_address, books: Mutex::default(), incoming }))
        };
        let incoming = account(most / 2, most_of_address.map(|most| most / 2), None);
        account(most, most_of_address, Some(incoming))
    }

    /// Bytes that are counted at the moment.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.books().process.bytes
    }

    /// Whether a long answer to this address could be sent: more than an eighth of what may be on its way is free. It is
    /// for not making what would be refused; what is made all the same is counted exactly.
    pub(crate) fn sendable(&self, address: Option<Address>) -> Sendable {
        let outgoing = self.clone();
        Sendable::new(move || outgoing.has_room(address))
    }

    fn has_room(&self, address: Option<Address>) -> bool {
        let books = self.0.books();
        let is_free = |bytes: usize, most: usize| bytes < most - most / 8;
        let of_address = address.and_then(|address| books.addresses.get(&address)).map_or(0, |one| one.bytes);
        is_free(books.process.bytes, self.0.most)
            && self.0.most_of_address.is_none_or(|most| is_free(of_address, most))
    }

    /// Counts the pieces of an answer, until what is returned is dropped.
    ///
    /// # Errors
    /// [`Busy`] if that would be more than may be on its way.
    pub(crate) fn hold(&self, address: Option<Address>, pieces: &[Bytes]) -> Result<Held, Busy> {
        self.enter(address, pieces, false)
    }

    /// The same for what goes out in any case: the answer to what has been done already.
    pub(crate) fn hold_anyway(&self, address: Option<Address>, pieces: &[Bytes]) -> Held {
        self.enter(address, pieces, true).unwrap_or_else(|Busy| Held::nothing())
    }

    /// The same for so many bytes that are still to come in.
    ///
    /// # Errors
    /// As [`Self::hold`].
    pub(crate) fn hold_bytes(&self, address: Option<Address>, bytes: usize) -> Result<Held, Busy> {
        let incoming = self.0.incoming.as_ref().unwrap_or(self);
        if bytes < SMALL { Ok(Held::nothing()) } else { incoming.count(address, bytes, Vec::new(), false) }
    }

    fn enter(&self, address: Option<Address>, pieces: &[Bytes], anyway: bool) -> Result<Held, Busy> {
        if pieces.iter().map(Bytes::len).sum::<usize>() < SMALL {
            return Ok(Held::nothing());
        }
        let (own, shared): (Vec<_>, Vec<_>) = pieces.iter().partition(|piece| piece.is_unique());
        let own = own.into_iter().map(Bytes::len).sum();
        self.count(address, own, shared.into_iter().cloned().collect(), anyway)
    }

    fn count(
        &self,
        address: Option<Address>,
        own: usize,
        shared: Vec<Bytes>,
        anyway: bool,
    ) -> Result<Held, Busy> {
        let mut books = self.0.books();
        let fits = |account: Option<&Account>, most: usize| {
            let (had, more) = account.map_or_else(
                || (0, Account::default().weight(own, &shared)),
                |account| (account.bytes, account.weight(own, &shared)),
            );
            // Who holds nothing yet is never refused, whatever the size: one answer always fits.
            had == 0 || had + more <= most
        };
        let of_address =
            address.and_then(|address| Some((books.addresses.get(&address), self.0.most_of_address?)));
        let room = fits(Some(&books.process), self.0.most)
            && of_address.is_none_or(|(account, most)| fits(account, most));
        if !room && !anyway {
            return Err(Busy);
        }
        books.process.add(own, &shared);
        if let Some(address) = address {
            books.addresses.entry(address).or_default().add(own, &shared);
        }
        Ok(Held(Some(Counted { outgoing: Arc::clone(&self.0), address, own, shared })))
    }
}

impl Inner {
    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// What these would add.
    fn weight(&self, own: usize, shared: &[Bytes]) -> usize {
        let new = shared.iter().filter(|piece| !self.shared.contains_key(&place(piece)));
        own + new.map(Bytes::len).sum::<usize>()
    }

    fn add(&mut self, own: usize, shared: &[Bytes]) {
        self.bytes += own;
        for piece in shared {
            let holders = self.shared.entry(place(piece)).or_default();
            *holders += 1;
            if *holders == 1 {
                self.bytes += piece.len();
            }
        }
    }

    fn remove(&mut self, own: usize, shared: &[Bytes]) {
        self.bytes -= own;
        for piece in shared {
            let Some(holders) = self.shared.get_mut(&place(piece)) else { continue };
            *holders -= 1;
            if *holders == 0 {
                self.shared.remove(&place(piece));
                self.bytes -= piece.len();
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.bytes == 0 && self.shared.is_empty()
    }
}

/// Nothing else can be there as long as the piece is held.
fn place(piece: &Bytes) -> usize {
    piece.as_ptr().addr()
}

/// Keeps what was counted counted.
#[derive(Debug)]
pub(crate) struct Held(Option<Counted>);

#[derive(Debug)]
struct Counted {
    outgoing: Arc<Inner>,
    address: Option<Address>,
    own: usize,
    shared: Vec<Bytes>,
}

impl Held {
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    /// How much of its own was counted.
    pub(crate) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |counted| counted.own)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut books = self.outgoing.books();
        books.process.remove(self.own, &self.shared);
        if let Some(address) = self.address
            && let Some(account) = books.addresses.get_mut(&address)
        {
            account.remove(self.own, &self.shared);
            if account.is_empty() {
                books.addresses.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn address(n: u8) -> Option<Address> {
        Some(Address::of([192, 0, 2, n].into()))
    }

    fn piece(bytes: usize) -> Bytes {
        vec![b'x'; bytes].into()
    }

    #[test]
    fn an_address_and_the_process_have_so_many_and_get_them_back() {
        let outgoing = Outgoing::new(3 * MIB, Some(2 * MIB));
        let answer = [piece(MIB)];
        let ann = [outgoing.hold(address(1), &answer).unwrap(), outgoing.hold(address(1), &answer).unwrap()];
        assert_eq!(outgoing.hold(address(1), &answer).unwrap_err(), Busy, "of the address");
        let bob = outgoing.hold(address(2), &answer).unwrap();
        assert_eq!(outgoing.hold(address(2), &answer).unwrap_err(), Busy, "of the process");
        assert_eq!(outgoing.bytes(), 3 * MIB);
        let anyway = outgoing.hold_anyway(address(2), &answer);
        assert_eq!(outgoing.bytes(), 4 * MIB, "what goes out anyway is counted as well");
        drop((ann, bob, anyway));
        assert_eq!(outgoing.bytes(), 0);
        assert!(outgoing.0.books().addresses.is_empty());
    }

    #[test]
    fn it_is_known_before_whether_a_long_answer_could_be_sent() {
        let outgoing = Outgoing::new(4 * MIB, Some(2 * MIB));
        let [ann, bob] = [outgoing.sendable(address(1)), outgoing.sendable(address(2))];
        assert!(ann.has_room() && bob.has_room());
        let held = outgoing.hold(address(1), &[piece(2 * MIB)]).unwrap();
        assert!(!ann.has_room() && bob.has_room());
        let more = outgoing.hold(address(3), &[piece(2 * MIB)]).unwrap();
        assert!(!bob.has_room());
        drop((held, more));
        assert!(ann.has_room() && bob.has_room());
    }

    #[test]
    fn a_small_answer_always_goes_out() {
        let outgoing = Outgoing::new(MIB, Some(MIB));
        let _full = outgoing.hold(address(1), &[piece(2 * MIB)]).unwrap();
        assert!(outgoing.hold(address(1), &[piece(SMALL)]).is_err());
        assert!(outgoing.hold(address(1), &[piece(SMALL - 1)]).is_ok());
    }

    #[test]
    fn a_piece_that_many_hold_counts_once() {
        let outgoing = Outgoing::new(3 * MIB, Some(3 * MIB));
        let seats = piece(2 * MIB);
        let answers: Vec<_> = (0..100)
            .map(|n| outgoing.hold(address(n), &[piece(1_000), seats.clone(), piece(1_000)]).unwrap())
            .collect();
        assert_eq!(outgoing.bytes(), 2 * MIB + 100 * 2_000);
        drop(answers);
        assert_eq!(outgoing.bytes(), 0);
        assert!(outgoing.0.books().process.is_empty());
        // Once nobody else has it, it is the answer's own.
        let _held = outgoing.hold(address(1), std::slice::from_ref(&seats)).unwrap();
        assert_eq!(outgoing.bytes(), 2 * MIB);
    }
}
