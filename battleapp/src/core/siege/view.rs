//! What there is to see of a siege. Everybody may see everything; interest management decides what
//! each client is told.

use shared::msg::snapshot::{FighterView, MonsterView, Snapshot, UNIT_MM};

use super::super::interest::Interest;
use super::Siege;
use super::field::index;
use super::state::{Clock, KeepHp, Tally};

/// How clients see a siege. With its head a snapshot stays below 1,100 bytes, and 20 of them a
/// second below 22 KB.
pub(super) const INTEREST: Interest = Interest {
    inner_mm: 18_000,
    outer_mm: 35_000,
    margin_mm: 4_000,
    budget_bytes: 960,
    // The boss is kind 0.
    beacon: Some(0),
};

/// All rows. The score is how many monsters were killed, and what is left of the keep in 1/1000.
pub(super) fn all(siege: &mut Siege) -> Snapshot {
    let Siege { world, rules, fighters, beasts, .. } = siege;
    let tick = world.resource::<Clock>().0;
    let killed = world.resource::<Tally>().killed;
    let keep = permille(world.resource::<KeepHp>().0, rules.keep_hp);
    let mut snapshot = Snapshot {
        tick,
        ticks_left: rules.ticks_max.saturating_sub(tick),
        unit_mm: UNIT_MM,
        score: [killed, u32::from(keep)],
        rows: Vec::with_capacity(siege.entities.len()),
    };
    for (id, fighter) in fighters.iter(world) {
        let Some(kit) = rules.kits.get(index(id.0)) else { continue };
        let [strike, shot] = fighter.ready;
        snapshot.put(&FighterView {
            slot: narrow(id.0),
            x_mm: fighter.x_mm,
            y_mm: fighter.y_mm,
            hp_permille: permille(fighter.hp, kit.hp_max),
            ready: [strike, shot, shot, shot],
            ..FighterView::default()
        });
    }
    for (_, id, beast) in beasts.iter(world) {
        let kind = rules.kind(beast.kind);
        snapshot.put(&MonsterView {
            id: narrow(id.0),
            x_mm: beast.x_mm,
            y_mm: beast.y_mm,
            hp_permille: permille(beast.hp, kind.hp),
            species: kind.id,
            ..MonsterView::default()
        });
    }
    snapshot.rows.sort_unstable_by_key(|row| row.id);
    snapshot
}

/// Rounded up, so that only the dead have none.
fn permille(hp: i32, most: i32) -> u16 {
    let (hp, most) = (i64::from(hp.max(0)), i64::from(most.max(1)));
    u16::try_from((hp * 1_000 + most - 1) / most).unwrap_or(1_000).min(1_000)
}

/// Ids of a siege fit: monsters beyond do not come.
fn narrow(id: u32) -> u16 {
    u16::try_from(id).unwrap_or(u16::MAX)
}
