//! Teams are made, joined and left.

use bevy_ecs::prelude::{Entity, World};

use shared::ids::{PlayerId, TeamId};
use shared::limits::TEAM_MEMBERS_MAX;
use shared::msg::client::{Event, Reply, TeamView};
use shared::msg::refusal::{Refusal, RefusalCode};

use super::components::{Invitations, Label, Members, Teams};
use super::{INVITATION_MS, PLAYER_INVITATIONS_MAX, TEAM_INVITATIONS_MAX};
use crate::core::border::Border;
use crate::core::presence;
use crate::core::queueing::{self, Play};

/// Makes a team of one.
pub(crate) fn create(world: &mut World, player: PlayerId) -> Result<Reply, Refusal> {
    check_may_enter(world, player)?;
    let team = TeamId(world.resource_mut::<Border>().unique_id());
    let bundle = (Label(team), Members(vec![player]), Invitations::default());
    let entity = world.spawn(bundle).id();
    let mut teams = world.resource_mut::<Teams>();
    teams.by_id.insert(team, entity);
    teams.of_player.insert(player, entity);
    Ok(Reply::Team(view(world, entity)))
}

/// Invites an online player to the own team. Inviting again renews the invitation.
pub(crate) fn invite(
    world: &mut World,
    player: PlayerId,
    invited: PlayerId,
) -> Result<Reply, Refusal> {
    let entity = team_of(world, player)?;
    let members = members(world, entity);
    if members.first() != Some(&player) {
        return Err(refusal(RefusalCode::NotLeader, "only the leader invites"));
    }
    if members.contains(&invited) {
        return Err(refusal(RefusalCode::InTeam, "the player is in the team already"));
    }
    if members.len() >= TEAM_MEMBERS_MAX {
        return Err(refusal(RefusalCode::Full, "the team has no room"));
    }
    check_not_waiting(world, player)?;
    let Some(session) = presence::session_of(world, invited) else {
        return Err(refusal(RefusalCode::NotFound, "no such player is online here"));
    };
    let expires = world.resource::<Border>().tick_in_ms(INVITATION_MS);
    let team = label(world, entity);
    let received = world.resource::<Teams>().inviting.get(&invited);
    let many = received
        .is_some_and(|teams| teams.len() >= PLAYER_INVITATIONS_MAX && !teams.contains(&team));
    let mut invitations = world.get_mut::<Invitations>(entity).expect("every team has them");
    let renewed = invitations.0.contains_key(&invited);
    if many || (invitations.0.len() >= TEAM_INVITATIONS_MAX && !renewed) {
        return Err(refusal(RefusalCode::Busy, "too many invitations are open; wait for some"));
    }
    invitations.0.insert(invited, expires);
    world.resource_mut::<Teams>().inviting.entry(invited).or_default().insert(team);
    let event = Event::TeamInvitation { team, by: player };
    world.resource_mut::<Border>().tell(session, event);
    Ok(Reply::Done)
}

/// Accepts an invitation.
pub(crate) fn join(world: &mut World, player: PlayerId, team: TeamId) -> Result<Reply, Refusal> {
    check_may_enter(world, player)?;
    let Some(&entity) = world.resource::<Teams>().by_id.get(&team) else {
        return Err(refusal(RefusalCode::NotFound, "there is no such team any more"));
    };
    let now = world.resource::<Border>().now;
    let invitations = world.get::<Invitations>(entity).expect("every team has them");
    if invitations.0.get(&player).is_none_or(|expires| *expires <= now) {
        return Err(refusal(RefusalCode::NotInvited, "ask the team's leader for an invitation"));
    }
    let mut members = members(world, entity);
    if members.len() >= TEAM_MEMBERS_MAX {
        return Err(refusal(RefusalCode::Full, "the team has no room"));
    }
    check_not_waiting(world, *members.first().expect("a team is never empty"))?;
    withdraw_invitation(world, entity, player);
    members.push(player);
    set_members(world, entity, members);
    world.resource_mut::<Teams>().of_player.insert(player, entity);
    tell_others(world, entity, player);
    Ok(Reply::Team(view(world, entity)))
}

/// Leaves the own team. Allowed in a battle, but not in a queue.
pub(crate) fn leave(world: &mut World, player: PlayerId) -> Result<Reply, Refusal> {
    team_of(world, player)?;
    check_not_waiting(world, player)?;
    remove(world, player);
    Ok(Reply::Done)
}

/// Takes a player out of the team, if there is one. The next member leads; an empty team is gone.
pub(crate) fn remove(world: &mut World, player: PlayerId) {
    let Some(entity) = world.resource_mut::<Teams>().of_player.remove(&player) else { return };
    let mut members = members(world, entity);
    members.retain(|member| *member != player);
    if members.is_empty() {
        dissolve(world, entity);
    } else {
        set_members(world, entity, members);
        tell_others(world, entity, player);
    }
}

