//! Snapshots of a battle as clients get them.
//!
//! Everything is little-endian. A snapshot is complete: it needs no earlier one. The datagram
//! that carries it has one byte `DATAGRAM_SNAPSHOT` in front, which is not part of this layout.
//!
//! ```text
//! header, 12 bytes
//!   0  u8   layout, always 1
//!   1  u32  battle tick
//!   5  u16  ticks left until time is up; 65535 means that or more
//!   7  u8   unit: millimetres per step of a position
//!   8  u8   kills of side 0; 255 means that or more
//!   9  u8   kills of side 1, likewise
//!  10  u8   number of fighters, at most 32
//!  11  u8   number of projectiles, at most 64
//! fighter, 11 bytes each, ordered by slot
//!   0  u8   slot
//!   1  i16  x in units from the centre of the map
//!   3  i16  y
//!   5  u16  bits 0-9 hit points in 1/1000 of the maximum, rounded up, so that only the dead have
//!           none; bit 10 dead, 11 melee recharging, 12 ranged recharging, 13 player is away
//!   7  u32  sequence of the last command that was applied for this fighter; 0 for none
//! projectile, 9 bytes each, ordered by id
//!   0  u16  id; the same projectile keeps it from snapshot to snapshot
//!   2  i16  x in units
//!   4  i16  y
//!   6  i8   x of its direction, as the shot was aimed
//!   7  i8   y
//!   8  u8   slot of the fighter who shot it
//! ```
//!
//! Ten fighters take 122 bytes, and each projectile 9 more.

use thiserror::Error;

use crate::limits::DATAGRAM_BYTES_MAX;

/// The value of the first byte.
pub const LAYOUT: u8 = 1;
/// Fighters in one snapshot; battles with more need another layout.
pub const FIGHTERS_MAX: usize = 32;
/// Projectiles in one snapshot. Of more, the ones shot last are shown.
pub const PROJECTILES_MAX: usize = 64;

const HEADER_BYTES: usize = 12;
const FIGHTER_BYTES: usize = 11;
const PROJECTILE_BYTES: usize = 9;
const BYTES_MAX: usize =
    HEADER_BYTES + FIGHTERS_MAX * FIGHTER_BYTES + PROJECTILES_MAX * PROJECTILE_BYTES;
const _: () = assert!(BYTES_MAX < DATAGRAM_BYTES_MAX);

const HP_MASK: u16 = 0x3FF;
const DEAD: u16 = 1 << 10;
const MELEE_RECHARGES: u16 = 1 << 11;
const RANGED_RECHARGES: u16 = 1 << 12;
const AWAY: u16 = 1 << 13;

/// A battle at the end of one tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The battle tick.
    pub tick: u32,
    /// Ticks until time is up; at most 65535 are told.
    pub ticks_left: u32,
    /// Precision of positions, see [`unit_mm`].
    pub unit_mm: u8,
    /// Kills of each side; at most 255 are told.
    pub kills: [u32; 2],
    /// The fighters, ordered by slot.
    pub fighters: Vec<FighterView>,
    /// The projectiles, ordered by id.
    pub projectiles: Vec<ProjectileView>,
}

/// A fighter in a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FighterView {
    /// Its number in the battle.
    pub slot: u8,
    /// Position from the centre of the map.
    pub x_mm: i32,
    /// Position from the centre of the map.
    pub y_mm: i32,
    /// Hit points in 1/1000 of the maximum, `0..=1000`.
    pub hp_permille: u16,
    /// Waits for its return.
    pub dead: bool,
    /// The melee skill cannot be used yet.
    pub melee_recharges: bool,
    /// The ranged skill cannot be used yet.
    pub ranged_recharges: bool,
    /// The player has lost the connection.
    pub away: bool,
    /// Sequence of the last command that was applied.
    pub sequence: u32,
}

/// A projectile in a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectileView {
    /// Stays the same while it flies.
    pub id: u16,
    /// Position from the centre of the map.
    pub x_mm: i32,
    /// Position from the centre of the map.
    pub y_mm: i32,
    /// Where it flies, as it was aimed.
    pub towards: (i8, i8),
    /// Who shot it.
    pub owner: u8,
}

/// Why bytes are no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// The first byte names a layout that this build does not know.
    #[error("snapshot layout {0} is unknown")]
    Layout(u8),
    /// Fewer or more bytes than the header announces, or more entries than there may be.
    #[error("the snapshot's length does not fit its header")]
    Length,
    /// A number is out of its range.
    #[error("the snapshot holds a number out of range")]
    Range,
}

/// The precision that a map of this half size needs, so that positions fit 16 bits.
#[must_use]
pub fn unit_mm(half_size_mm: (i32, i32)) -> u8 {
    let half = half_size_mm.0.max(half_size_mm.1).max(0);
    u8::try_from(half / i32::from(i16::MAX) + 1).unwrap_or(u8::MAX)
}

