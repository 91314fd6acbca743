//! One client's connection: its control stream in both directions and its datagrams.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::{Sender, TrySendError};
use quinn::{Connection, Incoming, ReadExactError, RecvStream, SendStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use shared::core::EdgeInput;
use shared::ids::SessionId;
use shared::limits::{CLIENT_FRAME_BYTES_MAX, DATAGRAM_BYTES_MAX};
use shared::msg::client::{COMMANDS_MAX, ClientDatagram, ClientFrame};
use shared::runtime::Doorbell;
use shared::wire;

use super::close_code::CloseCode;
use super::config::EdgeLimits;
use super::counters::Counters;
use super::doorkeeper::Place;
use super::registry::{FRAMES_WAITING_MAX, Handle, Outgoing, Registry};

/// Time for some frames to be taken by the client.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// Time for the last frames to be acknowledged before the connection is closed.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);
/// How long a stream is not read when the core has too many inputs waiting.
const INPUT_WAIT: Duration = Duration::from_millis(1);
/// Frames that are written together.
const WRITE_BATCH_FRAMES: usize = 32;

/// What all connections of an edge share.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) inputs: Sender<EdgeInput>,
    pub(super) doorbell: Doorbell,
    pub(super) registry: Registry,
    pub(super) counters: Counters,
    pub(super) limits: EdgeLimits,
}

/// Why a connection ends.
enum End {
    /// The connection is lost or the client closed it.
    Lost,
    /// The core wanted it.
    Told,
    /// The client broke a rule of the edge.
    Broke(CloseCode),
    /// There is no core any more.
    CoreGone,
}

/// Serves a connection from its handshake to its end.
pub(super) async fn serve(
    incoming: Incoming,
    session: SessionId,
    mut place: Place,
    links: Arc<Links>,
) {
    let Ok(Ok(connection)) = timeout(links.limits.open_limit, incoming).await else {
        return links.counters.handshakes_failed.add();
    };
    let Ok(opened) = timeout(links.limits.open_limit, connection.accept_bi()).await else {
        links.counters.too_slow.add();
        return CloseCode::TooSlow.close(&connection);
    };
    let Ok((send, receive)) = opened else { return };
    place.shaken();
    links.counters.accepted.add();
    let (frames, queue) = mpsc::channel(FRAMES_WAITING_MAX);
    let waiting_bytes = Arc::new(AtomicUsize::new(0));
    let handle = Handle {
        connection: connection.clone(),
        frames,
        waiting_bytes: Arc::clone(&waiting_bytes),
    };
    let presence = Presence::new(session, handle, &links);
    tracing::debug!(%session, from = %connection.remote_address(), "client connected");
    let end = if links.offer(EdgeInput::Connected { session }).await.is_err() {
        End::CoreGone
    } else {
        tokio::select! {
            end = read_frames(receive, session, &links) => end,
            end = read_datagrams(&connection, session, &links) => end,
            end = write_frames(send, queue, &waiting_bytes, &links.counters) => end,
        }
    };
    match end {
        End::Lost => {}
        End::Told => CloseCode::Done.close(&connection),
        End::Broke(code) => code.close(&connection),
        End::CoreGone => CloseCode::Shutdown.close(&connection),
    }
    presence.leave().await;
    tracing::debug!(%session, "client gone");
}

/// A session that the core knows of: whatever happens, it is told of the end.
struct Presence<'a> {
    session: SessionId,
    links: &'a Links,
    told: bool,
}

impl<'a> Presence<'a> {
    fn new(session: SessionId, handle: Handle, links: &'a Links) -> Self {
        links.registry.add(session, handle);
        Self { session, links, told: false }
    }

    async fn leave(mut self) {
        let session = self.session;
        self.links.registry.remove(session);
        // Without a core there is nobody to tell.
        let _core_gone = self.links.offer(EdgeInput::Closed { session }).await;
        self.told = true;
    }
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.links.registry.remove(self.session);
            // The task was aborted: the edge is being dropped, and the core with it.
            let closed = EdgeInput::Closed { session: self.session };
            let _full_or_gone = self.links.inputs.try_send(closed);
            self.links.doorbell.ring();
        }
    }
}

/// The core does not take inputs any more.
struct CoreGone;

impl Links {
    /// Hands an input over; waits while the core has too many.
    async fn offer(&self, mut input: EdgeInput) -> Result<(), CoreGone> {
        loop {
            match self.inputs.try_send(input) {
                Ok(()) => {
                    self.doorbell.ring();
                    return Ok(());
                }
                Err(TrySendError::Full(back)) => {
                    input = back;
                    self.counters.input_waits.add();
                    sleep(INPUT_WAIT).await;
                }
                Err(TrySendError::Disconnected(_)) => return Err(CoreGone),
            }
        }
    }
}

