//! A client that keeps baselines has exactly the server's rows, whatever the network does.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::delta::encode;
use super::super::delta::tests::any_snapshot;
use super::*;

const STREAM: u16 = 9;

fn bytes_of(stream: u16, snapshot: &Snapshot, baseline: Option<&Snapshot>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(stream, snapshot, baseline, &mut bytes);
    bytes
}

fn at(tick: u32) -> Snapshot {
    Snapshot { tick, ticks_left: 1_000 - tick, unit_mm: 1, ..Snapshot::default() }
}

#[test]
fn a_delta_without_its_baseline_asks_for_a_keyframe_until_one_comes() {
    let mut client = Baselines::default();
    assert_eq!(client.seen_tick(), 0);
    let early = client.take(&bytes_of(STREAM, &at(6), Some(&at(5)))).cloned();
    assert_eq!(early, Err(SnapshotError::Baseline { stream: STREAM, tick: 5 }));
    client.take(&bytes_of(STREAM, &at(7), None)).expect("a keyframe needs nothing");
    assert_eq!(client.seen_tick(), 7);
    assert!(client.take(&bytes_of(STREAM, &at(9), Some(&at(8)))).is_err());
    assert_eq!(client.seen_tick(), 0);
    client.take(&bytes_of(STREAM, &at(10), Some(&at(7)))).expect("its baseline is here");
    assert_eq!(client.seen_tick(), 0, "it still asks");
    client.take(&bytes_of(STREAM, &at(12), None)).expect("a keyframe needs nothing");
    assert_eq!(client.seen_tick(), 12);
}

#[test]
fn what_belongs_to_another_stream_is_ignored_until_its_keyframe_comes() {
    let mut client = Baselines::default();
    client.take(&bytes_of(STREAM, &at(7), None)).expect("a keyframe");
    assert!(client.take(&bytes_of(STREAM + 1, &at(8), Some(&at(7)))).is_err());
    assert_eq!(client.seen_tick(), 7, "nothing is missing in the own stream");
    client.take(&bytes_of(STREAM + 1, &at(3), None)).expect("another battle begins");
    assert_eq!(client.seen_tick(), 3);
    assert!(client.take(&bytes_of(STREAM, &at(9), Some(&at(7)))).is_err());
}

#[test]
fn the_newest_are_kept_and_what_is_older_is_late() {
    let mut client = Baselines::default();
    for tick in (2..=100).step_by(2) {
        client.take(&bytes_of(STREAM, &at(tick), None)).expect("a keyframe");
    }
    assert_eq!(client.kept.len(), BASELINES_MAX);
    assert_eq!(client.take(&bytes_of(STREAM, &at(7), None)).cloned(), Err(SnapshotError::Late));
    let again = client.take(&bytes_of(STREAM, &at(98), None)).cloned();
    assert_eq!((again, client.seen_tick()), (Ok(at(98)), 100));
}

proptest! {
    #[test]
    fn a_client_has_exactly_the_rows_of_the_ticks_that_it_reads(
        snapshots in proptest::collection::vec(any_snapshot(), 1..60),
        fate in proptest::collection::vec((0..4u8, 0..6usize, any::<bool>()), 60),
    ) {
        // The server: everything it has sent, and the newest tick that it knows the client has.
        let mut sent: BTreeMap<u32, Snapshot> = BTreeMap::new();
        let mut acked = None;
        let mut client = Baselines::default();
        let mut on_the_way: Vec<(usize, Vec<u8>)> = Vec::new();
        for (n, (snapshot, fate)) in snapshots.into_iter().zip(fate).enumerate() {
            let (copies, delay, ack_comes) = fate;
            let tick = u32::try_from(n).expect("few") + 1;
            let snapshot = Snapshot { tick, ..snapshot };
            let recent = |acked: &u32| tick - acked < u32::try_from(BASELINES_MAX).expect("few");
            let base = acked.filter(recent).and_then(|tick| sent.get(&tick));
            let bytes = bytes_of(STREAM, &snapshot, base);
            // A keyframe goes by stream and is neither lost nor late.
            let (copies, delay) = if base.is_none() { (1, 0) } else { (copies, delay) };
            sent.insert(tick, snapshot);
            (0..copies).for_each(|copy| {
                on_the_way.push((n + delay + usize::from(copy), bytes.clone()));
            });
            for (_, bytes) in on_the_way.extract_if(.., |(at, _)| *at <= n) {
                let newest = client.seen_tick();
                match client.take(&bytes).cloned() {
                    Ok(read) => prop_assert_eq!(Some(&read), sent.get(&read.tick)),
                    // Its baseline was 31 ticks old when it was sent, and newer ones have come.
                    Err(_) => prop_assert!(header_of(&bytes).expect("ours").tick < newest),
                }
            }
            if ack_comes {
                acked = Some(client.seen_tick()).filter(|tick| *tick > 0);
            }
        }
    }
}
