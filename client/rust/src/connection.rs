//! One client's connection: requests out, replies, events and snapshots in.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quinn::{Connection, ReadExactError, RecvStream, SendDatagramError, SendStream, VarInt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use shared::ids::{BattleId, PlayerId, RequestId};
use shared::limits::{CLIENT_FRAME_BYTES_MAX, DATAGRAM_BYTES_MAX, SERVER_FRAME_BYTES_MAX};
use shared::msg::client::{
    COMMANDS_MAX, ClientDatagram, ClientFrame, Command, DATAGRAM_SNAPSHOT, Login, PROTOCOL_VERSION,
    Reply, Request, ServerFrame, Welcome,
};
use shared::wire;

use crate::endpoint::Credentials;
use crate::error::{CloseReason, ConnectError, RequestError, SendError};
use crate::events::{Events, Inbox};
use crate::pending::Pending;
use crate::request_ids::RequestIds;

/// Time a request may take; longer than the server's own limit, so that it can still say why.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(15);
/// Time the login may take; longer than the server's own limit.
const LOGIN_LIMIT: Duration = Duration::from_secs(20);
/// Frames that wait to be written. At the limit a request waits for room.
const FRAMES_WAITING_MAX: usize = 64;

/// A logged-in client. Clones are the same client; when the last one is dropped, the connection
/// is closed.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    frames: mpsc::Sender<Bytes>,
    driver: Arc<Driver>,
}

#[derive(Debug)]
struct Shared {
    connection: Connection,
    welcome: Welcome,
    ids: RequestIds,
    pending: Pending,
    inbox: Arc<Inbox>,
}

/// The tasks of a connection; they end with it.
#[derive(Debug)]
struct Driver {
    connection: Connection,
    _tasks: JoinSet<()>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.connection.close(VarInt::from_u32(0), b"client is done");
    }
}

impl Client {
    /// The player who is logged in.
    #[must_use]
    pub fn player(&self) -> PlayerId {
        self.shared.welcome.player
    }

    /// What the server said when it let the client in.
    #[must_use]
    pub fn welcome(&self) -> &Welcome {
        &self.shared.welcome
    }

    /// An id that was never used for a request of this player.
    #[must_use]
    pub fn next_request_id(&self) -> RequestId {
        self.shared.ids.next()
    }

    /// Asks for something and waits for the reply, at most for [`REQUEST_LIMIT`].
    ///
    /// # Errors
    /// [`RequestError`]. Whoever wants to repeat a request whose outcome is unknown takes an id
    /// first and uses [`Client::request_with_id`].
    pub async fn request(&self, request: Request) -> Result<Reply, RequestError> {
        self.request_with_id(self.next_request_id(), request).await
    }

