//! Doorway to the envelopes of the node MQ over a broker.

use bytes::Bytes;

use super::envelope::{Acknowledged, Frame, HEADER_BYTES, Header, mend};
use super::inbound::Inbound;
use crate::fuzzing::node_frame;
use crate::ids::{Key, NodeId, PlayerId, Role};
use crate::msg::Body;
use crate::wire;

/// A batch as a broker hands it over: as it is, and with a checksum that fits.
pub fn remote_envelope(bytes: &[u8]) {
    batch(bytes);
    let mut mended = bytes.to_vec();
    mend(&mut mended);
    batch(&mended);
}

fn batch(bytes: &[u8]) {
    let Ok(header) = Header::read(bytes) else { return };
    let mut again = bytes.to_vec();
    header.write(&mut again);
    assert_eq!(Header::read(&again), Ok(header));
    let mut rest = &bytes[HEADER_BYTES..];
    while let Ok((frame, len)) = Frame::read(rest) {
        rest = &rest[len..];
        let (roles, trace) = ((frame.from, frame.to), frame.trace.as_ref());
        let mut written = Vec::new();
        Frame::append(&mut written, roles, frame.returned, trace, |onto| onto.extend(frame.body));
        assert_eq!(Frame::read(&written), Ok((frame, len)));
        node_frame(frame.body);
    }
    let mut inbound = Inbound::default();
    inbound.arrive(0, &header, Bytes::copy_from_slice(bytes), true);
    while let Some(read) = inbound.peek() {
        match read.map(|(_, len)| len) {
            Ok(len) => inbound.settle(len),
            Err(_malformed) => {
                inbound.give_up_batch();
            }
        }
        inbound.owe(0);
    }
    assert_eq!(inbound.parked_bytes(), 0, "what was given up takes no room");
}

/// Batches without and with frames.
#[must_use]
pub fn remote_envelopes() -> Vec<Vec<u8>> {
    let batch = |frames: u32| {
        let mut bytes = vec![0; HEADER_BYTES];
        for n in 0..frames {
            let body = Body::MailWaiting(Key::Player(PlayerId(u64::from(n))));
            let trace = (n == 1).then_some([9; 24]);
            let roles = (Role::Social, Role::Battleapp);
            let write = |onto: &mut Vec<u8>| wire::encode_onto(&body, onto);
            Frame::append(&mut bytes, roles, n == 2, trace.as_ref(), write);
        }
        let (from, to) = (NodeId { node: 1, incarnation: 2 }, NodeId { node: 3, incarnation: 4 });
        let acknowledged = Acknowledged { received: 7, settled: 6, resend: frames == 1 };
        Header { from, to, first: 1, frames, acknowledged }.write(&mut bytes);
        bytes
    };
    [0, 1, 3].map(batch).to_vec()
}
