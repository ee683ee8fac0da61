//! The door: every connection comes in here, and here it is decided whether there is room for it (rule 22).
//!
//! Counted are connections, for the process and for each address, and the bytes on their way out. Beyond the number of
//! connections some more are taken, which may ask for `/health/*` and nothing else: a process that is full is not ill.
//!
//! `serve` takes connections and answers requests, `wire` is the connection itself, on which nothing waits without an end,
//! `callers` counts by address, `outgoing` counts bytes, `hosts` knows by which names we go.

mod answer;
mod callers;
mod hosts;
mod outgoing;
mod serve;
mod wire;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::address::{self, Address};
use crate::domain::pace::Least;
use callers::{Callers, Place};

pub(crate) use answer::Pieces;
pub use hosts::Hosts;
pub use outgoing::Outgoing;
pub(crate) use outgoing::{Busy, Held, SMALL};
pub(crate) use serve::later;
pub use serve::serve;
use wire::Line;
pub(crate) use wire::{Alarm, Wire};

/// Connections in the spare lane that one address may have.
const SPARE_PER_ADDRESS: usize = 8;

/// The bounds of connections.
#[derive(Debug, Clone)]
pub struct DoorLimits {
    /// Connections at once, sockets among them; beyond it only `/health/*` is answered, anything else gets 503.
    pub connections: usize,
    /// So many of these others; beyond that a connection is closed at once.
    pub spare_connections: usize,
    /// Connections of one address, or its requests and sockets where it comes through a proxy; beyond it 429. `None`: no
    /// limit.
    pub per_address: Option<usize>,
    /// How long the head of a request may take to arrive, from its first byte or the beginning of the connection.
    pub header_timeout: Duration,
    /// The same for the connections beyond the limit.
    pub spare_header_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Duration,
    /// How slowly a client may take what it asked for; whoever is slower is cut off (rule 21).
    pub least: Least,
    /// Bytes of answers on their way.
    pub outgoing: usize,
    /// How many of these to one address. `None`: no limit.
    pub outgoing_per_address: Option<usize>,
    /// Whose word is taken for where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// The names that a request may ask for.
    pub hosts: Hosts,
}

impl Default for DoorLimits {
    fn default() -> Self {
        Self {
            connections: 100_000,
            spare_connections: 64,
            per_address: Some(500),
            header_timeout: Duration::from_secs(10),
            spare_header_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(30),
            least: Least { stall: Duration::from_secs(10), bytes_per_second: 64 << 10 },
            outgoing: 128 << 20,
            outgoing_per_address: Some(64 << 20),
            trusted_proxies: Vec::new(),
            hosts: Hosts::any(),
        }
    }
}

/// The door of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Door(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: DoorLimits,
    main: Arc<Semaphore>,
    spare: Arc<Semaphore>,
    callers: Arc<Callers>,
    spare_callers: Arc<Callers>,
    outgoing: Outgoing,
    has_warned: AtomicBool,
}

impl Door {
    /// A door with nobody in it yet.
    #[must_use]
    pub fn new(limits: DoorLimits) -> Self {
        Self(Arc::new(Inner {
            main: Arc::new(Semaphore::new(limits.connections)),
            spare: Arc::new(Semaphore::new(limits.spare_connections)),
            callers: Arc::new(Callers::new(limits.per_address)),
            spare_callers: Arc::new(Callers::new(limits.per_address.map(|_| SPARE_PER_ADDRESS))),
            outgoing: Outgoing::new(limits.outgoing, limits.outgoing_per_address),
            has_warned: AtomicBool::new(false),
            limits,
        }))
    }

    /// What is on its way out.
    #[must_use]
    pub fn outgoing(&self) -> Outgoing {
        self.0.outgoing.clone()
    }

    /// Whether there is room for a connection of this peer.
    fn welcome(&self, peer: IpAddr) -> Result<Visit, Turned> {
        let peer = peer.to_canonical();
        let is_proxy = self.trusts(peer);
        let place = if is_proxy {
            None
        } else {
            Some(self.0.callers.enter(Address::of(peer)).ok_or(Turned::TooMany)?)
        };
        let (lane, permit, spare) = match Arc::clone(&self.0.main).try_acquire_owned() {
            Ok(permit) => (Lane::Main, permit, None),
            Err(_) => {
                let permit = Arc::clone(&self.0.spare).try_acquire_owned().map_err(|_| Turned::Full)?;
                let spare = self.0.spare_callers.enter(Address::of(peer)).ok_or(Turned::Full)?;
                (Lane::Spare, permit, Some(spare))
            }
        };
        let room = Arc::new(Room { _permit: permit, _places: [place, spare] });
        Ok(Visit { door: self.clone(), peer, is_proxy, lane, room })
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.0.limits.trusted_proxies.iter().any(|net| net.contains(&ip))
    }

    /// Nearly full: connections are not kept for another request.
    fn is_crowded(&self) -> bool {
        self.0.main.available_permits() <= self.0.limits.connections / 10
    }

    /// A proxy that was not named makes one address of everybody behind it.
    fn warn_of_proxy(&self, peer: IpAddr) {
        if !self.0.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                advice = "if it is your proxy, name it among the trusted-proxies: everybody behind it is one address",
                "X-Forwarded-For from an address that is not a trusted proxy"
            );
        }
    }
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turned {
    /// Its address has as many as it may have.
    TooMany,
    /// There is no room at all.
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Main,
    /// Beyond the limit: for health checks.
    Spare,
}

/// What a connection takes up, until it and every socket and answer that came of it are gone.
#[derive(Debug)]
struct Room {
    _permit: OwnedSemaphorePermit,
    _places: [Option<Place>; 2],
}

/// A connection that was let in.
#[derive(Debug, Clone)]
struct Visit {
    door: Door,
    peer: IpAddr,
    is_proxy: bool,
    lane: Lane,
    room: Arc<Room>,
}

impl Visit {
    /// Who asks for this; `None` if the address has as much going on as it may have.
    fn caller(&self, headers: &HeaderMap, line: &Arc<Line>) -> Option<Caller> {
        let x_forwarded_for = HeaderName::from_static("x-forwarded-for");
        let (address, place) = if self.is_proxy {
            let client = told_by(headers, &x_forwarded_for, |ip| self.door.trusts(ip)).unwrap_or(self.peer);
            let place = self.door.0.callers.enter(Address::of(client))?;
            (Address::of(client), Some(Arc::new(place)))
        } else {
            if headers.contains_key(x_forwarded_for) {
                self.door.warn_of_proxy(self.peer);
            }
            (Address::of(self.peer), None)
        };
        Some(Caller { address, line: Arc::clone(line), _room: Arc::clone(&self.room), _place: place })
    }
}

/// Where the proxy says that a request comes from.
fn told_by(
    headers: &HeaderMap,
    x_forwarded_for: &HeaderName,
    trusted: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    // A line that is not text is one that cannot be read.
    let lines = |name: &HeaderName| -> Vec<&str> {
        headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default()).collect()
    };
    address::forwarded(&lines(x_forwarded_for), &lines(&header::FORWARDED), trusted)
}

/// Who asked for something, as far as the network can tell. Whoever keeps it keeps the caller's place.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    address: Address,
    line: Arc<Line>,
    _room: Arc<Room>,
    _place: Option<Arc<Place>>,
}

impl Caller {
    /// What counts as the caller.
    pub(crate) fn address(&self) -> Address {
        self.address
    }

    /// The connection is a WebSocket from now on: the deadlines of HTTP are over.
    pub(crate) fn becomes_socket(&self) {
        self.line.becomes_socket();
    }
}
