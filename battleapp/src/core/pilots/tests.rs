//! That pilots play by the rules, that better ones win, and that they know what their side knows.

use shared::content::Content;
use shared::ids::BattleId;
use shared::msg::client::Command;
use shared::msg::matchmaker_battle::BotSeat;
use shared::msg::snapshot::{AreaView, MonsterView, PetView, ProjectileView};

use super::*;
use crate::core::arena::Arena;
use crate::core::inputs::InputBuffer;
use crate::core::modes::Modes;
use crate::core::setup::Setup;
use crate::core::sim::{BattleSim, Verdict};

/// Five of a strength against five of another, with the same heroes on both sides.
fn setup(seed: u64, strengths: [Strength; 2]) -> Setup {
    let bots: Vec<_> = (0u8..10)
        .map(|slot| BotSeat { side: slot % 2, strength: strengths[usize::from(slot % 2)] })
        .collect();
    let mode = Modes::BUILTIN.named("arena").expect("it is built in");
    let battle = (BattleId(seed + 1), seed);
    let mut content = Content::builtin();
    content.arena.duration_s = 30;
    Setup::with_bots(mode, &content, battle, &[], &bots).expect("it is sound")
}

/// A battle of pilots; `each` sees the orders of every tick.
fn fight(setup: &Setup, mut each: impl FnMut(&[Order])) -> Verdict {
    let mut arena = Arena::new(setup);
    let mut crew = Crew::new(setup).expect("there are bots");
    let mut orders = vec![Order::STILL; setup.seats.len()];
    loop {
        crew.order(&mut arena, &mut orders);
        each(&orders);
        arena.step(&orders);
        if let Some(verdict) = arena.verdict() {
            return verdict;
        }
    }
}

/// In how many of so many battles the first strength beats the second.
fn wins(first: Strength, second: Strength, battles: u64) -> u64 {
    let won = |seed: u64| {
        let swapped = seed % 2 == 1;
        let strengths = if swapped { [second, first] } else { [first, second] };
        fight(&setup(seed, strengths), |_| ()) == Verdict::Won(u8::from(swapped))
    };
    (0..battles).filter(|seed| won(*seed)).count() as u64
}

#[test]
fn the_better_pilots_win() {
    let told = |won: u64, of: u64, who: &str| println!("{who} have won {won} of {of}");
    let won = wins(Strength::Veteran, Strength::Novice, 40);
    told(won, 40, "veterans against novices");
    assert!(won >= 28);
    let won = wins(Strength::Regular, Strength::Novice, 10);
    told(won, 10, "regulars against novices");
    assert!(won >= 6);
    let won = wins(Strength::Veteran, Strength::Regular, 10);
    told(won, 10, "veterans against regulars");
    assert!(won >= 6);
}

#[test]
fn orders_are_what_clients_may_send_and_follow_from_the_seed() {
    let setup = setup(3, [Strength::Veteran, Strength::Regular]);
    let mut all = Vec::new();
    let (mut walks, mut acts) = (0, 0);
    let first = fight(&setup, |orders| {
        for order in orders {
            let command = Command { sequence: 1, walk: order.walk, act: order.act };
            assert_eq!(InputBuffer::default().take(&[command]), Ok(()), "{order:?}");
            walks += u32::from(order.walk != (0, 0));
            acts += u32::from(order.act != Act::None);
        }
        all.extend_from_slice(orders);
    });
    assert!(walks > 1_000 && acts > 100, "{walks} walks, {acts} acts");
    let mut again = Vec::new();
    assert_eq!(fight(&setup, |orders| again.extend_from_slice(orders)), first);
    assert_eq!(again, all);
}

/// A field with a fighter of side 0 in slot 0 and two enemies.
fn field() -> Field {
    let content = Content::builtin();
    let (archer, map) = (&content.heroes[&2], &content.maps["crossing"]);
    Field::new(map, [(0, 0, archer), (1, 1, archer), (2, 1, archer)].into_iter(), 20, 7)
}

fn snapshot(tick: u32, fighters: &[(u16, Point, u16)]) -> Snapshot {
    let mut seen = Snapshot { tick, unit_mm: 10, ..Snapshot::default() };
    for &(slot, (x_mm, y_mm), hp_permille) in fighters {
        seen.put(&FighterView { slot, x_mm, y_mm, hp_permille, ..FighterView::default() });
    }
    seen
}

/// What a pilot orders that looks at this and lets its reaction time pass.
fn ordered(strength: Strength, fighters: &[(u16, Point, u16)]) -> Order {
    let field = field();
    let mut pilot = Pilot::new(&field, 0, strength);
    pilot.look(&field, &snapshot(100, fighters), &mut PathScratch::default());
    assert_eq!(pilot.order(100).act, Act::None, "nobody reacts at once");
    pilot.order(120)
}

#[test]
fn a_pilot_shoots_whom_it_sees_and_seeks_whom_it_does_not() {
    let own = (0, (-6_000, 0), 1_000);
    let shot = ordered(Strength::Veteran, &[own, (1, (-6_000, 3_500), 1_000)]);
    let Act::Skill { aim_mm: (x, y), .. } = shot.act else { panic!("it shoots: {shot:?}") };
    assert!(x.abs() < 200 && (3_400..3_600).contains(&y), "about there: {x}, {y}");
    let alone = ordered(Strength::Veteran, &[own]);
    assert_eq!(alone.act, Act::None);
    assert_ne!(alone.walk, (0, 0), "it goes to look for somebody");
    let dead = ordered(Strength::Veteran, &[(0, (-6_000, 0), 0), (1, (-6_000, 3_500), 1_000)]);
    assert_eq!(dead, Order::STILL);
}

