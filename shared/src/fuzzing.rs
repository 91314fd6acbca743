//! Doorways to the decoders that bytes from outside reach, for fuzzing: not for use.
//!
//! Each is a function of bytes that decodes them and, if they decode, checks that encoding the
//! value again gives the same meaning. It fails by a panic. What only a checksum would refuse is
//! also tried with the checksum mended, because whoever can write bytes can write that as well.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::content::{BUILTIN_FILES, Content};
use crate::directory::NodeCard;
use crate::directory::redis::CARD_BYTES_MAX;
use crate::limits::{
    CLIENT_FRAME_BYTES_MAX, DATAGRAM_BYTES_MAX, MAIL_BYTES_MAX, MQ_FRAME_BYTES_MAX,
    SERVER_FRAME_BYTES_MAX,
};
use crate::msg::Body;
use crate::msg::client::{ClientDatagram, ClientFrame, ServerFrame};
use crate::msg::mail::Mail;
use crate::msg::snapshot::{self, FighterView, PointView, ProjectileView, Snapshot};
use crate::wire;

pub use crate::mq::remote::fuzzing::{remote_envelope, remote_envelopes};
pub use crate::mq::tcp::fuzzing::{tcp_chunk, tcp_chunks, tcp_handshake, tcp_handshakes};
pub use crate::runtime::fuzzing::{flight_recording, flight_recordings};
pub use crate::store::embedded::fuzzing::{embedded_row, embedded_rows};
pub use crate::store::redis::fuzzing::{redis_answer, redis_answers};

/// A decoder.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called in the folder `fuzz/`.
    pub name: &'static str,
    /// The doorway.
    pub run: fn(&[u8]),
    /// Real values in their bytes, to begin with. Frames and mails are frozen elsewhere.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// The decoders of this crate.
pub const TARGETS: [Target; 13] = [
    Target { name: "client_frame", run: client_frame, seeds: Vec::new },
    Target { name: "client_datagram", run: client_datagram, seeds: Vec::new },
    Target { name: "server_frame", run: server_frame, seeds: Vec::new },
    Target { name: "snapshot", run: snapshot, seeds: snapshots },
    Target { name: "node_frame", run: node_frame, seeds: Vec::new },
    Target { name: "mail", run: mail, seeds: Vec::new },
    Target { name: "tcp_handshake", run: tcp_handshake, seeds: tcp_handshakes },
    Target { name: "tcp_chunk", run: tcp_chunk, seeds: tcp_chunks },
    Target { name: "remote_envelope", run: remote_envelope, seeds: remote_envelopes },
    Target { name: "embedded_row", run: embedded_row, seeds: embedded_rows },
    Target { name: "redis_answer", run: redis_answer, seeds: redis_answers },
    Target { name: "flight_recording", run: flight_recording, seeds: flight_recordings },
    Target { name: "content", run: content, seeds: content_files },
];

/// Checks that bytes are refused, or read as a value that is written and read as the same one.
pub fn same_again<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8], max: usize) {
    let Ok(value) = wire::decode::<T>(bytes, max) else { return };
    let again = wire::encode(&value);
    assert!(again.len() <= bytes.len(), "{value:?} is written longer than it was read");
    assert_eq!(wire::decode::<T>(&again, max).as_ref(), Ok(&value));
}

/// A control frame from a client.
pub fn client_frame(bytes: &[u8]) {
    same_again::<ClientFrame>(bytes, CLIENT_FRAME_BYTES_MAX);
}

/// A datagram from a client.
pub fn client_datagram(bytes: &[u8]) {
    same_again::<ClientDatagram>(bytes, DATAGRAM_BYTES_MAX);
}

/// A control frame to a client.
pub fn server_frame(bytes: &[u8]) {
    same_again::<ServerFrame>(bytes, SERVER_FRAME_BYTES_MAX);
}

/// A frame between nodes, or a node's card in the directory.
pub fn node_frame(bytes: &[u8]) {
    same_again::<Body>(bytes, MQ_FRAME_BYTES_MAX);
    same_again::<NodeCard>(bytes, CARD_BYTES_MAX);
}

/// A mail out of a mailbox.
pub fn mail(bytes: &[u8]) {
    same_again::<Mail>(bytes, MAIL_BYTES_MAX);
}

/// A battle's snapshot, as a client gets it that has the seeds' baseline.
pub fn snapshot(bytes: &[u8]) {
    let base = baseline();
    let Ok(header) = snapshot::header_of(bytes) else { return };
    let Ok(read) = snapshot::decode(bytes, Some(&base)) else { return };
    let mut again = Vec::new();
    snapshot::encode(header.stream, &read, header.baseline.map(|_| &base), &mut again);
    assert_eq!(snapshot::decode(&again, Some(&base)), Ok(read));
}

/// A content file; the first byte says which one, the others are the built-in ones. What is wrong
/// is also told.
pub fn content(bytes: &[u8]) {
    let Some((which, text)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let mut files = BUILTIN_FILES.map(|(name, text)| (name, text.into()));
    files[usize::from(*which) % BUILTIN_FILES.len()].1 = text;
    match Content::parse(&files) {
        Ok(content) => same_again::<Content>(&wire::encode(&content), usize::MAX),
        Err(errors) => assert!(!errors.to_string().is_empty(), "nothing is said to be wrong"),
    }
}

fn baseline() -> Snapshot {
    let mut base = Snapshot { tick: 77, ticks_left: 300, unit_mm: 10, ..Snapshot::default() };
    for slot in 0..4 {
        let x_mm = -300 * i32::from(slot);
        let hp_permille = 700 * slot % 1_000;
        base.put(&FighterView { slot, x_mm, y_mm: 40, hp_permille, ..FighterView::default() });
    }
    base.put(&ProjectileView { id: 300, x_mm: 1, towards: (127, -3), ..<_>::default() });
    base
}

fn snapshots() -> Vec<Vec<u8>> {
    let base = baseline();
    let mut next = Snapshot { tick: 80, ticks_left: 297, score: [1, 0], ..base.clone() };
    next.rows.remove(2);
    next.rows[1].set(0, 5);
    next.put(&PointView { id: 400, holder: Some(1), ..PointView::default() });
    let encoded = |snapshot: &Snapshot, base: Option<&Snapshot>| {
        let mut bytes = Vec::new();
        snapshot::encode(7, snapshot, base, &mut bytes);
        bytes
    };
    let empty = Snapshot { unit_mm: 1, ..Snapshot::default() };
    vec![encoded(&empty, None), encoded(&base, None), encoded(&next, Some(&base))]
}

fn content_files() -> Vec<Vec<u8>> {
    let file = |(which, (_, text)): (u8, (&str, &str))| {
        // The beginning has an entry of every kind.
        let text: Vec<_> = text.lines().take(30).collect();
        [&[which], text.join("\n").as_bytes()].concat()
    };
    (0..).zip(BUILTIN_FILES).map(file).collect()
}
