//! Component replication: the owner of an entity publishes some of its components to whoever on
//! another role or node subscribes.
//!
//! Answers to one subscription come from one publisher and in order, so a version that is not the
//! one that follows says that something was lost.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::matchmaker_baseapp::PlayerCard;
use super::presence::Presence;
use crate::ids::{Epoch, Key};
use crate::wire;

/// Components that one subscription may ask for. More are refused.
pub const COMPONENTS_MAX: usize = 8;
/// Bytes of one component. A larger one is neither published nor taken.
pub const COMPONENT_BYTES_MAX: usize = 4 << 10;

/// A subscription; chosen by the subscriber, never used again by that address.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct SubscriptionId(pub u64);

/// What kind of component this is. Never reused for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ComponentId(pub u16);

/// Where a subscription stands: whose word it is, and how many changes were told.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Stamp {
    /// Epoch in which the publisher owns the entity.
    pub epoch: Epoch,
    /// Number of the last change that was told in this subscription.
    pub version: u64,
}

/// A component as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Its kind.
    pub id: ComponentId,
    /// Version of the bytes' layout.
    pub schema: u8,
    /// At most [`COMPONENT_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

/// Subscriber to publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToPublisher {
    /// Tell me these components of an entity. Answered by `Snapshot` or `Ended`; repeating it is
    /// answered by a new `Snapshot`.
    Subscribe {
        /// The subscription from now on.
        subscription: SubscriptionId,
        /// The entity.
        key: Key,
        /// At most [`COMPONENTS_MAX`].
        components: Vec<ComponentId>,
    },
    /// The subscription is not wanted any more. Not answered.
    Unsubscribe {
        /// The subscription.
        subscription: SubscriptionId,
    },
    /// Is this still the newest? Also renews the subscription. Answered by `Changes` without
    /// components if it is, by `Snapshot` if it is not, by `Ended` if there is no such
    /// subscription.
    Resnapshot {
        /// The subscription.
        subscription: SubscriptionId,
        /// What the subscriber has; `None` after a gap.
        have: Option<Stamp>,
    },
}

/// Publisher to subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToSubscriber {
    /// All that was subscribed to, as far as the entity has it.
    Snapshot {
        /// The subscription.
        subscription: SubscriptionId,
        /// Counts on from here.
        stamp: Stamp,
        /// Replaces everything that was told before.
        components: Vec<Component>,
    },
    /// What has changed since the stamp before this one; without components, that nothing has
    /// changed since this stamp.
    Changes {
        /// The subscription.
        subscription: SubscriptionId,
        /// The stamp that the changes lead to.
        stamp: Stamp,
        /// The changed components, whole.
        components: Vec<Component>,
    },
    /// Nothing more comes in this subscription.
    Ended {
        /// The subscription.
        subscription: SubscriptionId,
        /// Why.
        reason: EndReason,
    },
}

/// Why a publisher ends a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndReason {
    /// The entity is not owned here.
    NotOwned,
    /// The entity was owned here until now.
    Lost,
    /// There is no such subscription (any more): it was not renewed in time.
    Unknown,
    /// The publisher has as many subscriptions as it takes, or too many components were asked for.
    Refused,
}

/// A wire type that is told as a component.
pub trait Replicated: Serialize + DeserializeOwned {
    /// Its kind.
    const ID: ComponentId;
    /// Version of its layout. Another one is not read, unless the type brings its own
    /// [`Replicated::of_component`] for the one before.
    const SCHEMA: u8;

    /// The component to be published.
    #[must_use]
    fn to_component(&self) -> Component {
        Component { id: Self::ID, schema: Self::SCHEMA, bytes: wire::encode(self) }
    }

    /// Reads a component; `None` if it is of another kind or schema, or malformed.
    #[must_use]
    fn of_component(component: &Component) -> Option<Self> {
        if component.id != Self::ID || component.schema != Self::SCHEMA {
            return None;
        }
        wire::decode(&component.bytes, COMPONENT_BYTES_MAX).ok()
    }
}

/// What is followed of a player who is to fight.
pub const OF_FIGHTERS: &[ComponentId] = &[PlayerCard::ID];

/// What is followed of the members of a guild.
pub const OF_MEMBERS: &[ComponentId] = &[Presence::ID];

impl Replicated for PlayerCard {
    const ID: ComponentId = ComponentId(1);
    const SCHEMA: u8 = 1;
}

impl Replicated for Presence {
    const ID: ComponentId = ComponentId(2);
    const SCHEMA: u8 = 1;
}