/// Tells a new session about the team, if there is one.
pub(crate) fn greet(world: &mut World, player: PlayerId) {
    let Some(&entity) = world.resource::<Teams>().of_player.get(&player) else { return };
    let Some(session) = presence::session_of(world, player) else { return };
    let event = Event::TeamChanged(Some(view(world, entity)));
    world.resource_mut::<Border>().tell(session, event);
}

/// The members of the player's team, the leader first; `None` without a team.
pub(crate) fn members_of(world: &World, player: PlayerId) -> Option<Vec<PlayerId>> {
    let entity = *world.resource::<Teams>().of_player.get(&player)?;
    Some(members(world, entity))
}

/// How many teams there are.
pub(crate) fn count(world: &World) -> u64 {
    u64::try_from(world.resource::<Teams>().by_id.len()).unwrap_or(u64::MAX)
}

/// Removes invitations that nobody accepted in time.
pub(super) fn expire_invitations(world: &mut World) {
    let now = world.resource::<Border>().now;
    let teams = world.resource::<Teams>();
    let inviting = teams.inviting.iter();
    let open: Vec<(PlayerId, TeamId)> =
        inviting.flat_map(|(player, ids)| ids.iter().map(|id| (*player, *id))).collect();
    for (player, team) in open {
        let Some(&entity) = world.resource::<Teams>().by_id.get(&team) else { continue };
        let invitations = world.get::<Invitations>(entity).expect("every team has them");
        if invitations.0.get(&player).is_none_or(|expires| *expires <= now) {
            withdraw_invitation(world, entity, player);
        }
    }
}

fn dissolve(world: &mut World, entity: Entity) {
    let invitations = world.get::<Invitations>(entity).expect("every team has them");
    let invited: Vec<PlayerId> = invitations.0.keys().copied().collect();
    for player in invited {
        withdraw_invitation(world, entity, player);
    }
    let team = label(world, entity);
    world.resource_mut::<Teams>().by_id.remove(&team);
    world.despawn(entity);
}

fn withdraw_invitation(world: &mut World, entity: Entity, player: PlayerId) {
    let team = label(world, entity);
    world.get_mut::<Invitations>(entity).expect("every team has them").0.remove(&player);
    let inviting = &mut world.resource_mut::<Teams>().into_inner().inviting;
    if let Some(teams) = inviting.get_mut(&player) {
        teams.remove(&team);
        if teams.is_empty() {
            inviting.remove(&player);
        }
    }
}

fn check_may_enter(world: &World, player: PlayerId) -> Result<(), Refusal> {
    if world.resource::<Teams>().of_player.contains_key(&player) {
        return Err(refusal(RefusalCode::InTeam, "leave your team first"));
    }
    match queueing::play_of(world, player) {
        Play::Free => Ok(()),
        Play::Queueing { .. } | Play::Queued { .. } | Play::Fighting { .. } => Err(in_queue()),
    }
}

/// A team does not change while it waits in a queue. All members share one ticket.
fn check_not_waiting(world: &World, player: PlayerId) -> Result<(), Refusal> {
    match queueing::play_of(world, player) {
        Play::Free | Play::Fighting { .. } => Ok(()),
        Play::Queueing { .. } | Play::Queued { .. } => Err(in_queue()),
    }
}

fn tell_others(world: &mut World, entity: Entity, except: PlayerId) {
    let team = view(world, entity);
    for member in team.members.iter().filter(|member| **member != except) {
        if let Some(session) = presence::session_of(world, *member) {
            let event = Event::TeamChanged(Some(team.clone()));
            world.resource_mut::<Border>().tell(session, event);
        }
    }
}

fn view(world: &World, entity: Entity) -> TeamView {
    let members = members(world, entity);
    let leader = *members.first().expect("a team is never empty");
    TeamView { team: label(world, entity), leader, members }
}

fn team_of(world: &World, player: PlayerId) -> Result<Entity, Refusal> {
    let entity = world.resource::<Teams>().of_player.get(&player).copied();
    entity.ok_or_else(|| refusal(RefusalCode::NoTeam, "you are in no team"))
}

fn members(world: &World, entity: Entity) -> Vec<PlayerId> {
    world.get::<Members>(entity).expect("every team has members").0.clone()
}

fn set_members(world: &mut World, entity: Entity, members: Vec<PlayerId>) {
    world.get_mut::<Members>(entity).expect("every team has members").0 = members;
}

fn label(world: &World, entity: Entity) -> TeamId {
    world.get::<Label>(entity).expect("every team has a label").0
}

fn in_queue() -> Refusal {
    refusal(RefusalCode::InQueue, "leave the queue or finish the battle first")
}

fn refusal(code: RefusalCode, text: &str) -> Refusal {
    Refusal::new(code, text)
}
