//! Requests of players: who may ask, whether it is a retry, and which feature answers.
//!
//! The answer to a changing request is kept in the player's window, so a retry gets the same
//! answer. Refusals that mean "nothing was done, try again" are not kept: a retry is a new try.

use bevy_ecs::prelude::World;

use shared::ids::{LoginOrder, PlayerId, RequestId, SessionRef};
use shared::limits::REQUESTS_IN_FLIGHT_MAX;
use shared::msg::client::{Reply, SocialRequest};
use shared::msg::head::Trace;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::ownership::Seen;

use super::border::Border;
use super::guilds::What;
use super::presence::{self, Players};
use super::{guilds, queueing, teams};

/// A request of a player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Who asks.
    pub(crate) player: PlayerId,
    /// The client's id of the request.
    pub(crate) id: RequestId,
    /// What is asked.
    pub(crate) request: SocialRequest,
    /// Who follows it.
    pub(crate) trace: Option<Trace>,
}

/// The answer to a request, or the word that it comes later through [`finish`].
pub(crate) enum Answer {
    /// Known at once.
    Now(Result<Reply, Refusal>),
    /// Another node has to say something first.
    Later,
}

/// Takes a request that came through `session`.
pub(crate) fn take(world: &mut World, session: SessionRef, order: LoginOrder, ask: Ask) {
    let draining = world.resource::<Border>().draining;
    if draining && !matches!(ask.request, SocialRequest::LeaveTeam | SocialRequest::LeaveQueue) {
        let text = "this node is being shut down; connect again";
        let refusal = Refusal::new(RefusalCode::Draining, text);
        world.resource_mut::<Border>().reply(session, ask.id, Err(refusal));
        return;
    }
    // Guilds are on all nodes, and anybody whom a gateway has let in may read them.
    let is_anybodys = ask.request.reads_guild().is_some();
    if !is_anybodys && let Err(refusal) = check_session(world, session, order, ask.player) {
        world.resource_mut::<Border>().reply(session, ask.id, Err(refusal));
        return;
    }
    match ask.request {
        SocialRequest::ReadGuild { guild } => {
            guilds::read(world, (session, ask.id), guild, What::Members);
        }
        SocialRequest::ReadRoster { guild } => {
            guilds::read(world, (session, ask.id), guild, What::Roster);
        }
        SocialRequest::ListGuilds => {
            let lines = guilds::list(world);
            world.resource_mut::<Border>().reply(session, ask.id, Ok(Reply::Guilds(lines)));
        }
        SocialRequest::CreateTeam
        | SocialRequest::InviteToTeam { .. }
        | SocialRequest::JoinTeam { .. }
        | SocialRequest::LeaveTeam
        | SocialRequest::Queue { .. }
        | SocialRequest::LeaveQueue
        | SocialRequest::Watch { .. } => take_change(world, session, ask),
    }
}

/// Answers a request of [`take`] that was answered `Later`, or at once.
pub(crate) fn finish(world: &mut World, ask: &Ask, result: Result<Reply, Refusal>) {
    let Some(player) = world.resource_mut::<Players>().into_inner().known.get_mut(&ask.player)
    else {
        return;
    };
    player.waiting.remove(&ask.id);
    if !means_try_again(&result) {
        player.window.remember(ask.id, &ask.request, result.clone());
    }
    if let Some(session) = presence::session_of(world, ask.player) {
        world.resource_mut::<Border>().reply(session, ask.id, result);
    }
}

fn take_change(world: &mut World, session: SessionRef, ask: Ask) {
    match seen(world, &ask) {
        Known::New => {
            let answer = carry_out(world, &ask);
            match answer {
                Answer::Now(result) => finish(world, &ask, result),
                Answer::Later => {}
            }
        }
        Known::UnderWay => {}
        Known::Answered(result) => {
            world.resource_mut::<Border>().reply(session, ask.id, result);
        }
    }
}

fn carry_out(world: &mut World, ask: &Ask) -> Answer {
    let player = ask.player;
    match &ask.request {
        SocialRequest::CreateTeam => Answer::Now(teams::create(world, player)),
        SocialRequest::InviteToTeam { player: invited } => {
            Answer::Now(teams::invite(world, player, *invited))
        }
        SocialRequest::JoinTeam { team } => Answer::Now(teams::join(world, player, *team)),
        SocialRequest::LeaveTeam => Answer::Now(teams::leave(world, player)),
        SocialRequest::Queue { queue } => queueing::queue(world, ask, queue),
        SocialRequest::LeaveQueue => queueing::leave(world, ask),
        SocialRequest::Watch { player: fighter } => {
            Answer::Now(queueing::watch(world, ask, *fighter))
        }
        SocialRequest::ReadGuild { .. }
        | SocialRequest::ReadRoster { .. }
        | SocialRequest::ListGuilds => {
            unreachable!("reads change nothing and are answered by `take`")
        }
    }
}

/// What is known of a request id.
enum Known {
    /// Carry it out; it counts as waiting from now on.
    New,
    /// The answer will come.
    UnderWay,
    /// This is the answer.
    Answered(Result<Reply, Refusal>),
}

fn seen(world: &mut World, ask: &Ask) -> Known {
    let reused = || {
        let text = "this request id was used for a different request";
        Known::Answered(Err(Refusal::new(RefusalCode::RequestIdReused, text)))
    };
    let players = world.resource_mut::<Players>().into_inner();
    let Some(player) = players.known.get_mut(&ask.player) else {
        return Known::Answered(Err(not_known()));
    };
    match player.window.look_up(ask.id, &ask.request) {
        Seen::Before(result) => return Known::Answered(result),
        Seen::OtherBody => return reused(),
        Seen::New => {}
    }
    match player.waiting.get(&ask.id) {
        Some(request) if *request == ask.request => Known::UnderWay,
        Some(_) => reused(),
        None if player.waiting.len() >= REQUESTS_IN_FLIGHT_MAX => {
            let text = "too many requests wait for their answer; try again later";
            Known::Answered(Err(Refusal::new(RefusalCode::Busy, text)))
        }
        None => {
            player.waiting.insert(ask.id, ask.request.clone());
            Known::New
        }
    }
}

fn check_session(
    world: &World,
    session: SessionRef,
    order: LoginOrder,
    player: PlayerId,
) -> Result<(), Refusal> {
    match presence::login_of(world, player) {
        Some((current, _)) if current == session => Ok(()),
        // The word that it is online has not come yet.
        Some((_, known)) if order > known => Err(not_known()),
        Some(_) => {
            let text = "the player logged in somewhere else";
            Err(Refusal::new(RefusalCode::LoggedInElsewhere, text))
        }
        None => Err(not_known()),
    }
}

fn not_known() -> Refusal {
    let text = "this node does not know the player as online yet; try again";
    Refusal::new(RefusalCode::Unavailable, text)
}

/// Whether the result says that nothing was done and a later try may succeed.
fn means_try_again(result: &Result<Reply, Refusal>) -> bool {
    let Err(refusal) = result else { return false };
    matches!(refusal.code, RefusalCode::Busy | RefusalCode::Unavailable | RefusalCode::Draining)
}
