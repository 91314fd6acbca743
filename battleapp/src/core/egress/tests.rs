//! Every client has what its class sees, whatever the network does, and no more is sent than is
//! stated.

use proptest::prelude::*;
use shared::msg::snapshot::{
    Baselines, EntityRow, FighterView, Kind, ProjectileView, UNIT_MM, header_of,
};

use super::*;
use crate::core::arena::Arena;
use crate::core::fixture;
use crate::core::sim::BattleSim;

const BATTLE: BattleId = BattleId(5);

/// What a class sees: fighters that walk, and one thing that nobody else sees.
fn fill(class: u16, tick: u32, rows: u16, view: &mut Snapshot) {
    *view = Snapshot { tick, ticks_left: 9_000 - tick, unit_mm: UNIT_MM, ..Snapshot::default() };
    for slot in (0..rows).filter(|slot| !(u32::from(*slot) + tick).is_multiple_of(11)) {
        let x_mm = i32::try_from(tick).expect("small") * 180 - i32::from(slot) * 1_000;
        view.put(&FighterView { slot, x_mm, hp_permille: 900, ..FighterView::default() });
    }
    let id = 5_000 + class % 7;
    view.put(&ProjectileView { id, owner: class, ..ProjectileView::default() });
}

fn seen(class: u16, tick: u32, rows: u16) -> Snapshot {
    let mut view = Snapshot::default();
    fill(class, tick, rows, &mut view);
    view
}

fn session(n: u64) -> SessionRef {
    let node = if n.is_multiple_of(3) { 8 } else { 9 };
    SessionRef { gateway: NodeId { node, incarnation: 1 }, session: SessionId(n) }
}

struct Stage {
    egress: Egress,
    tick: u32,
    rows: u16,
}

impl Stage {
    fn new(rows: u16, classes: &[u16]) -> Self {
        let mut egress = Egress::new(BATTLE, 1);
        (0..).zip(classes).for_each(|(n, class)| egress.add(session(n), *class));
        Self { egress, tick: 0, rows }
    }

    fn step(&mut self) -> Vec<(NodeId, Vec<Encoded>)> {
        self.tick += 1;
        let (tick, rows) = (self.tick, self.rows);
        self.egress.look(|class, _, view| fill(class, tick, rows, view));
        let mut outputs = Vec::new();
        self.egress.tell(&mut outputs);
        let frames = outputs.into_iter().map(|(node, output)| {
            let BattleOutput::Snapshots { encoded, .. } = output else { panic!("{output:?}") };
            (node, encoded)
        });
        frames.collect()
    }

    /// Steps, and everybody acknowledges everything.
    fn steps_acknowledged(&mut self, count: u32) -> Vec<(NodeId, Vec<Encoded>)> {
        let mut last = Vec::new();
        for _ in 0..count {
            last = self.step();
            for (gateway, encoded) in &last {
                for Encoded { by_stream, sessions, bytes } in encoded {
                    let tick = tick_of(*by_stream, bytes);
                    for session in sessions {
                        let session = SessionRef { gateway: *gateway, session: *session };
                        assert_eq!(self.egress.acknowledge(session, tick), Ok(()));
                    }
                }
            }
        }
        last
    }
}

fn tick_of(by_stream: bool, bytes: &[u8]) -> u32 {
    header_of(&bytes[usize::from(!by_stream)..]).expect("it is ours").tick
}

#[test]
fn each_gateway_gets_one_frame_with_an_encoding_for_each_class_and_baseline() {
    let mut stage = Stage::new(6, &[0, 1, 0, 1, 0, 1]);
    let frames = stage.step();
    assert_eq!(frames.len(), 2);
    // Sessions 0 and 3 are at the first gateway: one of each class.
    let sessions = |(_, encoded): &(NodeId, Vec<Encoded>)| {
        encoded.iter().map(|one| one.sessions.iter().map(|s| s.0).collect()).collect()
    };
    let of: Vec<Vec<Vec<u64>>> = frames.iter().map(sessions).collect();
    assert_eq!(of, [vec![vec![0], vec![3]], vec![vec![2, 4], vec![1, 5]]]);
    assert!(frames.iter().flat_map(|(_, all)| all).all(|one| one.by_stream));

    let frames = stage.steps_acknowledged(12);
    let all: Vec<_> = frames.iter().flat_map(|(_, all)| all).collect();
    assert!(all.len() == 4 && all.iter().all(|one| !one.by_stream), "deltas in datagrams");
    // One client is a tick behind: its delta is another one.
    stage.egress.clients.get_mut(&session(4)).expect("it is there").progress = {
        let mut behind = Progress::default();
        behind.send(stage.tick - 1, true);
        behind.acknowledge(stage.tick - 1).expect("it was sent");
        behind
    };
    assert_eq!(stage.step().iter().map(|(_, all)| all.len()).sum::<usize>(), 5);
}

