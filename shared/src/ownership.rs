//! Ownership and the commit pipeline: how a core holds keys, makes changes durable, and keeps
//! replies back until they are.
//!
//! [`Keeper`] is the only way a core talks to the store. It never lies: a reply held for a key
//! leaves only when everything staged for that key before it is durable, and a core that was
//! fenced loses the key together with every reply that was held.

mod keeper;
mod window;

pub use keeper::{Change, Keeper, KeeperEvent, LostReason, Mark, Reached};
pub use window::{RequestWindow, Seen};
