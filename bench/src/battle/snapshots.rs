//! Snapshots to clients: the difference to an acknowledged baseline, beside writing the same rows
//! whole with a fixed width.

use shared::msg::snapshot::{
    EntityRow, FighterView, ProjectileView, Snapshot, UNIT_MM, decode, encode,
};

use crate::clock;
use crate::error::{BenchError, Result};
use crate::figure::{Figure, Unit};
use crate::harness::{Harness, per_second};

/// Things in the scenes: a fight of ten with what flies, and the sight of one player in a siege.
const SCENES: [(&str, u16); 2] = [("15 rows", 15), ("120 rows", 120)];
/// Ticks of a scene.
const TICKS: u32 = 64;
/// How old the baseline is: what a round trip of 100 ms and the client's own pace make of it.
const BASELINE_TICKS: u32 = 3;
/// Snapshots that are encoded in a round.
const SNAPSHOTS: usize = 40_000;
/// Numbers of a row that the yardstick writes; with id and kind it takes 19 bytes.
const WHOLE_FIELDS: usize = 4;

/// Measures rows a second, of those that are looked at: most have changed.
///
/// # Errors
/// [`BenchError`] says what stands in the way.
pub(super) fn measure(harness: &mut Harness<'_>) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (name, rows) in SCENES {
        let scene: Vec<Snapshot> = (1..=TICKS).map(|tick| at(tick, rows)).collect();
        let pairs: Vec<(&Snapshot, &Snapshot)> = pairs(&scene);
        let written: Vec<Vec<u8>> = pairs
            .iter()
            .map(|(base, next)| {
                let mut bytes = Vec::new();
                encode(1, next, Some(base), &mut bytes);
                bytes
            })
            .collect();
        let count = harness.count(SNAPSHOTS);
        let each = usize::from(rows) * count;
        let mut out = Vec::new();
        let mut encodes = |_| {
            let start = clock::now();
            for (base, next) in pairs.iter().cycle().take(count) {
                out.clear();
                encode(1, next, Some(base), &mut out);
            }
            Ok([per_second(each, start)])
        };
        let mut whole = Vec::new();
        let mut writes = |_| {
            let start = clock::now();
            for (_, next) in pairs.iter().cycle().take(count) {
                whole.clear();
                next.rows.iter().for_each(|row| write_whole(row, &mut whole));
            }
            Ok([per_second(each, start)])
        };
        let mut decodes = |_| {
            let start = clock::now();
            for ((base, _), bytes) in pairs.iter().zip(&written).cycle().take(count) {
                decode(bytes, Some(base))
                    .map_err(|_| BenchError::Silent { what: "the decoder" })?;
            }
            Ok([per_second(each, start)])
        };
        let what = format!("snapshots of {name}");
        let told = harness.alternate(&what, [&mut encodes, &mut writes, &mut decodes])?;
        let [[encoded], [whole], [decoded]] = told;
        let figure = |what: &str, product| {
            Figure::new(
                format!("{what} {name}, beside writing them whole"),
                Unit::PerSecond,
                product,
                &whole,
            )
        };
        figures.extend([figure("encode", &encoded), figure("decode", &decoded)]);
    }
    Ok(figures)
}

fn pairs(scene: &[Snapshot]) -> Vec<(&Snapshot, &Snapshot)> {
    let behind = usize::try_from(BASELINE_TICKS).unwrap_or(0);
    scene.iter().zip(scene.iter().skip(behind)).collect()
}

/// Two thirds of the things are fighters, of which two thirds walk; the others fly.
fn at(tick: u32, rows: u16) -> Snapshot {
    let mut seen = Snapshot { tick, unit_mm: UNIT_MM, ..Snapshot::default() };
    let ticks = i32::try_from(tick).unwrap_or(0);
    for id in 0..rows {
        let side = i32::from(id) * 900;
        if id < rows * 2 / 3 {
            let walked = if id % 3 == 0 { 0 } else { ticks * 180 };
            let hp_permille = 1_000 - id % 7 * 10 - u16::try_from(tick / 8).unwrap_or(0);
            let (x_mm, y_mm, sequence) = (walked - side, side - walked / 2, tick);
            let slot = id;
            seen.put(&FighterView { slot, x_mm, y_mm, sequence, hp_permille, ..<_>::default() });
        } else {
            let (x_mm, y_mm) = (ticks * 600 - side, ticks * 100);
            seen.put(&ProjectileView { id, x_mm, y_mm, towards: (127, 20), ..<_>::default() });
        }
    }
    seen
}

fn write_whole(row: &EntityRow, out: &mut Vec<u8>) {
    out.extend(row.id.to_le_bytes());
    out.push(row.kind().number());
    for field in row.fields().iter().take(WHOLE_FIELDS) {
        out.extend(field.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_is_written_and_read_and_takes_few_bytes() {
        for (_, rows) in SCENES {
            let scene: Vec<Snapshot> = (1..=TICKS).map(|tick| at(tick, rows)).collect();
            let (mut bytes, mut whole) = (Vec::new(), Vec::new());
            for (base, next) in pairs(&scene) {
                bytes.clear();
                whole.clear();
                encode(1, next, Some(base), &mut bytes);
                assert_eq!(decode(&bytes, Some(base)).as_ref(), Ok(next));
                next.rows.iter().for_each(|row| write_whole(row, &mut whole));
                assert!(2 * bytes.len() < whole.len(), "{} of {}", bytes.len(), whole.len());
            }
        }
    }
}
