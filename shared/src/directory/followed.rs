//! A directory that the links of a node follow: what changes reaches them before it reaches the
//! roles, so that a role which hears of a node can send to it.

use std::fmt;
use std::net::SocketAddr;

use super::{Directory, DirectoryEvent, NodeCard};
use crate::ids::NodeId;

/// The links of a node, as far as they must know who is there.
pub trait Links: Send {
    /// Another node is there, or its card has changed.
    fn seen(&self, card: &NodeCard);
    /// Another node is gone for good.
    fn lost(&self, node: NodeId);
}

/// A directory with links in front of it.
pub struct FollowedDirectory<D, L> {
    directory: D,
    links: L,
    me: NodeId,
    advertised: Option<SocketAddr>,
}

impl<D, L> fmt::Debug for FollowedDirectory<D, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { me, advertised, .. } = self;
        f.debug_struct("FollowedDirectory")
            .field("me", me)
            .field("advertised", advertised)
            .finish_non_exhaustive()
    }
}

impl<D: Directory, L: Links> FollowedDirectory<D, L> {
    /// Has the links of `me` follow `directory`. With `advertised`, the cards of this node say
    /// that its links are reached there.
    pub const fn new(directory: D, links: L, me: NodeId, advertised: Option<SocketAddr>) -> Self {
        Self { directory, links, me, advertised }
    }
}

impl<D: Directory, L: Links> Directory for FollowedDirectory<D, L> {
    fn announce(&mut self, card: &NodeCard) {
        let card = NodeCard { link: self.advertised.or(card.link), ..card.clone() };
        self.directory.announce(&card);
    }

    fn leave(&mut self) {
        self.directory.leave();
    }

    fn poll(&mut self, events: &mut Vec<DirectoryEvent>) {
        let before = events.len();
        self.directory.poll(events);
        for event in &events[before..] {
            match event {
                DirectoryEvent::Changed(card) if card.id != self.me => self.links.seen(card),
                DirectoryEvent::Gone(node) if *node != self.me => self.links.lost(*node),
                DirectoryEvent::Changed(_)
                | DirectoryEvent::Gone(_)
                | DirectoryEvent::Suspended
                | DirectoryEvent::Resumed => {}
            }
        }
    }
}
