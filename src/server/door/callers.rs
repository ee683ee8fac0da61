//! How many connections each address has.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::address::Address;

#[derive(Debug)]
pub(super) struct Callers {
    most: Option<usize>,
    /// Only of those who have any.
    open: Mutex<HashMap<Address, usize>>,
}

impl Callers {
    /// `None`: nobody is counted.
    pub(super) fn new(most: Option<usize>) -> Self {
        Self { most, open: Mutex::default() }
    }

    /// One more of this address, unless it has as many as it may have.
    pub(super) fn enter(self: &Arc<Self>, address: Address) -> Option<Place> {
        let Some(most) = self.most else { return Some(Place(None)) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place(Some((Arc::clone(self), address))))
    }

    fn leave(&self, address: Address) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = open.entry(address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// One of those an address has, until this is dropped.
#[derive(Debug)]
pub(super) struct Place(Option<(Arc<Callers>, Address)>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((callers, address)) = &self.0 {
            callers.leave(*address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_places_and_gives_them_back() {
        let callers = Arc::new(Callers::new(Some(2)));
        let [ann, bob] = ["192.0.2.1", "2001:db8::1"].map(|ip| Address::of(ip.parse().unwrap()));
        let places = [callers.enter(ann), callers.enter(ann)];
        assert!(places.iter().all(Option::is_some) && callers.enter(ann).is_none());
        assert!(callers.enter(bob).is_some());
        drop(places);
        assert!(callers.enter(ann).is_some());
        assert!(callers.open.lock().unwrap().is_empty(), "nothing is kept of who is gone");
    }

    #[test]
    fn without_a_limit_nobody_is_counted() {
        let callers = Arc::new(Callers::new(None));
        let place = callers.enter(Address::of("192.0.2.1".parse().unwrap()));
        assert!(place.is_some() && callers.open.lock().unwrap().is_empty());
    }
}
