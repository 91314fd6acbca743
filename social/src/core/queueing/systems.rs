//! Tickets are made, followed and closed.

use bevy_ecs::prelude::World;

use shared::directory::queue_name_hash;
use shared::ids::{Address, NodeId, PlayerId, Role, TicketId};
use shared::limits::NAME_BYTES_MAX;
use shared::msg::Body;
use shared::msg::client::{Event, Reply};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::msg::social_battle::Rejoin;
use shared::msg::social_matchmaker::{FromMatchmaker, PartyMember, ToMatchmaker};

use super::components::{Play, Ticket, Tickets};
use super::phase::{Effect, Happening, Phase};
use super::{ACCEPT_MS_MAX, BATTLE_MS_MAX, CANCEL_MS_MAX, TICKETS_MAX};
use crate::core::border::Border;
use crate::core::presence::{self, Players};
use crate::core::requests::{self, Answer, Ask};
use crate::core::{stage, teams};

/// Queues the player's team, or the player alone.
pub(crate) fn queue(world: &mut World, ask: &Ask, queue: &str) -> Answer {
    let (party, matchmaker) = match check_queue(world, ask.player, queue) {
        Ok(checked) => checked,
        Err(refusal) => return Answer::Now(Err(refusal)),
    };
    let mut border = world.resource_mut::<Border>();
    let ticket = TicketId(border.unique_id());
    let since = border.now;
    let head = Box::new(border.head(ACCEPT_MS_MAX, ask.trace));
    let (queue, told) = (queue.to_owned(), party.clone());
    let enqueue = ToMatchmaker::Enqueue { ticket, queue, party: told, head };
    border.send(matchmaker, Body::ToMatchmaker(enqueue));
    let mut tickets = world.resource_mut::<Tickets>();
    for member in &party {
        tickets.of_player.insert(member.player, ticket);
    }
    let phase = Phase::Queueing { ask: ask.clone(), since };
    tickets.by_id.insert(ticket, Ticket { party, matchmaker, phase });
    Answer::Later
}

/// Leaves the queue with the whole party; any member may.
pub(crate) fn leave(world: &mut World, ask: &Ask) -> Answer {
    let Some(&id) = world.resource::<Tickets>().of_player.get(&ask.player) else {
        let text = "you are in no queue";
        return Answer::Now(Err(Refusal::new(RefusalCode::NotFound, text)));
    };
    if is_orphaned_battle(world, id) {
        let text = "the battle was given up: its matchmaker is gone";
        let lost = Refusal::new(RefusalCode::Unavailable, text);
        happen(world, id, Happening::Lost(lost));
        return Answer::Now(Ok(Reply::Done));
    }
    happen(world, id, Happening::LeaveAsked(ask.clone()));
    Answer::Later
}

/// The matchmaker tells how a ticket is doing.
pub(crate) fn matchmaker_said(world: &mut World, from: Address, said: FromMatchmaker) {
    let (id, happening) = match said {
        FromMatchmaker::Queued { ticket } => (ticket, Happening::Queued),
        FromMatchmaker::Matched { ticket, battle, battleapp } => {
            (ticket, Happening::Matched { battle, battleapp })
        }
        FromMatchmaker::Closed { ticket, refused } => (ticket, Happening::Closed { refused }),
    };
    match world.resource::<Tickets>().by_id.get(&id) {
        Some(ticket) if ticket.matchmaker == from => happen(world, id, happening),
        Some(_) => world.resource_mut::<Border>().counters.misdirected += 1,
        // Given up here, but the matchmaker still has it: nobody would come to the battle.
        None if happening == Happening::Queued => {
            let cancel = Body::ToMatchmaker(ToMatchmaker::Cancel { ticket: id });
            world.resource_mut::<Border>().send(from, cancel);
        }
        None => tracing::debug!(ticket = %id, "news of a ticket that is closed here"),
    }
}

/// A frame to the matchmaker did not arrive.
pub(crate) fn unsent(world: &mut World, said: &ToMatchmaker) {
    match said {
        ToMatchmaker::Enqueue { ticket, .. } => {
            let text = "the matchmaker cannot be reached; try again";
            let lost = Refusal::new(RefusalCode::Unavailable, text);
            happen(world, *ticket, Happening::Lost(lost));
        }
        // Every second a cancellation that is not confirmed is sent again.
        ToMatchmaker::Cancel { .. } => {}
    }
}