#[test]
fn a_client_that_never_acknowledges_gets_keyframes_at_the_stated_rate_alone() {
    let mut stage = Stage::new(6, &[0]);
    let mut sent = Vec::new();
    for _ in 0..200 {
        for (_, encoded) in stage.step() {
            assert!(encoded.iter().all(|one| one.by_stream));
            sent.push(stage.tick);
        }
    }
    assert_eq!(sent, [1, 6, 16, 36, 76, 116, 156, 196]);
    assert!(stage.egress.rings[0].len() <= BASELINES_MAX);
}

#[test]
fn what_is_too_long_for_a_datagram_goes_by_stream_and_not_in_every_tick() {
    let mut stage = Stage::new(700, &[0]);
    let mut by_stream = Vec::new();
    for _ in 0..40 {
        let tick = stage.tick + 1;
        let frames = stage.steps_acknowledged(1);
        for one in frames.iter().flat_map(|(_, all)| all) {
            assert!(one.by_stream, "700 fighters walk");
            by_stream.push(tick);
        }
    }
    assert_eq!(by_stream, [1, 6, 11, 16, 21, 26, 31, 36]);
}

#[test]
fn long_frames_are_split() {
    let classes: Vec<u16> = (0..60).collect();
    let mut stage = Stage::new(700, &classes);
    let frames = stage.step();
    let len = |(_, all): &(NodeId, Vec<Encoded>)| all.iter().map(|one| one.bytes.len()).sum();
    let lens: Vec<usize> = frames.iter().map(len).collect();
    assert!(lens.len() > 2 && lens.iter().all(|len| *len <= FRAME_BYTES_MAX), "{lens:?}");
    assert_eq!(frames.iter().map(|(_, all)| all.len()).sum::<usize>(), 60, "all are there");
}

#[test]
fn spectators_are_behind_and_everybody_else_is_not() {
    let mut stage = Stage::new(6, &[0, SPECTATOR]);
    for _ in 0..200 {
        for (_, encoded) in stage.steps_acknowledged(1) {
            for Encoded { by_stream, sessions, bytes } in &encoded {
                let delay = if sessions[..] == [SessionId(1)] { SPECTATOR_DELAY_TICKS } else { 0 };
                assert_eq!(tick_of(*by_stream, bytes) + delay, stage.tick);
            }
        }
    }
    assert_eq!(stage.egress.spectators().collect::<Vec<_>>(), [session(1)]);
    stage.egress.remove(session(1));
    assert_eq!(stage.egress.rings.len(), 1, "nobody looks on any more");
}

#[test]
fn a_spectator_who_never_answers_is_forgotten_and_a_fighter_is_not() {
    let mut stage = Stage::new(6, &[0, SPECTATOR]);
    let mut sent = 0;
    for _ in 0..600 {
        let frames = stage.step();
        let of = |one: &&Encoded| one.sessions == [SessionId(1)];
        sent += frames.iter().flat_map(|(_, all)| all).filter(of).count();
    }
    assert_eq!(sent, usize::try_from(SPECTATOR_UNANSWERED_MAX).expect("few") + 1);
    assert_eq!(stage.egress.sessions().collect::<Vec<_>>(), [session(0)]);
}

#[test]
fn only_what_somebody_may_refer_to_is_kept() {
    let mut stage = Stage::new(6, &[0, 0]);
    stage.steps_acknowledged(100);
    assert_eq!(stage.egress.rings[0].len(), 2, "the newest, and the one that both had then");
    stage.step();
    stage.step();
    assert_eq!(stage.egress.rings[0].len(), 3);
}

