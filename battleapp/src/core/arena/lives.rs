//! How blows take effect, all of a tick at once, and how the dead return.

use shared::rng;

use super::components::{Afflictions, Gait, Harm, Life, Place, Score, Skills, Tally, Vitals};
use super::scratch::{Blow, BlowKind, Credit, Scene};
use super::state::{Kit, Rules};

/// Purpose of the draw that chooses where a fighter returns.
const DRAW_ENTRY: u64 = 1;

/// Whom blows have met.
pub(super) struct Struck<'a> {
    pub(super) id: u32,
    pub(super) kit: &'a Kit,
    pub(super) vitals: &'a mut Vitals,
    pub(super) afflictions: &'a mut Afflictions,
    pub(super) life: &'a mut Life,
}

/// What the blows of a tick have added up to.
#[derive(Default)]
struct Sum {
    damage: i64,
    /// The one who has taken most: damage and slot.
    worst: Option<(i64, u32)>,
    healing: i64,
}

/// Burns, if it is time and something burns.
pub(super) fn burn(scene: Scene<'_>, id: u32, afflictions: &Afflictions, blows: &mut Vec<Blow>) {
    if scene.tick <= afflictions.burn_until && scene.tick.is_multiple_of(scene.rules.burn_ticks) {
        let (source, amount) = (afflictions.burn_by, afflictions.burn);
        blows.push(Blow { target: id, source, kind: BlowKind::Damage, amount, ticks: 0 });
    }
}

/// The blows against `id` among those of the tick, which are sorted.
pub(super) fn blows_at(blows: &[Blow], id: u32) -> &[Blow] {
    let first = blows.partition_point(|blow| blow.target < id);
    let after = blows.partition_point(|blow| blow.target <= id);
    blows.get(first..after).unwrap_or_default()
}

/// Lets the blows of the tick take effect on who lives; who dealt the last of them if it was the
/// end. Damage and healing are added up before anything is taken, so two fighters can kill each
/// other.
pub(super) fn suffer(
    scene: Scene<'_>,
    blows: &[Blow],
    struck: Struck<'_>,
    credits: &mut Vec<Credit>,
) -> Option<u32> {
    let Struck { id, kit, vitals, afflictions, life } = struck;
    if scene.tick > vitals.shield_until {
        vitals.shield = 0;
    }
    let mut sum = Sum::default();
    let mut by = None;
    for blow in blows {
        match blow.kind {
            BlowKind::Damage => {
                let taken = armoured(blow.amount, kit.armour);
                sum.damage += taken;
                // Blows are sorted: those of one source come one after the other.
                let before = by.filter(|(_, source)| *source == blow.source);
                let all = (before.map_or(0, |(taken, _)| taken) + taken, blow.source);
                by = Some(all);
                if sum.worst.is_none_or(|(most, _)| all.0 > most) {
                    sum.worst = Some(all);
                }
                credit(id, blow.source, credits, |credit| credit.damage = count(taken));
            }
            BlowKind::Heal => sum.healing += i64::from(blow.amount),
            BlowKind::Shield | BlowKind::Slow | BlowKind::Stun | BlowKind::Burn => {}
        }
    }
    let (before, shield) = (i64::from(vitals.hp), i64::from(vitals.shield));
    let absorbed = sum.damage.min(shield);
    vitals.shield = narrow(shield - absorbed);
    let wounded = before - (sum.damage - absorbed);
    let most = i64::from(kit.hp_max);
    vitals.hp = narrow((wounded + sum.healing).clamp(0, most));
    if vitals.hp == 0 {
        *life = Life::Dead { until: scene.tick.saturating_add(scene.rules.respawn_ticks) };
        *vitals = Vitals::default();
        *afflictions = Afflictions::default();
        return sum.worst.map(|(_, source)| source);
    }
    let mut missing = (most - wounded).max(0);
    for blow in blows.iter().filter(|blow| blow.kind == BlowKind::Heal) {
        let healed = missing.min(i64::from(blow.amount));
        missing -= healed;
        credit(id, blow.source, credits, |credit| credit.healing = count(healed));
    }
    blows.iter().for_each(|blow| afflict(scene.tick, blow, vitals, afflictions));
    None
}

/// Shields and afflictions, after the damage of the tick. Of two, the stronger counts; of equally
/// strong ones, the longer.
fn afflict(tick: u32, blow: &Blow, vitals: &mut Vitals, afflictions: &mut Afflictions) {
    let until = tick.saturating_add(blow.ticks);
    match blow.kind {
        BlowKind::Damage | BlowKind::Heal => {}
        BlowKind::Shield => {
            if (blow.amount, until) > (vitals.shield, vitals.shield_until) {
                (vitals.shield, vitals.shield_until) = (blow.amount, until);
            }
        }
        BlowKind::Slow => {
            let lasts = tick < afflictions.slow_until;
            let before = if lasts { afflictions.slow_permille } else { 0 };
            if (blow.amount, until) > (before, afflictions.slow_until) || !lasts {
                (afflictions.slow_permille, afflictions.slow_until) = (blow.amount, until);
            }
        }
        BlowKind::Stun => afflictions.stun_until = afflictions.stun_until.max(until),
        BlowKind::Burn => {
            let lasts = tick < afflictions.burn_until;
            let before = if lasts { afflictions.burn } else { 0 };
            if (blow.amount, until) > (before, afflictions.burn_until) || !lasts {
                (afflictions.burn, afflictions.burn_until) = (blow.amount, until);
                afflictions.burn_by = blow.source;
            }
        }
    }
}