impl Snapshot {
    /// The bytes, always fewer than `limits::DATAGRAM_BYTES_MAX`. Fighters beyond
    /// [`FIGHTERS_MAX`] are left out, and so are the oldest projectiles beyond
    /// [`PROJECTILES_MAX`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let unit = i32::from(self.unit_mm.max(1));
        let fighters = &self.fighters[..self.fighters.len().min(FIGHTERS_MAX)];
        let skipped = self.projectiles.len().saturating_sub(PROJECTILES_MAX);
        let projectiles = &self.projectiles[skipped..];
        let mut out = Vec::with_capacity(
            HEADER_BYTES + fighters.len() * FIGHTER_BYTES + projectiles.len() * PROJECTILE_BYTES,
        );
        out.push(LAYOUT);
        out.extend(self.tick.to_le_bytes());
        out.extend(u16::try_from(self.ticks_left).unwrap_or(u16::MAX).to_le_bytes());
        out.push(self.unit_mm.max(1));
        out.extend(self.kills.map(|kills| u8::try_from(kills).unwrap_or(u8::MAX)));
        out.push(u8::try_from(fighters.len()).unwrap_or(0));
        out.push(u8::try_from(projectiles.len()).unwrap_or(0));
        for fighter in fighters {
            out.push(fighter.slot);
            out.extend(steps(fighter.x_mm, unit).to_le_bytes());
            out.extend(steps(fighter.y_mm, unit).to_le_bytes());
            out.extend(fighter.bits().to_le_bytes());
            out.extend(fighter.sequence.to_le_bytes());
        }
        for projectile in projectiles {
            out.extend(projectile.id.to_le_bytes());
            out.extend(steps(projectile.x_mm, unit).to_le_bytes());
            out.extend(steps(projectile.y_mm, unit).to_le_bytes());
            out.extend(projectile.towards.0.to_le_bytes());
            out.extend(projectile.towards.1.to_le_bytes());
            out.push(projectile.owner);
        }
        out
    }

    /// Reads what [`Snapshot::encode`] wrote.
    ///
    /// # Errors
    /// [`SnapshotError`]; no bytes can make this panic.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (header, rest) =
            bytes.split_first_chunk::<HEADER_BYTES>().ok_or(SnapshotError::Length)?;
        let [layout, t0, t1, t2, t3, l0, l1, unit_mm, kills_0, kills_1, fighters, projectiles] =
            *header;
        if layout != LAYOUT {
            return Err(SnapshotError::Layout(layout));
        }
        let (fighters, projectiles) = (usize::from(fighters), usize::from(projectiles));
        if fighters > FIGHTERS_MAX || projectiles > PROJECTILES_MAX {
            return Err(SnapshotError::Length);
        }
        let (fighter_bytes, projectile_bytes) = rest
            .split_at_checked(fighters * FIGHTER_BYTES)
            .filter(|(_, last)| last.len() == projectiles * PROJECTILE_BYTES)
            .ok_or(SnapshotError::Length)?;
        if unit_mm == 0 {
            return Err(SnapshotError::Range);
        }
        let unit = i32::from(unit_mm);
        let (fighter_rows, _) = fighter_bytes.as_chunks::<FIGHTER_BYTES>();
        let (projectile_rows, _) = projectile_bytes.as_chunks::<PROJECTILE_BYTES>();
        Ok(Self {
            tick: u32::from_le_bytes([t0, t1, t2, t3]),
            ticks_left: u32::from(u16::from_le_bytes([l0, l1])),
            unit_mm,
            kills: [u32::from(kills_0), u32::from(kills_1)],
            fighters: fighter_rows
                .iter()
                .map(|row| FighterView::decode(row, unit))
                .collect::<Result<_, _>>()?,
            projectiles: projectile_rows
                .iter()
                .map(|row| ProjectileView::decode(row, unit))
                .collect(),
        })
    }
}

impl FighterView {
    fn bits(&self) -> u16 {
        let flag = |set: bool, bit: u16| if set { bit } else { 0 };
        self.hp_permille.min(1000)
            | flag(self.dead, DEAD)
            | flag(self.melee_recharges, MELEE_RECHARGES)
            | flag(self.ranged_recharges, RANGED_RECHARGES)
            | flag(self.away, AWAY)
    }

