//! What every mode has to keep, as checks that its tests call. A mode that passes can be recorded,
//! run again and located when it differs.

#[cfg(test)]
mod tests;

use bevy_ecs::component::ComponentId;
use bevy_ecs::prelude::*;
use shared::msg::snapshot::SPECTATOR;

use super::compare::{self, differences};
use super::sim::{BattleSim, Order};

/// Says nothing: it moves an entity to another place of the World's storage.
#[derive(Component)]
struct Moved;

/// Fights the same battle three times: as it is; from its encoded state, in a new simulation for
/// every tick; and with strangers in the World and fighters that change their place in storage.
/// The last one is traced by stages. All must agree after every tick. Then a late battle that
/// begins with the state at half time must come to the same end.
///
/// # Errors
/// Where they part, as people read it.
pub fn check(create: &dyn Fn() -> Box<dyn BattleSim>, ticks: &[Vec<Order>]) -> Result<(), String> {
    let (mut plain, mut moving) = (create(), create());
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