/// Remembers who has harmed a fighter.
pub(super) fn remember(tick: u32, blows: &[Blow], harm: &mut Harm) {
    for blow in blows {
        let harms = match blow.kind {
            BlowKind::Damage | BlowKind::Slow | BlowKind::Stun | BlowKind::Burn => true,
            BlowKind::Heal | BlowKind::Shield => false,
        };
        if harms && let Some(last) = slot_mut(&mut harm.0, blow.source) {
            *last = tick;
        }
    }
}

/// A fighter was killed by `killer`: the other side scores, whoever has harmed it lately assists.
pub(super) fn fall(
    scene: Scene<'_>,
    (killer, side): (u32, u8),
    (harm, skills, tally): (&mut Harm, &mut Skills, &mut Tally),
    (score, credits): (&mut Score, &mut Vec<Credit>),
) {
    if let Some(score) = score.0.get_mut(usize::from(1 - side.min(1))) {
        *score = score.saturating_add(scene.rules.kill_score);
    }
    tally.deaths = tally.deaths.saturating_add(1);
    skills.stop();
    credits.push(Credit { slot: killer, kills: 1, ..Credit::default() });
    for (slot, last) in (0..).zip(harm.0) {
        let lately = last > 0 && last.saturating_add(scene.rules.assist_ticks) >= scene.tick;
        if lately && slot != killer {
            credits.push(Credit { slot, assists: 1, ..Credit::default() });
        }
    }
    *harm = Harm::default();
}

/// Adds a fighter's credits of the tick to its tally. Sums: no order matters.
pub(super) fn tell(id: u32, credits: &[Credit], tally: &mut Tally) {
    for credit in credits.iter().filter(|credit| credit.slot == id) {
        let add = |count: &mut u32, more: u32| *count = count.saturating_add(more);
        add(&mut tally.kills, credit.kills);
        add(&mut tally.assists, credit.assists);
        add(&mut tally.damage, credit.damage);
        add(&mut tally.healing, credit.healing);
        add(&mut tally.capture, credit.capture);
    }
}

/// Whether a dead one's time is up.
pub(super) fn is_due(tick: u32, life: Life) -> bool {
    match life {
        Life::Alive => false,
        Life::Dead { until } => tick >= until,
    }
}

/// Where a fighter returns: one of its side's entries.
pub(super) fn entry_of(tick: u32, rules: &Rules, id: u32, side: u8) -> (i32, i32) {
    let entries = rules.entries.get(usize::from(side.min(1))).map_or(&[][..], Vec::as_slice);
    let count = u64::try_from(entries.len()).unwrap_or(0);
    let words = [u64::from(tick), u64::from(id), DRAW_ENTRY];
    let drawn = usize::try_from(rng::below(count, rules.seed, &words)).unwrap_or(0);
    entries.get(drawn).copied().unwrap_or_default()
}

/// Puts a fighter or pet onto the field, unhurt.
pub(super) fn revive(
    kit: &Kit,
    at: (i32, i32),
    (place, gait): (&mut Place, &mut Gait),
    (vitals, life): (&mut Vitals, &mut Life),
) {
    *place = at.into();
    *gait = Gait::default();
    *vitals = Vitals { hp: kit.hp_max, energy: kit.energy_max, ..Vitals::default() };
    *life = Life::Alive;
}

/// What armour lets through, at least a hundredth.
fn armoured(damage: i32, armour: i32) -> i64 {
    let divisor = 100 + i64::from(armour.max(0));
    (i64::from(damage) * 100 + divisor / 2) / divisor
}

/// Fighters alone count: what is done to pets is nobody's merit.
fn credit(target: u32, slot: u32, credits: &mut Vec<Credit>, set: impl FnOnce(&mut Credit)) {
    if target < super::state::FIRST_PET_ID {
        let mut credit = Credit { slot, ..Credit::default() };
        set(&mut credit);
        credits.push(credit);
    }
}

fn slot_mut(slots: &mut [u32], slot: u32) -> Option<&mut u32> {
    slots.get_mut(usize::try_from(slot).ok()?)
}

fn count(points: i64) -> u32 {
    u32::try_from(points.max(0)).unwrap_or(u32::MAX)
}

fn narrow(points: i64) -> i32 {
    i32::try_from(points).unwrap_or(i32::MAX)
}
