//! What has to hold for sieges.

use std::collections::BTreeMap;

use proptest::prelude::*;
use shared::limits::DATAGRAM_BYTES_MAX;
use shared::msg::battle_gateway::{BattleOutput, Encoded};
use shared::msg::client::{Act, ClientDatagram, Command};
use shared::msg::snapshot::{self, FighterView, MonsterView, SPECTATOR};
use shared::rng::Draws;

use super::super::battle::{Battle, Stepped};
use super::super::conformance::{check, unregistered};
use super::super::fixture;
use super::super::modes::Modes;
use super::super::setup::Setup;
use super::*;

fn siege(players: u16, duration_s: u32) -> Siege {
    let (setup, _) = fixture::siege(players, duration_s);
    Siege::new(&setup, rules_of(&setup).expect("its own rules"))
}

/// All walk about, and use what they have.
fn orders(seed: u64, tick: u32, players: u16) -> Vec<Order> {
    let few = u8::try_from(players).expect("few");
    fixture::brawl(seed, tick, few)
}

fn fight(siege: &mut Siege, seed: u64, ticks: u32) {
    let players = u16::try_from(siege.rules.kits.len()).expect("few");
    for _ in 0..ticks {
        let orders = orders(seed, siege.tick(), players);
        siege.step(&orders);
    }
}

fn still(siege: &mut Siege, ticks: u32) {
    let orders = vec![Order::STILL; siege.rules.kits.len()];
    (0..ticks).for_each(|_| siege.step(&orders));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn a_siege_keeps_the_rules_of_modes(seed: u64) {
        let (setup, _) = fixture::siege(12, 60);
        let ticks: Vec<_> = (0..120).map(|tick| orders(seed, tick, 12)).collect();
        let create = || Modes::BUILTIN.create(&setup).expect("the mode is there");
        prop_assert_eq!(check(&create, &ticks), Ok(()));
    }
}