/// A node is gone: what its matchmaker or its battleapp had in hand is lost. A battle goes on
/// without the matchmaker that made it.
pub(crate) fn node_gone(world: &mut World, node: NodeId) {
    let tickets = world.resource::<Tickets>().by_id.iter();
    let lost: Vec<TicketId> = tickets
        .filter(|(_, ticket)| match &ticket.phase {
            Phase::Fighting { battleapp, .. } => battleapp.node == node,
            Phase::Queueing { .. } | Phase::Queued | Phase::Cancelling(_) => {
                ticket.matchmaker.node == node
            }
        })
        .map(|(id, _)| *id)
        .collect();
    for id in lost {
        let text = "a node that was needed for the match is gone; queue again";
        let refusal = Refusal::new(RefusalCode::Unavailable, text);
        happen(world, id, Happening::Lost(refusal));
    }
}

/// A player has lost the session: a party that waits is taken out of the queue.
pub(crate) fn member_away(world: &mut World, player: PlayerId) {
    if let Some(&id) = world.resource::<Tickets>().of_player.get(&player) {
        let text = "a player of the party has lost the connection";
        let why = Refusal::new(RefusalCode::Unavailable, text);
        happen(world, id, Happening::Withdrawn(why));
    }
}

/// The node is to stop: parties that wait are taken out of the queue, so that their players can
/// queue through another node. Battles go on.
pub(crate) fn withdraw_all(world: &mut World) {
    let ids: Vec<TicketId> = world.resource::<Tickets>().by_id.keys().copied().collect();
    for id in ids {
        let text = "this node is being shut down; queue again";
        let why = Refusal::new(RefusalCode::Draining, text);
        happen(world, id, Happening::Withdrawn(why));
    }
}

/// A player has a new session: back into the queue's news, or back into the battle.
pub(crate) fn greet(world: &mut World, player: PlayerId) {
    let Some(session) = presence::session_of(world, player) else { return };
    let Some(&id) = world.resource::<Tickets>().of_player.get(&player) else { return };
    let ticket = &world.resource::<Tickets>().by_id[&id];
    match ticket.phase {
        Phase::Queueing { .. } | Phase::Cancelling(_) => {}
        Phase::Queued => world.resource_mut::<Border>().tell(session, Event::Queued),
        Phase::Fighting { battle, battleapp, .. } => {
            let rejoin = Body::Rejoin(Rejoin { battle, player, session, as_spectator: false });
            world.resource_mut::<Border>().send(battleapp, rejoin);
        }
    }
}

/// Asks the battle that a player is in to show itself to another, who does nothing else.
pub(crate) fn watch(world: &mut World, ask: &Ask, fighter: PlayerId) -> Result<Reply, Refusal> {
    if play_of(world, ask.player) != Play::Free {
        let text = "you are queued or in a battle already";
        return Err(Refusal::new(RefusalCode::InQueue, text));
    }
    let Play::Fighting { battle, battleapp, .. } = play_of(world, fighter) else {
        return Err(Refusal::new(RefusalCode::NotFound, "that player is in no battle"));
    };
    let Some(session) = presence::session_of(world, ask.player) else {
        return Err(Refusal::new(RefusalCode::Unavailable, "connect again"));
    };
    let rejoin = Rejoin { battle, player: ask.player, session, as_spectator: true };
    world.resource_mut::<Border>().send(battleapp, Body::Rejoin(rejoin));
    Ok(Reply::Done)
}

/// What the player is doing.
pub(crate) fn play_of(world: &World, player: PlayerId) -> Play {
    let tickets = world.resource::<Tickets>();
    let Some(&ticket) = tickets.of_player.get(&player) else { return Play::Free };
    match tickets.by_id[&ticket].phase {
        Phase::Queueing { .. } => Play::Queueing { ticket },
        Phase::Queued | Phase::Cancelling(_) => Play::Queued { ticket },
        Phase::Fighting { battle, battleapp, .. } => Play::Fighting { ticket, battle, battleapp },
    }
}

/// How many tickets are not in a battle.
pub(crate) fn waiting_count(world: &World) -> u64 {
    let tickets = world.resource::<Tickets>().by_id.values();
    let waiting = tickets.filter(|ticket| !matches!(ticket.phase, Phase::Fighting { .. }));
    u64::try_from(waiting.count()).unwrap_or(u64::MAX)
}

/// Repeats cancellations and ends waits that have lasted too long.
pub(super) fn mind_deadlines(world: &mut World) {
    let ids: Vec<TicketId> = world.resource::<Tickets>().by_id.keys().copied().collect();
    for id in ids {
        let border = world.resource::<Border>();
        let ticket = &world.resource::<Tickets>().by_id[&id];
        let silent = |text: &str| Refusal::new(RefusalCode::Unavailable, text);
        match &ticket.phase {
            Phase::Queueing { since, .. } if border.has_passed(*since, ACCEPT_MS_MAX) => {
                let why = silent("the matchmaker does not answer; try again");
                happen(world, id, Happening::Withdrawn(why));
            }
            Phase::Cancelling(state) if border.has_passed(state.since, CANCEL_MS_MAX) => {
                happen(world, id, Happening::Lost(silent("the matchmaker does not answer")));
            }
            Phase::Cancelling(_) => send_cancel(world, id),
            Phase::Fighting { since, .. } if border.has_passed(*since, BATTLE_MS_MAX) => {
                happen(world, id, Happening::Lost(silent("the battle has not ended in time")));
            }
            Phase::Queueing { .. } | Phase::Queued | Phase::Fighting { .. } => {}
        }
    }
}

