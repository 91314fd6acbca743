//! A raw client the way a role must use it: in a thread of its own, because a role's thread waits
//! for more than a socket. Messages go there and come back through channels.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tokio::sync::mpsc;

use super::PAYLOAD_BYTES;
use crate::error::{BenchError, Result};
use crate::harness;
use crate::threads::{PATIENCE, beside};

/// Messages that wait between the threads; one is on its way at a time.
const WAITING_MAX: usize = 16;

/// A role's side.
struct RoleEnd {
    outgoing: mpsc::Sender<Vec<u8>>,
    incoming: Receiver<Vec<u8>>,
}

/// The side of the client's thread.
pub(super) struct ClientEnd {
    pub(super) outgoing: mpsc::Receiver<Vec<u8>>,
    pub(super) incoming: SyncSender<Vec<u8>>,
}

/// Round trips between two roles, each with a client's thread that runs `carry`; which hands an
/// empty message over when it is ready, then `count` + 1 that came, and ends.
pub(super) fn round_trips(
    count: usize,
    carry: [&(dyn Fn(ClientEnd) -> Result<()> + Sync); 2],
) -> Result<[f64; 2]> {
    let ((here, here_client), (there, there_client)) = (ends(), ends());
    thread::scope(|scope| {
        let clients =
            [scope.spawn(|| carry[0](here_client)), scope.spawn(|| carry[1](there_client))];
        let played = play(count, here, there);
        for client in clients {
            client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        played
    })
}

fn play(count: usize, here: RoleEnd, there: RoleEnd) -> Result<[f64; 2]> {
    for end in [&here, &there] {
        end.take()?;
    }
    let answer = move || (0..=count).try_for_each(|_| there.send(there.take()?));
    let trips = move || {
        let trip = || {
            here.send(vec![7; PAYLOAD_BYTES])?;
            here.take().map(drop)
        };
        trip()?;
        harness::time_each(count, trip)
    };
    Ok(beside(answer, trips)?.1)
}

impl RoleEnd {
    fn send(&self, message: Vec<u8>) -> Result<()> {
        self.outgoing.blocking_send(message).map_err(|_| silent())
    }

    fn take(&self) -> Result<Vec<u8>> {
        self.incoming.recv_timeout(PATIENCE).map_err(|_| silent())
    }
}

impl ClientEnd {
    /// Gives a message to the role.
    pub(super) fn hand_over(incoming: &SyncSender<Vec<u8>>, message: Vec<u8>) -> Result<()> {
        incoming.send(message).map_err(|_| silent())
    }
}

fn ends() -> (RoleEnd, ClientEnd) {
    let (to_client, outgoing) = mpsc::channel(WAITING_MAX);
    let (to_role, incoming) = sync_channel(WAITING_MAX);
    (RoleEnd { outgoing: to_client, incoming }, ClientEnd { outgoing, incoming: to_role })
}

const fn silent() -> BenchError {
    BenchError::Silent { what: "the thread of a raw client" }
}