    /// Asks for something under an id. A changing request that was carried out before under the
    /// same id, on whatever connection, is not carried out again: its stored reply comes.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn request_with_id(
        &self,
        id: RequestId,
        request: Request,
    ) -> Result<Reply, RequestError> {
        let frame = frame(&ClientFrame::Request { id, request }).ok_or(RequestError::TooLong)?;
        let waiter = self.shared.pending.begin(id)?;
        let _forgets = Forgets { pending: &self.shared.pending, id };
        let answered = async {
            if self.frames.send(frame).await.is_err() {
                return Err(self.disconnected());
            }
            waiter.await.unwrap_or_else(|_| Err(self.disconnected()))
        };
        timeout(REQUEST_LIMIT, answered).await.unwrap_or(Err(RequestError::Timeout))
    }

    /// Sends a fighter's commands in a battle, oldest first; they may be lost, so send those that
    /// no snapshot acknowledges again. What comes with them tells the server which snapshots are
    /// here: send at the pace of the battle, without commands too, also when only watching.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send_commands(&self, battle: BattleId, commands: &[Command]) -> Result<(), SendError> {
        if commands.len() > COMMANDS_MAX {
            return Err(SendError::TooLong);
        }
        let (seen_tick, commands) = (self.shared.inbox.seen_tick(), commands.to_vec());
        let bytes = wire::encode(&ClientDatagram { battle, seen_tick, commands });
        if bytes.len() > DATAGRAM_BYTES_MAX {
            return Err(SendError::TooLong);
        }
        self.shared.connection.send_datagram(Bytes::from(bytes)).map_err(|error| match error {
            SendDatagramError::TooLarge => SendError::TooLong,
            SendDatagramError::UnsupportedByPeer
            | SendDatagramError::Disabled
            | SendDatagramError::ConnectionLost(_) => SendError::Disconnected,
        })
    }

    /// The round-trip time as QUIC estimates it.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        self.shared.connection.rtt()
    }

    /// Bytes sent so far, as payloads of UDP datagrams.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.shared.connection.stats().udp_tx.bytes
    }

    /// Bytes received so far, as payloads of UDP datagrams. A living server confirms whatever it
    /// is sent, so a number that stands still after a request tells of a dead one.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.shared.connection.stats().udp_rx.bytes
    }

    /// Closes the connection; requests in flight end with [`RequestError::Disconnected`].
    pub fn close(&self) {
        self.driver.connection.close(VarInt::from_u32(0), b"client is done");
    }

    fn disconnected(&self) -> RequestError {
        RequestError::Disconnected(self.shared.pending.closed().unwrap_or(CloseReason::ByUs))
    }
}

/// Takes a request out of flight when its caller is done with it, also by dropping the future.
struct Forgets<'a> {
    pending: &'a Pending,
    id: RequestId,
}

impl Drop for Forgets<'_> {
    fn drop(&mut self) {
        self.pending.forget(self.id);
    }
}

/// Logs in on a fresh connection and starts its tasks.
pub(crate) async fn log_in(
    connection: Connection,
    credentials: Credentials,
    nonce: Option<u32>,
) -> Result<(Client, Events), ConnectError> {
    let Credentials { account, secret } = credentials;
    let login = ClientFrame::Login(Login { protocol: PROTOCOL_VERSION, account, secret });
    let greeted = timeout(LOGIN_LIMIT, greet(&connection, &login)).await;
    let (welcome, send, receive) = greeted.map_err(|_| ConnectError::Timeout)??;
    let inbox = Arc::new(Inbox::default());
    let shared = Arc::new(Shared {
        connection: connection.clone(),
        welcome,
        ids: RequestIds::new(nonce),
        pending: Pending::default(),
        inbox: Arc::clone(&inbox),
    });
    let (frames, queue) = mpsc::channel(FRAMES_WAITING_MAX);
    let mut tasks = JoinSet::new();
    tasks.spawn(drive(Arc::clone(&shared), send, receive, queue));
    let driver = Arc::new(Driver { connection, _tasks: tasks });
    Ok((Client { shared, frames, driver }, Events::new(inbox)))
}

async fn greet(
    connection: &Connection,
    login: &ClientFrame,
) -> Result<(Welcome, SendStream, RecvStream), ConnectError> {
    let closed = |reason| ConnectError::Closed(reason);
    let (mut send, mut receive) = connection.open_bi().await?;
    let frame = frame(login).ok_or_else(|| {
        let text = "the account name is far too long";
        let code = shared::msg::refusal::RefusalCode::BadName;
        ConnectError::Refused(shared::msg::refusal::Refusal::new(code, text))
    })?;
    // If the server has closed already, what it said before is still to be read.
    let _closed = send.write_all(&frame).await;
    match read_frame(&mut receive, connection).await.map_err(closed)? {
        ServerFrame::Welcome(welcome) => Ok((welcome, send, receive)),
        ServerFrame::Goodbye(refusal) => Err(ConnectError::Refused(refusal)),
        ServerFrame::Reply { .. } | ServerFrame::Event(_) | ServerFrame::Snapshot(_) => {
            Err(closed(CloseReason::Malformed))
        }
    }
}

