//! The directory of a node with TCP links: its cards say where a node is reached, and its changes
//! reach the links before they reach the roles.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Hub;
use crate::directory::{Directory, DirectoryEvent, NodeCard};

/// A directory that the links of a node follow.
#[derive(Debug)]
pub struct FollowedDirectory<D> {
    directory: D,
    hub: Arc<Hub>,
    advertised: SocketAddr,
}

impl<D: Directory> FollowedDirectory<D> {
    pub(super) const fn new(directory: D, hub: Arc<Hub>, advertised: SocketAddr) -> Self {
        Self { directory, hub, advertised }
    }
}

impl<D: Directory> Directory for FollowedDirectory<D> {
    fn announce(&mut self, card: &NodeCard) {
        let card = NodeCard { link: Some(self.advertised), ..card.clone() };
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
                DirectoryEvent::Changed(card) => {
                    if let Some(link) = card.link.filter(|_| card.id != self.hub.me) {
                        self.hub.peer(card.id, link);
                    }
                }
                DirectoryEvent::Gone(node) if *node != self.hub.me => self.hub.gone(*node),
                DirectoryEvent::Gone(_) => {}
            }
        }
    }
}
