//! No hero is hopeless: among equals that play by simple habits, each wins and loses.

use shared::content::Delivery;

use super::*;
use crate::core::ground::PathScratch;

/// Battles of one series.
const BATTLES: u64 = 12;
const TICKS: u32 = 600;
/// Ticks between two looks for the way.
const LOOK_TICKS: u32 = 10;

/// What a simple player orders: to the nearest enemy or, every other fighter, to a point first,
/// with the first skill that is ready and reaches.
fn habit(arena: &Arena, slot: usize, way: &mut Option<(i32, i32)>) -> Order {
    let rules = arena.world.resource::<Rules>();
    let own: Place = get(arena, slot);
    let side = arena.world.get::<Side>(arena.lasting[slot].1).expect("a fighter").0;
    let far = |to: (i32, i32)| geometry::Vec2::between(own.at(), to).square().isqrt();
    let others = (0..arena.fighters).filter(|other| {
        let of = arena.world.get::<Side>(arena.lasting[*other].1).expect("a fighter").0;
        of != side && get::<Life>(arena, *other) == Life::Alive
    });
    let places = others.map(|other| get::<Place>(arena, other).at());
    let enemy = places.min_by_key(|at| far(*at));
    let points = rules.capture.points.iter().map(|(at, _)| *at);
    let wanted = points.clone().nth(slot / 2 % points.count());
    let goal = match (enemy, wanted) {
        (Some(enemy), _) if far(enemy) < 7_000 => enemy,
        (_, Some(point)) => point,
        (Some(enemy), None) => enemy,
        (None, None) => (0, 0),
    };
    let kit = arena.world.get::<Kit>(arena.lasting[slot].1).expect("a fighter");
    if rules.ground.is_open(own.at(), goal, kit.radius_mm) {
        *way = None;
    } else if way.is_none() || arena.tick().is_multiple_of(LOOK_TICKS) {
        let mut scratch = PathScratch::default();
        *way = rules.ground.path(own.at(), goal, kit.radius_mm, &mut scratch).first().copied();
    }
    let next = way.unwrap_or(goal);
    let clip = |part: i32| i16::try_from(part.clamp(-30_000, 30_000)).unwrap_or(0);
    let aim_at = |at: (i32, i32)| (clip(at.0 - own.x_mm), clip(at.1 - own.y_mm));
    let skills: Skills = get(arena, slot);
    let reach = |skill: &Skill| match skill.delivery {
        Delivery::Own | Delivery::Ally { .. } => 6_000,
        Delivery::Melee { reach_mm } => reach_mm + 700,
        Delivery::Projectile { range_mm, .. } => range_mm * 3 / 4,
        Delivery::Area { range_mm, radius_mm, .. } => range_mm + radius_mm / 2,
        Delivery::Dash { range_mm, .. } => range_mm,
    };
    let skill = |number: usize| rules.skill(kit.first_skill + number);
    let own_skills = (0..HERO_SKILLS).filter_map(|number| Some((number, skill(number)?)));
    let usable = |(number, skill): &(usize, &Skill)| {
        skills.ready[*number] <= arena.tick()
            && enemy.is_some_and(|enemy| far(enemy) <= i64::from(reach(skill)))
    };
    // The dear ones first.
    let used = own_skills.filter(usable).max_by_key(|(_, skill)| skill.cost);
    let act = match (used, enemy) {
        (Some((skill, _)), Some(enemy)) => {
            let skill = u8::try_from(skill).expect("four");
            Act::Skill { skill, aim_mm: aim_at(enemy) }
        }
        _ => Act::None,
    };
    let in_range = enemy.is_some_and(|enemy| {
        let first = skill(0).map_or(0, |skill| reach(skill) * 2 / 3);
        far(enemy) < i64::from(first)
    });
    let walk = if in_range { (0, 0) } else { geometry::scaled(aim_at(next)) };
    Order { walk, act }
}

#[test]
fn every_hero_wins_and_loses_among_equals() {
    let mut won = [0u32; 7];
    let mut fought = [0u32; 7];
    for seed in 0..BATTLES {
        let mut setup = grand_setup(seed);
        // Heroes drawn anew for each battle, so that each meets each.
        let mut draws = shared::rng::Draws::new(seed, 77);
        for seat in &mut setup.seats {
            seat.hero = u16::try_from(1 + draws.below(6)).expect("six");
            (seat.bonus_hp, seat.bonus_damage, seat.pet) = (0, 0, None);
        }
        let mut arena = Arena::new(&setup);
        let mut ways = vec![None; arena.fighters];
        for _ in 0..TICKS {
            let slots = ways.iter_mut().enumerate();
            let orders: Vec<_> = slots.map(|(slot, way)| habit(&arena, slot, way)).collect();
            arena.step(&orders);
        }
        let Verdict::Won(side) = arena.standing() else { continue };
        for seat in &setup.seats {
            fought[usize::from(seat.hero)] += 1;
            won[usize::from(seat.hero)] += u32::from(seat.side == side);
        }
    }
    let share = |hero: usize| won[hero] * 100 / fought[hero].max(1);
    let shares: Vec<_> = (1..=6).map(|hero| (hero, share(hero), fought[hero])).collect();
    let fair = shares.iter().all(|(_, share, _)| (15..=85).contains(share));
    assert!(fair, "hero, won of a hundred, battles: {shares:?}");
}
