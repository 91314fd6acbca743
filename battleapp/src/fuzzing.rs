//! Doorways to the decoders of battles, for fuzzing: not for use.
//!
//! Each decodes bytes and, if they decode, checks that encoding again gives the same meaning. It
//! fails by a panic.

use std::sync::LazyLock;

use shared::content::Content;
use shared::ids::{BattleId, NodeId, PlayerId, SessionId, SessionRef};
use shared::msg::client::Act;
use shared::msg::matchmaker_baseapp::{PetCard, PlayerCard};
use shared::msg::matchmaker_battle::{Seat, Stakes};
use shared::msg::snapshot::{self, SPECTATOR};

use crate::core::modes::Modes;
use crate::core::replay::{Recorder, Replay, header_in, mend};
use crate::core::setup::Setup;
use crate::core::sim::{BattleSim, Order, Verdict};

pub use shared::fuzzing::Target;

/// The decoders of this crate.
pub const TARGETS: [Target; 2] = [
    Target { name: "replay", run: replay, seeds: replays },
    Target { name: "battle_state", run: battle_state, seeds: battle_states },
];

/// Ticks of the battles that seeds are made of.
const TICKS: u32 = 3;

/// A replay file, as it is and with checksums that fit. Its keyframes are read too.
pub fn replay(bytes: &[u8]) {
    read(bytes);
    let mut mended = bytes.to_vec();
    mend(&mut mended);
    read(&mended);
    if let Some(header) = header_in(&mended) {
        begin(&header.setup);
    }
}

/// What a header begins with can be fought, if it passes the check.
fn begin(setup: &Setup) {
    if setup.check().is_err() {
        return;
    }
    let Some(mut sim) = Modes::BUILTIN.create(setup) else { return };
    let shoot = Order { walk: (127, -127), act: Act::Skill { skill: 1, aim_mm: (-127, 1) } };
    let orders = vec![shoot; setup.seats.len()];
    for _ in 0..2 {
        sim.step(&orders);
    }
    look(sim.as_mut());
}

/// Whatever is seen can be told.
fn look(sim: &mut dyn BattleSim) {
    for class in [sim.class_of(0), SPECTATOR] {
        let (seen, mut bytes) = (sim.view(class), Vec::new());
        snapshot::encode(0, &seen, None, &mut bytes);
        assert_eq!(snapshot::decode(&bytes, None), Ok(seen));
    }
}

fn read(bytes: &[u8]) {
    let Ok(replay) = Replay::read(bytes) else { return };
    assert_eq!(Replay::read(bytes).as_ref(), Ok(&replay));
    let setup = &replay.header.setup;
    if let Some(mut sim) = Modes::BUILTIN.create(setup) {
        for state in replay.keyframes.values() {
            state_of(sim.as_mut(), setup, state);
        }
    }
    let fighters = setup.seats.len();
    assert!(replay.ticks.iter().all(|tick| tick.orders.len() == fighters));
}

/// The state of a battle, as a keyframe holds it.
pub fn battle_state(bytes: &[u8]) {
    if let Some(mut sim) = Modes::BUILTIN.create(&SETUP) {
        state_of(sim.as_mut(), &SETUP, bytes);
    }
}

fn state_of(sim: &mut dyn BattleSim, setup: &Setup, bytes: &[u8]) {
    if sim.decode(bytes).is_err() {
        return;
    }
    let mut state = Vec::new();
    sim.encode(&mut state);
    look(sim);
    let Some(mut twin) = Modes::BUILTIN.create(setup) else { return };
    assert_eq!(twin.decode(&state), Ok(()), "what was written is read");
    assert_eq!((twin.hash(), twin.tick()), (sim.hash(), sim.tick()));
}

/// Made once: reading the content takes longer than any battle here.
static SETUP: LazyLock<Setup> = LazyLock::new(|| {
    let content = Content::builtin();
    let hero = content.heroes.keys().next().copied().unwrap_or_default();
    let species = content.pets.keys().next().copied().unwrap_or_default();
    let seat = |slot: u8| Seat {
        side: slot % 2,
        player: PlayerId(100 + u64::from(slot)),
        session: SessionRef {
            gateway: NodeId { node: 1, incarnation: 1 },
            session: SessionId(u64::from(slot)),
        },
        card: PlayerCard {
            name: format!("p{slot}"),
            level: 1,
            rating: 1_500,
            hero,
            pet: Some(PetCard { species, level: 1 }),
            ..PlayerCard::default()
        },
        stakes: Stakes { won: 1, lost: -1, drawn: 0 },
    };
    let seats = [seat(0), seat(1)];
    let arena = Modes::BUILTIN.named("arena").expect("there is a mode arena");
    Setup::new(arena, &content, BattleId(5), 42, &seats).expect("built-in content is sound")
});

/// Shots fly, so that there are entities of every kind.
fn fought(mut each: impl FnMut(&mut dyn BattleSim, &[Order])) {
    let mut sim = Modes::BUILTIN.create(&SETUP).expect("there is a mode arena");
    for _ in 0..TICKS {
        let shoot = Order { walk: (127, 0), act: Act::Skill { skill: 1, aim_mm: (127, 3) } };
        let orders = [shoot, Order { walk: (-5, 9), act: Act::Skill { skill: 0, aim_mm: (0, 0) } }];
        sim.step(&orders);
        each(sim.as_mut(), &orders);
    }
}

fn replays() -> Vec<Vec<u8>> {
    let mut sim = Modes::BUILTIN.create(&SETUP).expect("there is a mode arena");
    let mut recorder = Recorder::new(Modes::BUILTIN, &SETUP, "fuzz", sim.as_mut());
    fought(|sim, orders| {
        recorder.tick(orders, sim);
    });
    let whole = recorder.finish(Verdict::Drawn, true);
    vec![whole[..whole.len() - 20].to_vec(), whole]
}

fn battle_states() -> Vec<Vec<u8>> {
    let mut states = Vec::new();
    fought(|sim, _| {
        let mut state = Vec::new();
        sim.encode(&mut state);
        states.push(state);
    });
    states
}
