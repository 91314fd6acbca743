//! Component replication: what the owner of an entity lets others know, kept current over the
//! node MQ.
//!
//! The [`Publisher`] stands at the owner, a [`Replica`] at each role that wants to know. A
//! subscription begins with a snapshot; changes follow with consecutive versions, merged per
//! tick. The MQ may lose frames. A loss is found by the version that does not follow, or, if
//! nothing follows, by the subscriber's routine question whether its version is still the newest.
//! Both sides forget what the other does not renew, so nothing is left behind by a lost frame.
//!
//! What is replicated is a copy to look at, never to decide ownership by: it may be old by the
//! time a frame takes, and after losses by up to [`CHECK_MS`] and the retries. What must not be
//! lost goes through outbox and mailbox.

mod publisher;
mod replica;

pub use publisher::{Level, PublishError, Publisher};
pub use replica::{Replica, ReplicaEvent, ReplicaLevel, WhyEnded};

/// How often a subscriber asks whether what it has is still the newest.
pub const CHECK_MS: u64 = 10_000;
/// How long a publisher keeps a subscription of which it hears nothing.
pub const LEASE_MS: u64 = 60_000;
/// How long a subscriber waits for an answer before it asks again.
pub const ANSWER_MS: u64 = 1_000;
/// Pause before something is sent again that did not arrive, or an owner is looked for again.
pub const RETRY_MS: u64 = 250;
/// Questions in a row without an answer. Then the owner counts as silent and the replica ends.
pub const TRIES_MAX: u32 = 5;
/// Subscriptions that a publisher takes from one address. A further one is refused.
pub const SUBSCRIPTIONS_PER_SUBSCRIBER_MAX: usize = 65_536;
/// Subscriptions of a publisher in all. A further one is refused.
pub const SUBSCRIPTIONS_MAX: usize = 262_144;
/// Entities whose changes go out in one tick. Those of others wait for the next, oldest first.
pub const ENTITIES_PER_TICK_MAX: usize = 4_096;
/// Snapshots that one tick sends again because they did not arrive. The others wait.
pub const RESENT_PER_TICK_MAX: usize = 1_024;

// A subscription that is renewed as it should be survives some lost questions.
const _: () = assert!(LEASE_MS > 2 * (CHECK_MS + ANSWER_MS * (TRIES_MAX as u64 + 1)));