/// Runs a connection until it ends, and tells everybody who waits for something.
async fn drive(
    shared: Arc<Shared>,
    send: SendStream,
    receive: RecvStream,
    queue: mpsc::Receiver<Bytes>,
) {
    let mut guard = EndGuard { shared: &shared, reason: CloseReason::ByUs };
    let reason = tokio::select! {
        biased;
        reason = read_frames(receive, &shared) => reason,
        reason = read_datagrams(&shared) => reason,
        reason = write_frames(send, queue, &shared) => reason,
    };
    guard.reason = reason;
}

/// Tells of the end even if the task is aborted because the last client was dropped.
struct EndGuard<'a> {
    shared: &'a Shared,
    reason: CloseReason,
}

impl Drop for EndGuard<'_> {
    fn drop(&mut self) {
        self.shared.connection.close(VarInt::from_u32(0), b"client is done");
        self.shared.pending.close(&self.reason);
        self.shared.inbox.close(self.reason.clone());
    }
}

async fn read_frames(mut stream: RecvStream, shared: &Shared) -> CloseReason {
    loop {
        match read_frame(&mut stream, &shared.connection).await {
            Ok(ServerFrame::Reply { id, result }) => {
                shared.pending.answer(id, result.map_err(RequestError::Refused));
            }
            Ok(ServerFrame::Event(event)) => {
                if !shared.inbox.put_event(event) {
                    return CloseReason::EventsOverflowed;
                }
            }
            Ok(ServerFrame::Snapshot(bytes)) => shared.inbox.put_snapshot(&bytes),
            Ok(ServerFrame::Goodbye(refusal)) => return CloseReason::Goodbye(refusal),
            Ok(ServerFrame::Welcome(_)) => return CloseReason::Malformed,
            Err(reason) => return reason,
        }
    }
}

async fn read_frame(
    stream: &mut RecvStream,
    connection: &Connection,
) -> Result<ServerFrame, CloseReason> {
    let mut len = [0; 4];
    if stream.read_exact(&mut len).await.is_err() {
        return Err(ended(connection).await);
    }
    let len = usize::try_from(u32::from_le_bytes(len)).unwrap_or(usize::MAX);
    if len > SERVER_FRAME_BYTES_MAX {
        return Err(CloseReason::Malformed);
    }
    let mut body = vec![0; len];
    match stream.read_exact(&mut body).await {
        Ok(()) => {}
        Err(ReadExactError::FinishedEarly(_) | ReadExactError::ReadError(_)) => {
            return Err(ended(connection).await);
        }
    }
    wire::decode(&body, SERVER_FRAME_BYTES_MAX).map_err(|_| CloseReason::Malformed)
}

/// Why the connection has ended: the stream ends a moment before it.
async fn ended(connection: &Connection) -> CloseReason {
    CloseReason::from(connection.closed().await)
}

async fn read_datagrams(shared: &Shared) -> CloseReason {
    loop {
        let Ok(bytes) = shared.connection.read_datagram().await else {
            // The reader of the stream learns why, after everything before it was read.
            return std::future::pending().await;
        };
        if let Some((&DATAGRAM_SNAPSHOT, snapshot)) = bytes.split_first() {
            shared.inbox.put_snapshot(snapshot);
        }
    }
}

async fn write_frames(
    mut stream: SendStream,
    mut queue: mpsc::Receiver<Bytes>,
    shared: &Shared,
) -> CloseReason {
    while let Some(frame) = queue.recv().await {
        if stream.write_all(&frame).await.is_err() {
            return std::future::pending().await;
        }
    }
    // Every handle of the client is gone.
    shared.connection.close(VarInt::from_u32(0), b"client is done");
    CloseReason::ByUs
}

/// The bytes of a frame behind their length, or nothing if the server would not take them.
fn frame(value: &ClientFrame) -> Option<Bytes> {
    let body = wire::encode(value);
    let len = u32::try_from(body.len()).ok().filter(|_| body.len() <= CLIENT_FRAME_BYTES_MAX)?;
    let mut bytes = Vec::with_capacity(4 + body.len());
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(&body);
    Some(Bytes::from(bytes))
}
