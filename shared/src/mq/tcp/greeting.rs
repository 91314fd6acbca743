//! A connection in its handshake. It has a deadline, holds no more than one message, and gets
//! nothing of the link.

use std::io::{self, Read, Write};

use mio::net::TcpStream;
use thiserror::Error;

use super::handshake::{
    ANSWER_BYTES, Acceptor, Agreed, Dialer, HELLO_BYTES, Identity, LinkRefusal, MAGIC, NONCE_BYTES,
    PROVE_BYTES, READY_BYTES,
};
use crate::ids::NodeId;

/// A connection whose other side has not proved itself, or to which we have not.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) stream: TcpStream,
    pub(super) deadline_ns: u64,
    /// Whom we have dialled.
    pub(super) dialled: Option<NodeId>,
    stage: Stage,
    inbox: [u8; INBOX_BYTES],
    filled: usize,
}

/// What the node decides in a handshake.
pub(super) trait Host {
    fn identity(&self) -> &Identity;
    /// Bytes that nobody can foretell.
    fn nonce(&self) -> io::Result<[u8; NONCE_BYTES]>;
    /// The number of the last frame that came from `peer`.
    fn received(&self, peer: NodeId) -> u64;
    /// Whether there may be a link to a peer that has proved itself and that has received
    /// everything up to `peer_received`; the number of the last frame that came from it.
    fn admit(&mut self, peer: NodeId, peer_received: u64) -> Result<u64, LinkRefusal>;
}

/// How far a handshake is.
#[derive(Debug)]
pub(super) enum Step {
    /// Not at its end.
    Waits,
    /// A link.
    Agreed(NodeId, Agreed),
    /// No link.
    Failed(Failure),
}

/// Why a handshake failed.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error("refused: {0}")]
    Refused(LinkRefusal),
    #[error("what came is no handshake")]
    Garbage,
    #[error("the connection failed: {0}")]
    Io(io::Error),
}

const INBOX_BYTES: usize = ANSWER_BYTES;

const _: () = assert!(HELLO_BYTES <= INBOX_BYTES);
const _: () = assert!(PROVE_BYTES <= INBOX_BYTES && READY_BYTES <= INBOX_BYTES);

#[derive(Debug)]
enum Stage {
    Connecting(NodeId),
    AwaitsAnswer(NodeId, Box<Dialer>),
    AwaitsReady(NodeId, Box<Dialer>),
    AwaitsHello,
    AwaitsProof(Box<Acceptor>),
    Over,
}

impl Greeting {
    pub(super) const fn dialled(stream: TcpStream, peer: NodeId, deadline_ns: u64) -> Self {
        Self::new(stream, Some(peer), Stage::Connecting(peer), deadline_ns)
    }

    pub(super) const fn accepted(stream: TcpStream, deadline_ns: u64) -> Self {
        Self::new(stream, None, Stage::AwaitsHello, deadline_ns)
    }

    const fn new(
        stream: TcpStream,
        dialled: Option<NodeId>,
        stage: Stage,
        deadline_ns: u64,
    ) -> Self {
        Self { stream, deadline_ns, dialled, stage, inbox: [0; INBOX_BYTES], filled: 0 }
    }

    /// Goes on as far as the socket allows.
    pub(super) fn step(&mut self, host: &mut impl Host) -> Step {
        loop {
            match self.advance(host) {
                Ok(Step::Waits) => {}
                Ok(step @ (Step::Agreed(..) | Step::Failed(_))) => return step,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Step::Waits,
                Err(error) => return Step::Failed(Failure::Io(error)),
            }
        }
    }

    /// One message. `WouldBlock` says that it is not there yet.
    fn advance(&mut self, host: &mut impl Host) -> io::Result<Step> {
        if let Stage::Connecting(peer) = self.stage {
            self.connected()?;
            let (dialer, hello) = Dialer::hello(host.identity(), peer, &host.nonce()?);
            self.stage = Stage::AwaitsAnswer(peer, Box::new(dialer));
            self.write(&hello)?;
            return Ok(Step::Waits);
        }
        match &self.stage {
            Stage::AwaitsAnswer(..) => self.fill(ANSWER_BYTES)?,
            Stage::AwaitsReady(..) => self.fill(READY_BYTES)?,
            Stage::AwaitsProof(_) => self.fill(PROVE_BYTES)?,
            Stage::AwaitsHello => {
                let filled = self.fill(HELLO_BYTES);
                let prefix = self.filled.min(MAGIC.len());
                if self.inbox[..prefix] != MAGIC[..prefix] {
                    return Ok(Step::Failed(Failure::Garbage));
                }
                filled?;
            }
            Stage::Connecting(_) | Stage::Over => {}
        }
        self.filled = 0;
        self.take_message(host)
    }

    fn take_message(&mut self, host: &mut impl Host) -> io::Result<Step> {
        let refused = |refusal| Ok(Step::Failed(Failure::Refused(refusal)));
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::AwaitsAnswer(peer, mut dialer) => {
                match dialer.prove(&self.message(), host.received(peer)) {
                    Ok(proof) => self.write(&proof)?,
                    Err(refusal) => return refused(refusal),
                }
                self.stage = Stage::AwaitsReady(peer, dialer);
                Ok(Step::Waits)
            }
            Stage::AwaitsReady(peer, dialer) => match dialer.agree(&self.message()) {
                Ok(agreed) => Ok(Step::Agreed(peer, agreed)),
                Err(refusal) => refused(refusal),
            },
            Stage::AwaitsHello => {
                let (answer, acceptor) =
                    Acceptor::answer(host.identity(), &self.message(), &host.nonce()?);
                self.write(&answer)?;
                match acceptor {
                    Ok(acceptor) => self.stage = Stage::AwaitsProof(Box::new(acceptor)),
                    Err(refusal) => return refused(refusal),
                }
                Ok(Step::Waits)
            }
            Stage::AwaitsProof(acceptor) => self.admit(*acceptor, host),
            Stage::Connecting(_) | Stage::Over => Ok(Step::Failed(Failure::Garbage)),
        }
    }

    fn admit(&mut self, mut acceptor: Acceptor, host: &mut impl Host) -> io::Result<Step> {
        let checked = acceptor.check(&self.message());
        let admitted = checked.and_then(|(peer, peer_received)| {
            Ok((peer, peer_received, host.admit(peer, peer_received)?))
        });
        match admitted {
            Ok((peer, peer_received, received)) => {
                let (ready, agreed) = acceptor.ready(received, peer_received);
                self.write(&ready)?;
                Ok(Step::Agreed(peer, agreed))
            }
            Err(refusal) => {
                self.write(&acceptor.refuse(refusal))?;
                Ok(Step::Failed(Failure::Refused(refusal)))
            }
        }
    }

    fn connected(&self) -> io::Result<()> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => self.stream.set_nodelay(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            Err(error) => Err(error),
        }
    }

    /// Reads until there are `count` bytes, and not one more.
    fn fill(&mut self, count: usize) -> io::Result<()> {
        while self.filled < count {
            match self.stream.read(&mut self.inbox[self.filled..count]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => self.filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn message<const N: usize>(&self) -> [u8; N] {
        let mut message = [0; N];
        message.copy_from_slice(&self.inbox[..N]);
        message
    }

    /// A new socket has room for all that is said here; one that has not is given up.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.stream.write(bytes)?;
        if written < bytes.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }
}