proptest! {
    #[test]
    fn every_client_that_reads_a_tick_has_what_its_class_saw(
        fates in proptest::collection::vec((0..3u8, 0..5u32, 0..4u8), 400),
        comings in proptest::collection::vec(0..60u32, 4),
    ) {
        let classes = [0, 1, 0, SPECTATOR];
        let mut stage = Stage::new(5, &[]);
        let mut clients: BTreeMap<u64, Baselines> = BTreeMap::new();
        let mut on_the_way: Vec<(u32, u64, Vec<u8>)> = Vec::new();
        let mut fates = fates.into_iter().cycle();
        for _ in 0..120 {
            for (n, class) in (0..).zip(classes) {
                if comings[usize::try_from(n).expect("few")] == stage.tick {
                    stage.egress.add(session(n), class);
                    clients.insert(n, Baselines::default());
                }
            }
            for encoded in stage.step().into_iter().flat_map(|(_, all)| all) {
                for to in encoded.sessions {
                    let (copies, delay, _) = fates.next().expect("endless");
                    let (copies, delay) = if encoded.by_stream { (1, 0) } else { (copies, delay) };
                    let bytes = encoded.bytes[usize::from(!encoded.by_stream)..].to_vec();
                    for copy in 0..copies {
                        let at = stage.tick + delay + u32::from(copy);
                        on_the_way.push((at, to.0, bytes.clone()));
                    }
                }
            }
            let now = stage.tick;
            for (_, to, bytes) in on_the_way.extract_if(.., |(at, ..)| *at <= now) {
                let (class, client) = (classes[usize::try_from(to).expect("few")], &to);
                let has = clients.get_mut(client).expect("it was added");
                let newest = has.newest().map_or(0, |newest| newest.tick);
                match has.take(&bytes) {
                    Ok(read) => prop_assert_eq!(read, &seen(class, read.tick, 5)),
                    // Newer ones have come, and its baseline was dropped for them.
                    Err(_) => prop_assert!(tick_of(true, &bytes) < newest),
                }
            }
            for (n, has) in &clients {
                let (.., fate) = fates.next().expect("endless");
                let said = match fate {
                    0 => continue,
                    1 => 0,
                    _ => has.seen_tick(),
                };
                prop_assert_eq!(stage.egress.acknowledge(session(*n), said), Ok(()));
            }
        }
        let shown = clients.values().filter(|has| has.newest().is_some()).count();
        prop_assert!(shown == clients.len(), "everybody has seen something");
    }
}

#[test]
fn no_byte_tells_of_what_the_class_does_not_see() {
    let mut stage = Stage::new(6, &[0, 1, 2]);
    let mut has: BTreeMap<u64, Baselines> = BTreeMap::new();
    for _ in 0..50 {
        for encoded in stage.steps_acknowledged(1).into_iter().flat_map(|(_, all)| all) {
            let bytes = &encoded.bytes[usize::from(!encoded.by_stream)..];
            for to in &encoded.sessions {
                let read = has.entry(to.0).or_default().take(bytes).expect("nothing is lost");
                let own = |row: &EntityRow| {
                    row.kind() == Kind::Fighter || u64::from(row.id) == 5_000 + to.0
                };
                assert!(read.rows.iter().all(own), "client {to} knows {:?}", read.rows);
            }
        }
    }
}

#[test]
fn a_full_fight_of_ten_takes_less_than_four_kilobytes_a_second_for_each_client() {
    let setup = fixture::setup(10, 60, 1_000);
    let mut arena = Arena::new(&setup);
    let mut egress = Egress::new(BATTLE, 1);
    let slots = || (0u16..10).map(|slot| (session(slot.into()), slot));
    slots().for_each(|(session, slot)| egress.add(session, arena.class_of(slot)));
    let (mut bytes, mut rows, seconds) = (0, 0, 30);
    for tick in 1..=20 * seconds {
        arena.step(&fixture::brawl(7, tick, 10));
        egress.look(|class, _, view| {
            arena.view_into(class, view);
            rows += view.rows.len();
            for row in view.rows.iter_mut().filter(|row| row.kind() == Kind::Fighter) {
                row.set(FighterView::SEQUENCE, i32::try_from(tick).expect("small"));
                if arena.class_of(row.id) != class {
                    row.hide_own();
                }
            }
        });
        let mut outputs = Vec::new();
        egress.tell(&mut outputs);
        for (_, output) in outputs {
            let BattleOutput::Snapshots { encoded, .. } = output else { panic!("{output:?}") };
            bytes += encoded.iter().map(|one| one.bytes.len() * one.sessions.len()).sum::<usize>();
        }
        // An acknowledgement takes 100 ms to come, and the snapshot as long to get there.
        for (session, _) in slots() {
            let _not_all_were_sent = egress.acknowledge(session, tick.saturating_sub(4));
        }
    }
    let ticks = usize::try_from(20 * seconds).expect("few");
    let per_second = bytes / 10 / usize::try_from(seconds).expect("few");
    let per_snapshot = (rows / 2 / ticks, bytes / 10 / ticks);
    assert!(rows / 2 / ticks > 10, "there are projectiles too: {per_snapshot:?} rows and bytes");
    assert!(per_second < 4_000, "{per_second} bytes, {per_snapshot:?} rows and bytes");
}