type Checked = (Vec<PartyMember>, Address);

fn check_queue(world: &World, player: PlayerId, queue: &str) -> Result<Checked, Refusal> {
    if queue.is_empty() || queue.len() > NAME_BYTES_MAX {
        return Err(Refusal::new(RefusalCode::NotFound, "there is no such queue"));
    }
    let members = teams::members_of(world, player).unwrap_or_else(|| vec![player]);
    if members.first() != Some(&player) {
        return Err(Refusal::new(RefusalCode::NotLeader, "only the team's leader queues"));
    }
    let tickets = world.resource::<Tickets>();
    if members.iter().any(|member| tickets.of_player.contains_key(member)) {
        let text = "you or a member of the team is queued or in a battle already";
        return Err(Refusal::new(RefusalCode::InQueue, text));
    }
    if tickets.by_id.len() >= TICKETS_MAX {
        let text = "too many parties are waiting; try again later";
        return Err(Refusal::new(RefusalCode::Busy, text));
    }
    let players = world.resource::<Players>();
    let party: Option<Vec<PartyMember>> = members
        .iter()
        .map(|member| {
            let line = players.line(*member)?;
            Some(PartyMember { player: *member, session: line.session, baseapp: line.baseapp })
        })
        .collect();
    let Some(party) = party else {
        let text = "a member of the team is not online";
        return Err(Refusal::new(RefusalCode::Unavailable, text));
    };
    let nodes = &world.resource::<Border>().nodes;
    let Some(matchmaker) = nodes.home(Role::Matchmaker, queue_name_hash(queue)) else {
        let text = "no matchmaker is there right now; try again";
        return Err(Refusal::new(RefusalCode::Unavailable, text));
    };
    Ok((party, matchmaker))
}

/// The one way to change a ticket.
fn happen(world: &mut World, id: TicketId, happening: Happening) {
    let now = world.resource::<Border>().now;
    let mut tickets = world.resource_mut::<Tickets>();
    let Some(Ticket { party, matchmaker, phase }) = tickets.by_id.remove(&id) else { return };
    let (next, effects) = phase.step(happening, now);
    match next {
        Some(phase) => {
            let ticket = Ticket { party: party.clone(), matchmaker, phase };
            tickets.by_id.insert(id, ticket);
        }
        None => {
            for member in &party {
                tickets.of_player.remove(&member.player);
            }
        }
    }
    for member in &party {
        stage::play_changed(world, member.player);
    }
    for effect in effects {
        match effect {
            Effect::Answer(ask, result) => requests::finish(world, &ask, result),
            Effect::Tell(event) => tell_party(world, &party, &event),
            Effect::Cancel => send_cancel(world, id),
            Effect::Rejoin => rejoin_party(world, id, &party),
        }
    }
}

fn tell_party(world: &mut World, party: &[PartyMember], event: &Event) {
    for member in party {
        if let Some(session) = presence::session_of(world, member.player) {
            world.resource_mut::<Border>().tell(session, event.clone());
        }
    }
}

fn rejoin_party(world: &mut World, id: TicketId, party: &[PartyMember]) {
    let Some(ticket) = world.resource::<Tickets>().by_id.get(&id) else { return };
    let Phase::Fighting { battle, battleapp, .. } = ticket.phase else { return };
    for member in party {
        let Some(session) = presence::session_of(world, member.player) else { continue };
        if session != member.session {
            let player = member.player;
            let rejoin = Rejoin { battle, player, session, as_spectator: false };
            world.resource_mut::<Border>().send(battleapp, Body::Rejoin(rejoin));
        }
    }
}

fn send_cancel(world: &mut World, id: TicketId) {
    if let Some(ticket) = world.resource::<Tickets>().by_id.get(&id) {
        let matchmaker = ticket.matchmaker;
        let cancel = Body::ToMatchmaker(ToMatchmaker::Cancel { ticket: id });
        world.resource_mut::<Border>().send(matchmaker, cancel);
    }
}

/// Whether the ticket's battle can end without anybody telling us.
fn is_orphaned_battle(world: &World, id: TicketId) -> bool {
    let Some(ticket) = world.resource::<Tickets>().by_id.get(&id) else { return false };
    let alive = world.resource::<Border>().nodes.is_alive(ticket.matchmaker.node);
    matches!(ticket.phase, Phase::Fighting { .. }) && !alive
}