    fn decode(row: &[u8; FIGHTER_BYTES], unit: i32) -> Result<Self, SnapshotError> {
        let [slot, x0, x1, y0, y1, b0, b1, s0, s1, s2, s3] = *row;
        let bits = u16::from_le_bytes([b0, b1]);
        let hp_permille = bits & HP_MASK;
        if hp_permille > 1000 || bits >= AWAY << 1 {
            return Err(SnapshotError::Range);
        }
        Ok(Self {
            slot,
            x_mm: i32::from(i16::from_le_bytes([x0, x1])) * unit,
            y_mm: i32::from(i16::from_le_bytes([y0, y1])) * unit,
            hp_permille,
            dead: bits & DEAD != 0,
            melee_recharges: bits & MELEE_RECHARGES != 0,
            ranged_recharges: bits & RANGED_RECHARGES != 0,
            away: bits & AWAY != 0,
            sequence: u32::from_le_bytes([s0, s1, s2, s3]),
        })
    }
}

impl ProjectileView {
    fn decode(row: &[u8; PROJECTILE_BYTES], unit: i32) -> Self {
        let [i0, i1, x0, x1, y0, y1, towards_x, towards_y, owner] = *row;
        Self {
            id: u16::from_le_bytes([i0, i1]),
            x_mm: i32::from(i16::from_le_bytes([x0, x1])) * unit,
            y_mm: i32::from(i16::from_le_bytes([y0, y1])) * unit,
            towards: (i8::from_le_bytes([towards_x]), i8::from_le_bytes([towards_y])),
            owner,
        }
    }
}

/// A position in whole units, rounded to the nearest and cut to what fits.
fn steps(mm: i32, unit: i32) -> i16 {
    let rounded = mm.saturating_add(unit / 2).div_euclid(unit);
    let cut = rounded.clamp(i32::from(i16::MIN), i32::from(i16::MAX));
    i16::try_from(cut).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Snapshot {
        Snapshot {
            tick: 300,
            ticks_left: 70_000,
            unit_mm: 2,
            kills: [3, 300],
            fighters: vec![FighterView {
                slot: 1,
                x_mm: -20,
                y_mm: 65_000,
                hp_permille: 1000,
                dead: false,
                melee_recharges: true,
                ranged_recharges: false,
                away: true,
                sequence: 7,
            }],
            projectiles: vec![ProjectileView {
                id: 258,
                x_mm: 4,
                y_mm: -4,
                towards: (127, -1),
                owner: 1,
            }],
        }
    }

    #[test]
    fn bytes_are_frozen() {
        #[rustfmt::skip]
        let expected = [
            1, 44, 1, 0, 0, 255, 255, 2, 3, 255, 1, 1,
            1, 246, 255, 244, 126, 232, 43, 7, 0, 0, 0,
            2, 1, 2, 0, 254, 255, 127, 255, 1,
        ];
        assert_eq!(sample().encode(), expected);
        let read = Snapshot::decode(&expected).expect("just written");
        assert_eq!(read.fighters, sample().fighters);
        assert_eq!(read.projectiles, sample().projectiles);
        assert_eq!((read.ticks_left, read.kills), (65_535, [3, 255]));
    }

    #[test]
    fn every_cut_and_every_longer_version_is_refused() {
        let mut bytes = sample().encode();
        for cut in 0..bytes.len() {
            assert!(Snapshot::decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        bytes.push(0);
        assert_eq!(Snapshot::decode(&bytes), Err(SnapshotError::Length));
        bytes[0] = 9;
        assert_eq!(Snapshot::decode(&bytes), Err(SnapshotError::Layout(9)));
    }

    #[test]
    fn the_newest_projectiles_are_shown_and_the_datagram_limit_holds() {
        let shot = |id| ProjectileView { id, ..ProjectileView::default() };
        let crowded = Snapshot {
            fighters: vec![FighterView::default(); 40],
            projectiles: (0..500).map(shot).collect(),
            ..sample()
        };
        let bytes = crowded.encode();
        assert!(bytes.len() < DATAGRAM_BYTES_MAX, "{}", bytes.len());
        let read = Snapshot::decode(&bytes).expect("just written");
        assert_eq!(read.projectiles.first().map(|shot| shot.id), Some(436));
    }

    #[test]
    fn ten_fighters_take_122_bytes() {
        let ten = Snapshot {
            fighters: vec![FighterView::default(); 10],
            projectiles: Vec::new(),
            ..sample()
        };
        assert_eq!(ten.encode().len(), 122);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let _ = Snapshot::decode(&bytes);
        }

        #[test]
        fn positions_are_off_by_less_than_a_unit(x_mm in -200_000..200_000i32) {
            let unit_mm = unit_mm((200_000, 100));
            let fighters = vec![FighterView { x_mm, ..FighterView::default() }];
            let sent = Snapshot { unit_mm, fighters, ..Snapshot::default() };
            let read = Snapshot::decode(&sent.encode()).expect("just written");
            prop_assert!((read.fighters[0].x_mm - x_mm).abs() < i32::from(unit_mm));
        }
    }
}
