//! Doorways to what a stranger's connection can say: the handshake, and chunks with frames.

use super::chunk::{FrameBytes, Frames, HEAD_BYTES, Head, write_frame};
use super::handshake::{
    ANSWER_BYTES, Acceptor, Dialer, HELLO_BYTES, Identity, NONCE_BYTES, PROVE_BYTES, READY_BYTES,
};
use super::receiving::{Got, Receiving};
use crate::fuzzing::node_frame;
use crate::ids::{ClusterId, Key, NodeId, PlayerId, Role};
use crate::msg::Body;
use crate::wire;

const SEED: u64 = 9;
const HANDSHAKE_BYTES: usize = HELLO_BYTES + ANSWER_BYTES + PROVE_BYTES + READY_BYTES;

/// A handshake whose messages are changed on their way: the bytes are combined with them by
/// exclusive or. And the bytes as messages of their own. Only an unchanged one ends with a link.
pub fn tcp_handshake(bytes: &[u8]) {
    let mut changes = [0; HANDSHAKE_BYTES];
    let len = bytes.len().min(HANDSHAKE_BYTES);
    changes[..len].copy_from_slice(&bytes[..len]);
    let is_changed = changes.iter().any(|byte| *byte != 0);
    assert_eq!(handshake(&changes, |said, change| said ^ change), !is_changed);
    assert!(!handshake(&changes, |_, own| own), "nobody has proved anything");
}

/// Whether both sides agree; `on_its_way` makes a byte from what was said and what stands in the
/// changes.
fn handshake(changes: &[u8; HANDSHAKE_BYTES], on_its_way: fn(u8, u8) -> u8) -> bool {
    let mut rest = &changes[..];
    let [one, two] = [1, 2].map(|node| Identity {
        me: NodeId { node, incarnation: 1 },
        cluster: ClusterId(5),
        key: [7; 32],
    });
    let (mut dialer, mut hello) = Dialer::hello(&one, two.me, &[3; NONCE_BYTES]);
    change(&mut hello, &mut rest, on_its_way);
    let (mut answer, accepted) = Acceptor::answer(&two, &hello, &[4; NONCE_BYTES]);
    change(&mut answer, &mut rest, on_its_way);
    let Ok(mut proof) = dialer.prove(&answer, 11) else { return false };
    let Ok(mut acceptor) = accepted else { return false };
    change(&mut proof, &mut rest, on_its_way);
    let Ok((peer, received)) = acceptor.check(&proof) else { return false };
    assert_eq!((peer, received), (one.me, 11), "what was proved is what was said");
    let (mut ready, theirs) = acceptor.ready(12, received);
    change(&mut ready, &mut rest, on_its_way);
    let Ok(ours) = dialer.agree(&ready) else { return false };
    assert_eq!((ours.seed_in, ours.seed_out), (theirs.seed_out, theirs.seed_in));
    assert_eq!((ours.peer_received, theirs.peer_received), (12, 11));
    true
}

fn change(message: &mut [u8], changes: &mut &[u8], on_its_way: fn(u8, u8) -> u8) {
    let (own, rest) = changes.split_at(message.len());
    for (said, own) in message.iter_mut().zip(own) {
        *said = on_its_way(*said, *own);
    }
    *changes = rest;
}

/// A stream of chunks; and the bytes as the body of a chunk whose checksum fits.
pub fn tcp_chunk(bytes: &[u8]) {
    stream(bytes);
    let mut sealed = sealed(bytes, 1).to_vec();
    sealed.extend_from_slice(bytes);
    stream(&sealed);
}

fn stream(mut bytes: &[u8]) {
    let mut receiving = Receiving::new(SEED);
    while let Ok(Got::Bytes { .. }) = receiving.read(&mut bytes) {
        loop {
            match receiving.chunk() {
                Ok(Some((head, body))) => {
                    assert_eq!(head.body_len(), body.len());
                    frames(body);
                }
                Ok(None) => break,
                Err(_bad) => return,
            }
        }
    }
}

fn frames(body: &[u8]) {
    for frame in Frames::of(body) {
        let Ok(frame) = frame else { return };
        let FrameBytes { from, to, returned, body } = frame;
        let mut again = Vec::new();
        write_frame(&mut again, (from, to), returned, |onto| onto.extend_from_slice(body));
        assert_eq!(Frames::of(&again).collect::<Vec<_>>(), [Ok(frame)]);
        node_frame(body);
    }
}

fn sealed(body: &[u8], frames: u32) -> [u8; HEAD_BYTES] {
    let body_bytes = u32::try_from(body.len()).unwrap_or(u32::MAX);
    Head { body_bytes, frames, first: 1, delivered: 0 }.seal(body, SEED)
}

/// Nothing changed, and single bits of each message.
#[must_use]
pub fn tcp_handshakes() -> Vec<Vec<u8>> {
    let starts = [0, HELLO_BYTES, HELLO_BYTES + ANSWER_BYTES, HANDSHAKE_BYTES - READY_BYTES];
    let changed = |start: usize| {
        let mut changes = vec![0; HANDSHAKE_BYTES];
        changes[start + 9] = 1;
        changes
    };
    let mut seeds = vec![vec![0; HANDSHAKE_BYTES]];
    seeds.extend(starts.map(changed));
    seeds
}

/// Bodies, and a stream of two chunks.
#[must_use]
pub fn tcp_chunks() -> Vec<Vec<u8>> {
    let frame = |role, returned| {
        let body = Body::MailWaiting(Key::Player(PlayerId(300)));
        let mut bytes = Vec::new();
        let write = |onto: &mut Vec<u8>| wire::encode_onto(&body, onto);
        write_frame(&mut bytes, (Role::Social, role), returned, write);
        bytes
    };
    let one = frame(Role::Baseapp, false);
    let two = [frame(Role::Matchmaker, true), one.clone()].concat();
    let stream = [&sealed(&two, 2)[..], &two, &sealed(&[], 0), &[]].concat();
    vec![one, two, stream]
}
