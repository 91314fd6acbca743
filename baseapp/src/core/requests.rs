//! Requests of clients: looked up in the request window, carried out one after the other,
//! answered when durable.

use std::sync::Arc;

use bevy_ecs::prelude::*;

use shared::content::Content;
use shared::core::Output;
use shared::ids::{Key, PlayerId, RequestId, SessionRef};
use shared::msg::Body;
use shared::msg::client::{PlayerRequest, Reply};
use shared::msg::gateway_baseapp::FromBaseapp;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::mutation::{self, Mutation};
use shared::ownership::{RequestWindow, Seen};
use shared::store::{PartId, Post};

use super::guild::{self, GuildRequest};
use super::part::{self, Batch, Part};
use super::player::PlayerItem;
use super::{Baseapp, equipment, inbox, pets};

const STORE_AWAY: &str = "the store is not reachable; nothing was done, try again in a moment";

/// Results of a player's last changing requests.
#[derive(Component, Debug, Default)]
pub(super) struct Requests(RequestWindow);

/// What a request led to.
struct Answer {
    result: Result<Reply, Refusal>,
    post: Option<Post>,
    repeated: bool,
}

impl Baseapp {
    pub(super) fn request(
        &mut self,
        player: PlayerId,
        session: SessionRef,
        id: RequestId,
        request: PlayerRequest,
        outputs: &mut Vec<Output>,
    ) {
        self.counters.requests += 1;
        let room = self.keeper.outbox_room(Key::Player(player));
        let (content, can_commit) = (Arc::clone(&self.content), self.keeper.can_commit());
        let answer = self.with_player(player, |player| {
            match player.online.0 {
                Some(online) if online == session => {
                    carry_out(player, &content, can_commit.then_some(room), id, &request)
                }
                Some(_) => {
                    let text = "another session speaks for you";
                    Answer::refused(RefusalCode::LoggedInElsewhere, text)
                }
                // Its gateway was declared gone.
                None => Answer::refused(RefusalCode::Unavailable, "your session is over"),
            }
        });
        let Answer { result, post, repeated } = answer.unwrap_or_else(|| {
            if self.reloads.has(player, session) {
                Answer::refused(RefusalCode::Unavailable, STORE_AWAY)
            } else {
                let text = "your data is not loaded; connect again";
                Answer::refused(RefusalCode::Unavailable, text)
            }
        });
        self.counters.repeats += u64::from(repeated);
        self.counters.refusals += u64::from(result.is_err());
        let reply = |result| reply(session, id, result);
        if !self.players.contains_key(&player) {
            outputs.push(reply(result));
            return;
        }
        let unknown = Refusal::new(
            RefusalCode::OutcomeUnknown,
            "whether this was done is not known; ask again with the same request id",
        );
        if matches!(request, PlayerRequest::ClaimLetter { .. }) && result.is_ok() {
            // Mail may have waited for room.
            self.keeper.look_for_mail(Key::Player(player), outputs);
        }
        let mut batch: Mut<'_, Batch> = self.world.resource_mut();
        if let Some(post) = post {
            batch.post(player, post);
        }
        batch.reply(player, reply(result), reply(Err(unknown)));
    }
}

/// The frame that answers a request.
pub(super) fn reply(session: SessionRef, id: RequestId, result: Result<Reply, Refusal>) -> Output {
    let body = Body::FromBaseapp(FromBaseapp::Reply { session: session.session, id, result });
    Output::Send { to: session.address(), body }
}

impl Answer {
    fn refused(code: RefusalCode, text: &str) -> Self {
        Self { result: Err(Refusal::new(code, text)), post: None, repeated: false }
    }

    const fn plain(result: Result<Reply, Refusal>) -> Self {
        Self { result, post: None, repeated: false }
    }
}

