//! The bytes of every message and stored mail are frozen: this build writes them as earlier ones
//! did, reads them back, and refuses them cut short, with a tail, or at random.
//!
//! The samples' bytes stand in `frozen/messages.txt`. A new message adds a sample here; run the
//! test with `COHORT_FREEZE=1` to add its line. From the first release on, lines that are there are
//! never rewritten.

#[path = "frozen/samples.rs"]
mod samples;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use proptest::prelude::*;
use shared::limits::SERVER_FRAME_BYTES_MAX;
use shared::msg::Body;
use shared::msg::client::{ClientDatagram, ClientFrame, ServerFrame};
use shared::msg::mail::Mail;
use shared::wire;

use samples::{Sample, samples};

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frozen/messages.txt")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

fn frozen() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    let line = |line: &str| line.split_once(' ').map(|(n, h)| (n.to_owned(), h.to_owned()));
    text.lines().filter_map(line).collect()
}

/// Whether bytes are accepted as what the sample is.
fn reads(sample: &Sample, bytes: &[u8]) -> Option<Sample> {
    let max = SERVER_FRAME_BYTES_MAX;
    match sample {
        Sample::Client(_) => wire::decode(bytes, max).ok().map(Sample::Client),
        Sample::Server(_) => wire::decode(bytes, max).ok().map(Sample::Server),
        Sample::Datagram(_) => wire::decode(bytes, max).ok().map(Sample::Datagram),
        Sample::Body(_) => wire::decode(bytes, max).ok().map(Sample::Body),
        Sample::Mail(_) => wire::decode(bytes, max).ok().map(Sample::Mail),
    }
}

#[test]
fn every_message_is_written_as_it_always_was() {
    let mut known = frozen();
    let mut missing = Vec::new();
    for (name, sample) in samples() {
        let bytes = hex(&sample.bytes());
        match known.remove(name) {
            Some(before) => assert_eq!(bytes, before, "{name}: the bytes have changed"),
            None => missing.push(format!("{name} {bytes}\n")),
        }
    }
    assert!(known.is_empty(), "frozen lines without a sample: {:?}", known.keys());
    if !missing.is_empty() && std::env::var_os("COHORT_FREEZE").is_some() {
        let mut text = std::fs::read_to_string(file()).unwrap_or_default();
        text.extend(missing.iter().map(String::as_str));
        std::fs::write(file(), text).expect("the folder of this test is writable");
        return;
    }
    assert!(missing.is_empty(), "not frozen yet:\n{}", missing.concat());
}

#[test]
fn every_message_reads_back_and_is_refused_cut_short_or_with_a_tail() {
    for (name, sample) in samples() {
        let mut bytes = sample.bytes();
        assert_eq!(reads(&sample, &bytes).as_ref(), Some(&sample), "{name}");
        for cut in 0..bytes.len() {
            let read = reads(&sample, &bytes[..cut]);
            assert_eq!(read, None, "{name} cut to {cut} of {} bytes", bytes.len());
        }
        bytes.push(0);
        assert_eq!(reads(&sample, &bytes), None, "{name} with a tail");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = wire::decode::<ClientFrame>(&bytes, 300);
        let _ = wire::decode::<ServerFrame>(&bytes, 300);
        let _ = wire::decode::<ClientDatagram>(&bytes, 300);
        let _ = wire::decode::<Body>(&bytes, 300);
        let _ = wire::decode::<Mail>(&bytes, 300);
    }

    #[test]
    fn flipped_bytes_never_panic(which in 0..1_000usize, at in any::<usize>(), bits in 1..=255u8) {
        let all = samples();
        let sample = &all[which % all.len()].1;
        let mut bytes = sample.bytes();
        let at = at % bytes.len();
        bytes[at] ^= bits;
        let _ = reads(sample, &bytes);
    }
}