#[test]
fn no_state_is_left_out() {
    let mut siege = siege(4, 60);
    fight(&mut siege, 1, 50);
    let found = unregistered(&mut siege, &[|world| world.component_id::<StableId>()]);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn waves_come_from_the_border_and_grow_with_the_players() {
    let mut few = siege(4, 60);
    still(&mut few, 1);
    let seen: Vec<MonsterView> = few.view(SPECTATOR).all().collect();
    assert_eq!(seen.len(), 4);
    for beast in seen {
        let near = |at: i32, half: i32| at.abs() > half - 600;
        assert!(near(beast.x_mm, 14_000) || near(beast.y_mm, 12_000), "{beast:?}");
        assert_eq!((beast.species, beast.hp_permille), (1, 1_000));
    }
    let mut many = siege(40, 60);
    still(&mut many, 1);
    assert_eq!(many.view(SPECTATOR).all::<MonsterView>().count(), 40);
}

#[test]
fn monsters_go_after_players_and_players_come_back() {
    let mut siege = siege(4, 60);
    let mut dead = 0;
    for _ in 0..300 {
        still(&mut siege, 1);
        let view = siege.view(SPECTATOR);
        dead += view.all::<FighterView>().filter(FighterView::is_dead).count();
    }
    assert!(dead > 0, "nobody defends, so players are killed");
    let fallen = siege.world.resource::<Tally>().fallen;
    assert!(fallen > 4, "they came back and were killed again: {fallen}");
    assert_eq!(siege.world.resource::<Tally>().killed, 0);
}

#[test]
fn a_keep_that_nobody_defends_falls_and_the_siege_is_lost() {
    let mut siege = siege(1, 600);
    while siege.verdict().is_none() {
        still(&mut siege, 1);
        assert!(siege.tick() < 12_000, "it must not last until time is up");
    }
    assert_eq!(siege.verdict(), Some(Verdict::Won(1)));
    assert_eq!(siege.world.resource::<KeepHp>().0, 0);
}

#[test]
fn time_that_is_up_is_a_loss() {
    let mut siege = siege(40, 3);
    fight(&mut siege, 9, 59);
    assert_eq!(siege.verdict(), None);
    fight(&mut siege, 9, 1);
    assert_eq!(siege.verdict(), Some(Verdict::Won(1)));
}

/// What a player does who fights: strikes and shoots at the nearest monster.
fn defend(siege: &mut Siege) {
    let view = siege.view(SPECTATOR);
    let beasts: Vec<MonsterView> = view.all().collect();
    let order = |fighter: FighterView| {
        let square = |beast: &&MonsterView| {
            let (x, y) = (beast.x_mm - fighter.x_mm, beast.y_mm - fighter.y_mm);
            i64::from(x) * i64::from(x) + i64::from(y) * i64::from(y)
        };
        let Some(beast) = beasts.iter().min_by_key(square) else { return Order::STILL };
        let aim = |to: i32, from: i32| i16::try_from((to - from).clamp(-9_000, 9_000)).unwrap_or(0);
        let aim_mm = (aim(beast.x_mm, fighter.x_mm), aim(beast.y_mm, fighter.y_mm));
        let skill = u8::from(square(&beast) > 1_500 * 1_500);
        Order { walk: (0, 0), act: Act::Skill { skill, aim_mm } }
    };
    let orders: Vec<_> = view.all::<FighterView>().map(order).collect();
    siege.step(&orders);
}

#[test]
fn players_who_fight_kill_the_boss_and_win() {
    let mut siege = siege(20, 600);
    while siege.verdict().is_none() {
        defend(&mut siege);
        assert!(siege.tick() < 12_000, "it must not last until time is up");
    }
    assert_eq!(siege.verdict(), Some(Verdict::Won(0)));
    let tally = *siege.world.resource::<Tally>();
    assert!(tally.killed > 20 && tally.boss_killed == 1, "{tally:?}");
}

#[test]
fn the_boss_strikes_all_around_it_at_once() {
    let mut siege = siege(6, 60);
    still(&mut siege, 40);
    let boss = siege.rules.kinds.len() - 1;
    for (_, _, mut beast) in siege.beasts.iter_mut(&mut siege.world) {
        let is_boss = usize::from(beast.kind) == boss;
        (beast.x_mm, beast.y_mm) = if is_boss { (9_000, 9_000) } else { (-13_000, -11_000) };
    }
    for (_, mut fighter) in siege.fighters.iter_mut(&mut siege.world) {
        (fighter.x_mm, fighter.y_mm) = (9_500, 8_500);
        (fighter.hp, fighter.back) = (200, 0);
    }
    still(&mut siege, 1);
    let hurt: Vec<i32> =
        siege.fighters.iter(&siege.world).map(|(_, fighter)| 200 - fighter.hp).collect();
    assert_eq!(hurt.iter().filter(|hurt| **hurt >= 30).count(), 6, "{hurt:?}");
}

#[test]
fn more_seats_than_a_siege_takes_or_two_sides_are_refused() {
    let (setup, _) = fixture::siege(4, 60);
    assert_eq!(Modes::BUILTIN.check(&setup), Ok(()));
    let mut sides = setup.clone();
    sides.seats[1].side = 1;
    assert!(Modes::BUILTIN.check(&sides).is_err());
    let arena = Setup { mode: String::from("arena"), ..setup };
    assert!(Modes::BUILTIN.check(&arena).is_err(), "an arena does not take a siege's rules");
}

/// A client as it is on the other side: it has what arrived, and continues what it has.
#[derive(Default)]
struct Client {
    has: BTreeMap<u32, Snapshot>,
}

impl Client {
    fn newest(&self) -> u32 {
        self.has.keys().next_back().copied().unwrap_or(0)
    }

    fn take(&mut self, bytes: &[u8]) {
        let head = snapshot::header_of(bytes).expect("it is ours");
        let baseline = head.baseline.map(|tick| &self.has[&tick]);
        let read = snapshot::decode(bytes, baseline).expect("it continues what was acknowledged");
        self.has.insert(read.tick, read);
    }
}

#[test]
fn clients_read_what_they_are_told_whatever_is_lost_and_each_sees_itself() {
    const PLAYERS: u16 = 60;
    let (setup, seats) = fixture::siege(PLAYERS, 60);
    let id = setup.battle;
    let mut battle = Battle::new(Modes::BUILTIN, setup, &seats, "test", 1).expect("a siege");
    let mut clients: Vec<Client> = seats.iter().map(|_| Client::default()).collect();
    let (mut lost, mut told) = (Draws::new(4, 4), Vec::new());
    for tick in 1..80u32 {
        let orders = orders(5, tick, PLAYERS);
        for ((seat, client), order) in seats.iter().zip(&clients).zip(orders) {
            let command = Command { sequence: tick, walk: order.walk, act: order.act };
            let (seen_tick, commands) = (client.newest(), vec![command]);
            let datagram = ClientDatagram { battle: id, seen_tick, commands };
            battle.take_commands(seat.player, seat.session, &datagram).expect("it is seated");
        }
        assert_eq!(battle.step(&mut told), Stepped::Going);
        for (_, output) in told.drain(..) {
            let BattleOutput::Snapshots { encoded, .. } = output else { panic!("{output:?}") };
            for Encoded { by_stream, sessions, bytes } in encoded {
                assert_eq!(sessions.len(), 1, "each client is told something else");
                let slot = u16::try_from(sessions[0].0 - 1_000).expect("as the seats have it");
                // Every third is lost, and for a while all that is sent to the first client.
                let is_lost = lost.below(3) == 0 || (slot == 0 && (20..40).contains(&tick));
                if is_lost && !by_stream {
                    continue;
                }
                assert!(bytes.len() <= DATAGRAM_BYTES_MAX, "{} bytes", bytes.len());
                let client = &mut clients[usize::from(slot)];
                client.take(&bytes[usize::from(!by_stream)..]);
                let own: FighterView = client.has[&tick].get(slot).expect("its own fighter");
                assert_eq!(own.sequence, tick);
            }
        }
    }
    assert!(clients.iter().all(|client| client.has.len() > 20));
    let seen = |client: &Client| client.has[&client.newest()].rows.len();
    assert!(clients.iter().all(|client| seen(client) > 20), "they see each other");
}
