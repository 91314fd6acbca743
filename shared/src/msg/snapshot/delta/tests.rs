//! Deltas give back what was encoded, and refuse everything else.

use proptest::prelude::*;

use super::*;
use crate::msg::snapshot::{FighterView, ProjectileView, UNIT_MM};

fn sample() -> Snapshot {
    let mut snapshot = Snapshot {
        tick: 300,
        ticks_left: 70_000,
        unit_mm: UNIT_MM,
        score: [3, 300],
        rows: Vec::new(),
    };
    let fighter = FighterView {
        slot: 1,
        x_mm: -20,
        y_mm: 65_000,
        sequence: 7,
        hp_permille: 1_000,
        casting: Some(2),
        away: true,
        ..FighterView::default()
    };
    snapshot.put(&fighter);
    let shot = ProjectileView { id: 258, x_mm: 40, towards: (127, -1), ..<_>::default() };
    snapshot.put(&shot);
    snapshot
}

fn bytes_of(snapshot: &Snapshot, baseline: Option<&Snapshot>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(0x0102, snapshot, baseline, &mut bytes);
    bytes
}

/// The sample three ticks later: somebody walked, the projectile is gone, another came.
fn later() -> Snapshot {
    let mut later = sample();
    (later.tick, later.ticks_left) = (303, 69_997);
    later.rows[0].set(0, 50);
    later.rows[1] = EntityRow::new(259, Kind::Projectile);
    later
}

#[test]
fn bytes_are_frozen() {
    #[rustfmt::skip]
    let keyframe = [
        2, 2, 1, 44, 1, 0, 0, 0, 2, 0, 15,
        0xE0, 0xC5, 8, 10, 6, 0xD8, 4,
        5, 0, 0xCF, 0x10, 3, 0xC8, 0x65, 14, 0xD0, 0x0F, 6, 2,
        0x81, 8, 1, 13, 8, 0xFE, 1, 1,
    ];
    assert_eq!(bytes_of(&sample(), None), keyframe);
    assert_eq!(decode(&keyframe, None), Ok(sample()));
    #[rustfmt::skip]
    let delta = [
        2, 2, 1, 47, 1, 0, 0, 3, 3, 0, 0,
        4, 1, 104,
        0x82, 8,
        1, 1, 0,
    ];
    assert_eq!(bytes_of(&later(), Some(&sample())), delta);
    assert_eq!(decode(&delta, Some(&sample())), Ok(later()));
}

#[test]
fn every_cut_and_every_longer_version_is_refused() {
    let base = sample();
    for baseline in [None, Some(&base)] {
        let mut bytes = bytes_of(&later(), baseline);
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut], baseline).is_err(), "cut at {cut}");
        }
        bytes.push(0);
        assert_eq!(decode(&bytes, baseline), Err(SnapshotError::Length));
        bytes[0] = 9;
        assert_eq!(decode(&bytes, baseline), Err(SnapshotError::Layout(9)));
    }
}

#[test]
fn a_delta_is_refused_without_its_baseline() {
    let bytes = bytes_of(&later(), Some(&sample()));
    let refused = Err(SnapshotError::Baseline { stream: 0x0102, tick: 300 });
    assert_eq!(decode(&bytes, None), refused);
    assert_eq!(decode(&bytes, Some(&later())), refused);
}

#[test]
fn a_baseline_that_is_too_old_or_not_older_gives_a_keyframe() {
    for (tick, is_delta) in [(300, false), (301, true), (555, true), (556, false), (3, false)] {
        let snapshot = Snapshot { tick, ..sample() };
        let bytes = bytes_of(&snapshot, Some(&sample()));
        assert_eq!(header_of(&bytes).map(|header| header.baseline.is_some()), Ok(is_delta));
        assert_eq!(decode(&bytes, Some(&sample())), Ok(snapshot), "{tick}");
    }
}

#[test]
fn what_an_encoder_never_writes_is_refused() {
    let head = [2, 0, 0, 44, 1, 0, 0, 0];
    let refused: [&[u8]; 8] = [
        // No unit; an unknown bit of the head; a unit of zero.
        &[0, 0, 0],
        &[0, 0, 16],
        &[0, 0, 2, 0],
        // A change and a removal of what is not there; an unknown entry.
        &[1, 0, 2, 1, 0, 1, 2],
        &[1, 0, 2, 1, 2],
        &[1, 0, 2, 1, 3],
        // An unknown kind; a number beyond the kind's table.
        &[1, 0, 2, 1, 1, 99, 0],
        &[1, 0, 2, 1, 1, 0, 0x80, 0x20, 2],
    ];
    for tail in refused {
        let bytes = [&head[..], tail].concat();
        assert_eq!(decode(&bytes, None), Err(SnapshotError::Range), "{tail:?}");
    }
    let whole = [&head[..], &[1, 0, 2, 1, 1, 0, 0]].concat();
    assert!(decode(&whole, None).is_ok(), "the refused ones differ by what is wrong alone");
}

/// Any rows, as modes can build them.
pub(in super::super) fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let kind = (0..Kind::ALL.len()).prop_map(|n| Kind::ALL[n]);
    let number = prop_oneof![3 => Just(0), 3 => -200..200i32, 1 => any::<i32>()];
    let row = (0u16..40, kind, proptest::collection::vec((0usize..16, number), 0..8));
    let row = row.prop_map(|(id, kind, numbers)| {
        let mut row = EntityRow::new(if id > 35 { id + 65_496 } else { id }, kind);
        numbers.into_iter().for_each(|(at, number)| row.set(at, number));
        row
    });
    let rows = proptest::collection::vec(row, 0..30);
    let score = (any::<u32>(), 0..5u32);
    (any::<u32>(), any::<u32>(), 1..=255u8, score, rows).prop_map(
        |(tick, ticks_left, unit_mm, score, rows)| {
            let score = [score.0, score.1];
            let mut snapshot = Snapshot { tick, ticks_left, unit_mm, score, rows };
            snapshot.sort();
            snapshot
        },
    )
}

proptest! {
    #[test]
    fn any_snapshot_comes_back_from_any_baseline(
        base in any_snapshot(),
        next in any_snapshot(),
        age in 1..=255u32,
    ) {
        let base = Snapshot { tick: base.tick.saturating_sub(255), ..base };
        let next = Snapshot { tick: base.tick + age, ..next };
        prop_assert_eq!(decode(&bytes_of(&next, None), None), Ok(next.clone()));
        prop_assert_eq!(decode(&bytes_of(&next, Some(&base)), Some(&base)), Ok(next));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(
        base in any_snapshot(),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0usize..200,
        byte in any::<u8>(),
        next in any_snapshot(),
    ) {
        let base = Snapshot { tick: 7, ..base };
        let _ = decode(&bytes, Some(&base));
        let begun = [&[LAYOUT, 0, 0, 9, 0, 0, 0, 2][..], &bytes].concat();
        let _ = decode(&begun, Some(&base));
        let mut damaged = bytes_of(&Snapshot { tick: 9, ..next }, Some(&base));
        let at = at % damaged.len();
        damaged[at] = byte;
        if let Ok(read) = decode(&damaged, Some(&base)) {
            let header = header_of(&damaged).expect("it was read");
            let mut again = Vec::new();
            encode(header.stream, &read, header.baseline.map(|_| &base), &mut again);
            prop_assert_eq!(decode(&again, Some(&base)), Ok(read));
        }
    }
}