#[test]
fn a_pilot_of_a_large_battle_knows_its_own_fighter_alone_and_shoots_monsters() {
    const SLOT: u16 = 1_234;
    let content = Content::builtin();
    let line = (SLOT, 0, &content.heroes[&2]);
    let field = Field::new(&content.maps["crossing"], [line].into_iter(), 20, 7);
    let mut pilot = Pilot::new(&field, SLOT, Strength::Veteran);
    let others = [(SLOT, (-6_000, 0), 1_000), (7, (-6_000, -500), 1_000)];
    let mut seen = snapshot(100, &others);
    let near = MonsterView { id: 5_000, x_mm: -6_000, y_mm: 3_500, ..MonsterView::default() };
    seen.put(&MonsterView { hp_permille: 1_000, ..near });
    seen.put(&MonsterView { id: 5_001, y_mm: -1_000, ..near });
    pilot.look(&field, &seen, &mut PathScratch::default());
    let Act::Skill { aim_mm: (x, y), .. } = pilot.order(120).act else { panic!("it shoots") };
    assert!(x.abs() < 200 && (3_400..3_600).contains(&y), "the living one: {x}, {y}");
}

#[test]
fn veterans_pick_the_weak_and_nobody_shoots_through_walls() {
    let own = (0, (-6_000, 0), 1_000);
    let two = [own, (1, (-6_000, 2_500), 1_000), (2, (-6_000, -3_500), 100)];
    let aimed_up = |strength| match ordered(strength, &two).act {
        Act::Skill { aim_mm, .. } => aim_mm.1 > 0,
        Act::None => panic!("it shoots"),
    };
    assert!(!aimed_up(Strength::Veteran), "at the weak one");
    assert!(aimed_up(Strength::Regular), "at the near one");
    // The wall of the crossing is between.
    let behind = ordered(Strength::Veteran, &[own, (1, (-6_000, 5_500), 1_000)]);
    assert_eq!(behind.act, Act::None);
    assert_ne!(behind.walk, (0, 0), "it goes around");
}

#[test]
fn a_pilot_steps_out_of_the_way_of_a_projectile() {
    let field = field();
    let mut seen = snapshot(100, &[(0, (-6_000, 0), 1_000)]);
    seen.put(&ProjectileView {
        id: 300,
        x_mm: -3_000,
        y_mm: 100,
        towards: (-127, 0),
        owner: 1,
        look: 0,
    });
    let mut pilot = Pilot::new(&field, 0, Strength::Veteran);
    pilot.look(&field, &seen, &mut PathScratch::default());
    let (x, y) = pilot.order(120).walk;
    assert!(x == 0 && y < -100, "down, away from its line: {x}, {y}");
}

#[test]
fn a_pilot_leaves_ground_that_harms_it_and_stays_on_that_of_its_own_side() {
    let field = field();
    let walk = |strength, owner| {
        let mut seen = snapshot(100, &[(1, (-6_000, 3_500), 1_000)]);
        // Its skills cool down: who casts stands still for that long.
        let own = FighterView { x_mm: -6_000, hp_permille: 1_000, ..FighterView::default() };
        seen.put(&FighterView { ready: [1_000; 4], ..own });
        let area = AreaView { id: 300, x_mm: -5_500, y_mm: 0, ..AreaView::default() };
        seen.put(&AreaView { radius_mm: 2_000, owner, ..area });
        let mut pilot = Pilot::new(&field, 0, strength);
        pilot.look(&field, &seen, &mut PathScratch::default());
        pilot.order(120).walk
    };
    for strength in [Strength::Regular, Strength::Veteran] {
        assert_eq!(walk(strength, 1), (-127, 0), "straight away from its centre");
        assert_ne!(walk(strength, 0), (-127, 0), "a friend has made it");
    }
    assert_eq!(walk(Strength::Novice, 1), (0, 0), "novices do not look where they stand");
}

#[test]
fn a_pilot_shoots_the_pet_that_bites_it_but_rather_its_owner() {
    let field = field();
    let own = (0, (-6_000, 0), 1_000);
    let aim_y = |fighters: &[(u16, Point, u16)], owner: u16| {
        let mut seen = snapshot(100, fighters);
        let near = PetView { id: 300, x_mm: -6_000, y_mm: -1_000, ..PetView::default() };
        seen.put(&PetView { hp_permille: 1_000, owner, ..near });
        let mut pilot = Pilot::new(&field, 0, Strength::Veteran);
        pilot.look(&field, &seen, &mut PathScratch::default());
        match pilot.order(120).act {
            Act::Skill { aim_mm, .. } => Some(aim_mm.1),
            Act::None => None,
        }
    };
    assert!(aim_y(&[own], 1).is_some_and(|y| y < 0), "nobody else is there");
    assert!(aim_y(&[own, (1, (-6_000, 3_500), 1_000)], 1).is_some_and(|y| y > 0), "its owner");
    assert_eq!(aim_y(&[own], 0), None, "it is its own pet");
}