/// Carries a request out; `can_commit` is the room in the outbox, if changes can be stored now.
fn carry_out(
    player: &mut PlayerItem<'_, '_>,
    content: &Content,
    can_commit: Option<u64>,
    id: RequestId,
    request: &PlayerRequest,
) -> Answer {
    if !request.is_read() {
        match player.requests.0.look_up(id, request) {
            Seen::New => {}
            Seen::Before(result) => return Answer { result, post: None, repeated: true },
            Seen::OtherBody => {
                let text = "this request id was used for a different request; take a new one";
                return Answer::refused(RefusalCode::RequestIdReused, text);
            }
        }
    }
    let outbox_room = match can_commit {
        Some(room) => room,
        None if request.is_read() => 0,
        None => return Answer::refused(RefusalCode::Unavailable, STORE_AWAY),
    };
    let answer = perform(player, content, outbox_room, request);
    // A refusal has no effect, so a retry may as well be tried anew.
    if !request.is_read() && answer.result.is_ok() {
        player.requests.0.remember(id, request, answer.result.clone());
    }
    answer
}

fn perform(
    player: &mut PlayerItem<'_, '_>,
    content: &Content,
    outbox_room: u64,
    request: &PlayerRequest,
) -> Answer {
    match request {
        PlayerRequest::ReadProfile => Answer::plain(Ok(Reply::Profile(player.profile()))),
        PlayerRequest::ReadBag => Answer::plain(Ok(Reply::Bag(player.bag.stacks()))),
        PlayerRequest::ReadPets => Answer::plain(Ok(Reply::Pets(player.pets.0.clone()))),
        PlayerRequest::ReadEquipment => Answer::plain(Ok(Reply::Equipment(player.equipment.0))),
        PlayerRequest::ReadInbox => {
            Answer::plain(Ok(Reply::Inbox(player.inbox.letters().to_vec())))
        }
        PlayerRequest::ReadBattles => Answer::plain(Ok(Reply::Battles(player.battles.lines()))),
        PlayerRequest::Equip { item } => Answer::plain(equipment::equip(player, content, *item)),
        PlayerRequest::Unequip { slot } => Answer::plain(equipment::unequip(player, *slot)),
        PlayerRequest::UseItem { item } => {
            Answer::plain(equipment::use_item(player, content, *item))
        }
        PlayerRequest::FeedPet { pet, item } => {
            Answer::plain(pets::feed(player, content, *pet, *item))
        }
        PlayerRequest::ChooseHero { hero } => Answer::plain(choose_hero(player, content, *hero)),
        PlayerRequest::ClaimLetter { letter } => Answer::plain(inbox::claim(player, *letter)),
        PlayerRequest::SendGift { to, gift } => {
            posting(inbox::send_gift(player, outbox_room, *to, gift))
        }
        PlayerRequest::FoundGuild { name } => {
            posting(guild::request(player, outbox_room, GuildRequest::Found { name }))
        }
        PlayerRequest::JoinGuild { guild } => {
            posting(guild::request(player, outbox_room, GuildRequest::Join(*guild)))
        }
        PlayerRequest::LeaveGuild => {
            posting(guild::request(player, outbox_room, GuildRequest::Leave))
        }
    }
}

fn posting(result: Result<(Reply, Post), Refusal>) -> Answer {
    match result {
        Ok((reply, post)) => Answer { result: Ok(reply), post: Some(post), repeated: false },
        Err(refusal) => Answer::plain(Err(refusal)),
    }
}

fn choose_hero(
    player: &mut PlayerItem<'_, '_>,
    content: &Content,
    hero: u16,
) -> Result<Reply, Refusal> {
    if !content.heroes.contains_key(&hero) {
        return Err(Refusal::new(RefusalCode::NotFound, format!("there is no hero {hero}")));
    }
    player.progress.hero = hero;
    Ok(Reply::Done)
}

impl Part for Requests {
    const ID: PartId = PartId(9);
    const SCHEMA: u8 = 1;
    type Row = RequestWindow;

    fn to_row(&self) -> RequestWindow {
        self.0.clone()
    }

    fn from_row(row: RequestWindow) -> Self {
        if mutation::is_on(Mutation::HandOverNoRequests) {
            return Self::default();
        }
        Self(row)
    }
}

pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    part::install::<Requests>(world, tick);
}