async fn read_frames(mut stream: RecvStream, session: SessionId, links: &Links) -> End {
    loop {
        let body = match read_frame(&mut stream, links.limits.frame_limit).await {
            Ok(body) => body,
            Err(end) => {
                match end {
                    End::Broke(CloseCode::FrameTooLong) => links.counters.frames_too_long.add(),
                    End::Broke(CloseCode::TooSlow) => links.counters.too_slow.add(),
                    End::Broke(_) | End::Lost | End::Told | End::CoreGone => {}
                }
                return end;
            }
        };
        let input = match wire::decode::<ClientFrame>(&body, CLIENT_FRAME_BYTES_MAX) {
            Ok(frame) => EdgeInput::Frame { session, frame },
            Err(_) => {
                links.counters.malformed.add();
                EdgeInput::Malformed { session }
            }
        };
        if links.offer(input).await.is_err() {
            return End::CoreGone;
        }
    }
}

/// Reads one frame. It may be a long time until it begins, but not until it ends.
async fn read_frame(stream: &mut RecvStream, limit: Duration) -> Result<Vec<u8>, End> {
    let mut len = [0; 4];
    let begun = match stream.read(&mut len).await {
        Ok(Some(begun)) => begun,
        Ok(None) | Err(_) => return Err(End::Lost),
    };
    let rest = async {
        stream.read_exact(&mut len[begun..]).await?;
        let len = usize::try_from(u32::from_le_bytes(len)).unwrap_or(usize::MAX);
        if len > CLIENT_FRAME_BYTES_MAX {
            return Ok(None);
        }
        let mut body = vec![0; len];
        stream.read_exact(&mut body).await?;
        Ok::<_, ReadExactError>(Some(body))
    };
    match timeout(limit, rest).await {
        Ok(Ok(Some(body))) => Ok(body),
        Ok(Ok(None)) => Err(End::Broke(CloseCode::FrameTooLong)),
        Ok(Err(ReadExactError::FinishedEarly(_) | ReadExactError::ReadError(_))) => Err(End::Lost),
        Err(_elapsed) => Err(End::Broke(CloseCode::TooSlow)),
    }
}

async fn read_datagrams(connection: &Connection, session: SessionId, links: &Links) -> End {
    loop {
        let Ok(bytes) = connection.read_datagram().await else { return End::Lost };
        let input = match wire::decode::<ClientDatagram>(&bytes, DATAGRAM_BYTES_MAX) {
            Ok(datagram) if datagram.commands.len() <= COMMANDS_MAX => {
                EdgeInput::Datagram { session, datagram }
            }
            Ok(_) | Err(_) => {
                links.counters.malformed.add();
                EdgeInput::Malformed { session }
            }
        };
        match links.inputs.try_send(input) {
            Ok(()) => links.doorbell.ring(),
            Err(TrySendError::Full(_)) => links.counters.datagrams_in_dropped.add(),
            Err(TrySendError::Disconnected(_)) => return End::CoreGone,
        }
    }
}

async fn write_frames(
    mut stream: SendStream,
    mut queue: mpsc::Receiver<Outgoing>,
    waiting_bytes: &AtomicUsize,
    counters: &Counters,
) -> End {
    let mut batch = Vec::new();
    let mut chunks: Vec<Bytes> = Vec::new();
    loop {
        if queue.recv_many(&mut batch, WRITE_BATCH_FRAMES).await == 0 {
            return End::CoreGone;
        }
        let mut told = false;
        for outgoing in batch.drain(..) {
            match outgoing {
                Outgoing::Frame(bytes) if !told => chunks.push(bytes),
                Outgoing::Frame(_) => {}
                Outgoing::Close => told = true,
            }
        }
        let len: usize = chunks.iter().map(Bytes::len).sum();
        match timeout(WRITE_LIMIT, stream.write_all_chunks(&mut chunks)).await {
            Ok(Ok(())) => {}
            Ok(Err(_lost)) => return End::Lost,
            Err(_elapsed) => {
                counters.slow_readers.add();
                return End::Broke(CloseCode::SlowReader);
            }
        }
        waiting_bytes.fetch_sub(len, Ordering::Relaxed);
        chunks.clear();
        if told {
            if stream.finish().is_ok() {
                // At the limit the connection is closed all the same.
                let _acknowledged = timeout(FLUSH_LIMIT, stream.stopped()).await;
            }
            return End::Told;
        }
    }
}
