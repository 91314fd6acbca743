//! What every mode has to keep, as checks that its tests call. A mode that passes can be recorded,
//! run again and located when it differs.

#[cfg(test)]
mod tests;

use bevy_ecs::component::ComponentId;
use bevy_ecs::prelude::*;
use bevy_ecs::schedule::ScheduleBuildSettings;
use shared::content::Content;
use shared::ids::{BattleId, NodeId, PlayerId, SessionId, SessionRef};
use shared::msg::client::{Act, SKILLS};
use shared::msg::matchmaker_baseapp::{PetCard, PlayerCard};
use shared::msg::matchmaker_battle::{Seat, Stakes};
use shared::msg::snapshot::SPECTATOR;
use shared::rng::Draws;

use super::compare::{self, differences};
use super::modes::Modes;
use super::setup::Setup;
use super::sim::{BattleSim, Order};

/// Battles whose systems run in another order, as far as the schedule leaves it open.
const SHUFFLES: u64 = 4;
/// Sizes of battles that are tried, the largest first.
const SEATS_TRIED: [u16; 4] = [40, 10, 4, 2];

/// Says nothing: it moves an entity to another place of the World's storage.
#[derive(Component)]
struct Moved;

/// Fights the same battle several times: as it is; from its encoded state, in a new simulation
/// for every tick; with strangers in the World and fighters that change their place in storage;
/// and with systems shuffled, where the schedule leaves their order open. The moving one is traced
/// by systems. All must agree after every tick. Then a late battle that begins with the state at
/// half time must come to the same end.
///
/// # Errors
/// Where they part, as people read it.
pub fn check(create: &dyn Fn() -> Box<dyn BattleSim>, ticks: &[Vec<Order>]) -> Result<(), String> {
    let (mut plain, mut moving) = (create(), create());
    let mut shuffled: Vec<_> = (0..SHUFFLES).map(|seed| shuffle(create(), seed)).collect();
    let mut late = None;
    for (n, orders) in ticks.iter().enumerate() {
        let before = encoded(plain.as_mut());
        let mut restored = restore(create, &before)?;
        if n == ticks.len() / 2 {
            late = Some(restore(create, &before)?);
        }
        stir(moving.as_mut(), n);
        plain.step(orders);
        restored.step(orders);
        agree("a battle that is restored", plain.as_mut(), restored.as_mut())?;
        for class in [plain.class_of(0), SPECTATOR] {
            let seen = plain.view(class);
            if seen != restored.view(class) {
                return Err(format!("tick {}: a restored battle looks different", plain.tick()));
            }
            if !seen.rows.is_sorted_by(|one, next| one.id < next.id) {
                return Err(format!("tick {}: rows of a view are out of order", plain.tick()));
            }
        }
        if let Some(late) = &mut late {
            late.step(orders);
            agree("a battle that began late", plain.as_mut(), late.as_mut())?;
        }
        let mut reference = restore(create, &before)?;
        if let Some(parting) =
            compare::part((reference.as_mut(), orders), (moving.as_mut(), orders))
        {
            return Err(format!("entities in another order: {parting}"));
        }
        agree("a traced battle", plain.as_mut(), reference.as_mut())?;
        agree("entities in another order", plain.as_mut(), moving.as_mut())?;
        for shuffled in &mut shuffled {
            shuffled.step(orders);
            agree("systems in another order", plain.as_mut(), shuffled.as_mut())?;
        }
    }
    Ok(())
}

/// The names of components and resources in the battle's World that are in no lane and not among
/// `derived`: state that no replay and no hash would know of. Marker types of the check itself and
/// what every World has are left out.
pub fn unregistered(
    sim: &mut dyn BattleSim,
    derived: &[fn(&World) -> Option<ComponentId>],
) -> Vec<String> {
    let state = sim.state();
    let world: &World = state.world;
    let own = [
        world.component_id::<bevy_ecs::resource::IsResource>(),
        world.component_id::<bevy_ecs::entity_disabling::DefaultQueryFilters>(),
        world.component_id::<bevy_ecs::error::FallbackErrorHandler>(),
        world.component_id::<Schedules>(),
    ];
    let lanes = state.lanes.0.iter().map(|lane| (lane.component)(world));
    let derived = derived.iter().map(|id| id(world));
    let known: Vec<ComponentId> = lanes.chain(derived).chain(own).flatten().collect();
    let archetypes = world.archetypes().iter().filter(|archetype| !archetype.is_empty());
    let unknown =
        archetypes.flat_map(|archetype| archetype.components()).filter(|id| !known.contains(id));
    let name = |id: &ComponentId| world.components().get_info(*id).map(|info| info.name());
    unknown.filter_map(name).map(|name| name.to_string()).collect()
}

