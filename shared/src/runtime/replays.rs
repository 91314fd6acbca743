//! Keeps the replays of a node's battles on a thread of its own, so that no tick waits for a disk.

use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Sender, bounded};

use super::RuntimeError;
use crate::ids::{BattleId, NodeId};

/// Replays waiting to be kept. A further one is dropped and counted.
const REPLAYS_WAITING_MAX: usize = 64;

/// Where a role hands its replays over.
#[derive(Clone, Debug)]
pub(super) struct Replays(Sender<(BattleId, Vec<u8>)>);

impl Replays {
    /// Starts the thread. It ends when the last clone is dropped and everything is kept.
    pub(super) fn start(
        node: NodeId,
        mut keep: Box<dyn FnMut(BattleId, Vec<u8>) + Send>,
    ) -> Result<(Self, JoinHandle<()>), RuntimeError> {
        let (sender, receiver) = bounded(REPLAYS_WAITING_MAX);
        let name = format!("replays-{}", node.node);
        let thread = Builder::new()
            .name(name.clone())
            .spawn(move || {
                for (battle, bytes) in receiver {
                    keep(battle, bytes);
                }
            })
            .map_err(|source| RuntimeError::Thread { name, source })?;
        Ok((Self(sender), thread))
    }

    /// Hands a replay over. False if it had to be dropped.
    pub(super) fn keep(&self, battle: BattleId, bytes: Vec<u8>) -> bool {
        self.0.try_send((battle, bytes)).is_ok()
    }
}
