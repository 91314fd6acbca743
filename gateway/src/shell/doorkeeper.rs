//! Who is let in: how many connections there are, in all and by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::config::EdgeLimits;

/// Counts connections. Its map has at most one entry per connection.
#[derive(Debug)]
pub(super) struct Doorkeeper {
    limits: EdgeLimits,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: usize,
    handshakes: usize,
    by_address: HashMap<IpAddr, u32>,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    doorkeeper: Arc<Doorkeeper>,
    address: IpAddr,
    handshaking: bool,
}

impl Doorkeeper {
    pub(super) fn new(limits: EdgeLimits) -> Arc<Self> {
        Arc::new(Self { limits, counts: Mutex::default() })
    }

    /// Whether a client has to prove its address before it gets a place.
    pub(super) fn wants_proof(&self) -> bool {
        self.with(|counts| counts.handshakes >= self.limits.handshakes_unproven_max)
    }

    /// A place for a connection from `address`, if there is one left.
    pub(super) fn place(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = prefix(address);
        let per_address_max = match address.is_loopback() {
            true => u32::MAX,
            false => self.limits.connections_per_address_max,
        };
        let let_in = self.with(|counts| {
            if counts.connections >= self.limits.connections_max {
                return false;
            }
            let from_there = counts.by_address.entry(address).or_default();
            if *from_there >= per_address_max {
                return false;
            }
            *from_there += 1;
            counts.connections += 1;
            counts.handshakes += 1;
            true
        });
        let doorkeeper = Arc::clone(self);
        let_in.then(|| Place { doorkeeper, address, handshaking: true })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> T {
        // The counts are whole between two statements, so a panic elsewhere leaves them usable.
        act(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    /// The handshake is over.
    pub(super) fn shaken(&mut self) {
        if std::mem::replace(&mut self.handshaking, false) {
            self.doorkeeper.with(|counts| counts.handshakes -= 1);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shaken();
        self.doorkeeper.with(|counts| {
            counts.connections -= 1;
            if let Some(from_there) = counts.by_address.get_mut(&self.address) {
                *from_there -= 1;
                if *from_there == 0 {
                    counts.by_address.remove(&self.address);
                }
            }
        });
    }
}

/// What one customer of a provider usually has: an IPv4 address or an IPv6 /64.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) if address.is_loopback() => IpAddr::V6(address),
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn doorkeeper() -> Arc<Doorkeeper> {
        Doorkeeper::new(EdgeLimits {
            connections_max: 4,
            connections_per_address_max: 2,
            handshakes_unproven_max: 2,
            ..EdgeLimits::default()
        })
    }

    #[test]
    fn one_address_gets_so_many_places_and_gets_them_back() {
        let doorkeeper = doorkeeper();
        let held = ["2001:db8::1", "2001:db8::2"].map(|text| doorkeeper.place(address(text)));
        assert!(held.iter().all(Option::is_some));
        assert!(doorkeeper.place(address("2001:db8::3")).is_none(), "the same /64");
        assert!(doorkeeper.place(address("2001:db8:0:1::3")).is_some(), "another /64");
        drop(held);
        assert!(doorkeeper.place(address("2001:db8::3")).is_some());
        assert!(doorkeeper.with(|counts| counts.by_address.is_empty()));
    }

    #[test]
    fn loopback_has_no_limit_of_its_own_but_the_whole_has() {
        let doorkeeper = doorkeeper();
        let held: Vec<_> = (0..4).map(|_| doorkeeper.place(address("::ffff:127.0.0.1"))).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(doorkeeper.place(address("127.0.0.1")).is_none());
    }

    #[test]
    fn proof_is_wanted_while_many_handshakes_are_under_way() {
        let doorkeeper = doorkeeper();
        let mut held: Vec<_> =
            (0..2).map(|_| doorkeeper.place(address("::1")).expect("room")).collect();
        assert!(doorkeeper.wants_proof());
        held[0].shaken();
        held[0].shaken();
        assert!(!doorkeeper.wants_proof());
    }
}