/// A battle of `mode`, one of `modes`, with the built-in content: as many seats as the mode takes
/// of a few sizes. `None` if it takes none of them.
#[must_use]
pub fn any_setup(modes: Modes, mode: &str, seed: u64) -> Option<Setup> {
    let content = Content::builtin();
    let mode = modes.named(mode).ok()?;
    let mut tried = SEATS_TRIED.into_iter().flat_map(|count| [(count, 2), (count, 1)]);
    tried.find_map(|(count, sides)| {
        Setup::new(mode, &content, BattleId(5), seed, &any_seats(&content, count, sides)).ok()
    })
}

/// `count` seats of one side or of both, with all heroes and pets in turn.
#[must_use]
pub fn any_seats(content: &Content, count: u16, sides: u16) -> Vec<Seat> {
    let heroes: Vec<u16> = content.heroes.keys().copied().collect();
    let pets: Vec<u16> = content.pets.keys().copied().collect();
    let gateway = NodeId { node: 1, incarnation: 1 };
    let seat = |slot: u16| Seat {
        side: u8::from(!slot.is_multiple_of(sides.max(1))),
        player: PlayerId(100 + u64::from(slot)),
        session: SessionRef { gateway, session: SessionId(u64::from(slot)) },
        card: PlayerCard {
            name: format!("player {slot}"),
            level: 1,
            rating: 1_500,
            hero: heroes.get(usize::from(slot) % heroes.len().max(1)).copied().unwrap_or(1),
            bonus_hp: i32::from(slot) * 3,
            bonus_damage: 2,
            bonus_armour: i32::from(slot % 4) * 5,
            haste_permille: i32::from(slot % 8) * 20,
            pet: pets
                .get(usize::from(slot) % (pets.len() + 1))
                .map(|id| PetCard { species: *id, level: 2 }),
        },
        stakes: Stakes { won: 16, lost: -15, drawn: 1 },
    };
    (0..count).map(seat).collect()
}

/// Orders of one tick that make fighters meet, miss and hit: each walks towards somewhere for a
/// while, more often towards the centre, and tries everything it may do.
#[must_use]
pub fn any_orders(seed: u64, tick: u32, fighters: usize) -> Vec<Order> {
    let order = |slot: u64| {
        let mut aim = Draws::new(seed ^ u64::from(tick / 8), slot);
        let mut draw = || i8::try_from(aim.below(255)).unwrap_or(-50);
        let walk = (draw(), draw());
        let mut acts = Draws::new(seed ^ (u64::from(tick) << 20), slot);
        let act = match acts.below(3) {
            0 => Act::None,
            1 => Act::Skill { skill: 0, aim_mm: (0, 0) },
            _ => {
                let skill = u8::try_from(acts.below(u64::from(SKILLS))).unwrap_or(0);
                let mut aim = || i16::try_from(acts.below(20_000)).unwrap_or(0) - 10_000;
                Act::Skill { skill, aim_mm: (aim(), aim()) }
            }
        };
        Order { walk, act }
    };
    (0..u64::try_from(fighters).unwrap_or(0)).map(order).collect()
}

fn shuffle(mut sim: Box<dyn BattleSim>, seed: u64) -> Box<dyn BattleSim> {
    if let Some((schedule, _)) = sim.schedule() {
        let settings = schedule.get_build_settings();
        schedule.set_build_settings(ScheduleBuildSettings { shuffle_seed: Some(seed), ..settings });
    }
    sim
}

fn encoded(sim: &mut dyn BattleSim) -> Vec<u8> {
    let mut state = Vec::new();
    sim.encode(&mut state);
    state
}

fn restore(
    create: &dyn Fn() -> Box<dyn BattleSim>,
    state: &[u8],
) -> Result<Box<dyn BattleSim>, String> {
    let mut sim = create();
    sim.decode(state).map_err(|error| format!("its own state is refused: {error}"))?;
    Ok(sim)
}

/// Adds a stranger and moves every other entity within the storage, others in every tick.
fn stir(sim: &mut dyn BattleSim, n: usize) {
    let state = sim.state();
    state.world.spawn_empty();
    for (place, (_, entity)) in state.entities.iter().enumerate().rev() {
        if let Ok(mut entity) = state.world.get_entity_mut(*entity) {
            if (place + n).is_multiple_of(2) {
                entity.insert(Moved);
            } else {
                entity.remove::<Moved>();
            }
        }
    }
}

fn agree(what: &str, one: &mut dyn BattleSim, other: &mut dyn BattleSim) -> Result<(), String> {
    if one.hash() == other.hash() && one.tick() == other.tick() {
        return Ok(());
    }
    let (mut first, mut second) = (Vec::new(), Vec::new());
    one.fields(&mut first);
    other.fields(&mut second);
    let told: Vec<_> = differences(&first, &second).iter().map(ToString::to_string).collect();
    Err(format!("{what}: tick {}, {}", one.tick(), told.join("; ")))
}
