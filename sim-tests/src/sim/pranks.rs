//! Requests that no proper client makes: each has to be refused, by a code that fits, and the
//! player's own book shows later that nothing came of it.

use shared::core::EdgeInput;
use shared::ids::{GuildId, LetterId, PlayerId, RequestId, TeamId};
use shared::msg::client::{Attachments, ClientFrame, PlayerRequest, Reply, Request, SocialRequest};
use shared::msg::refusal::Refusal;
use shared::msg::refusal::RefusalCode::{
    self, BadAmount, InQueue, InTeam, NotFound, NotInvited, NotOwned, OutboxFull,
};

use super::checks::Broken;
use super::world::World;
use crate::bot;

/// A number that nothing has.
const NOTHING: u16 = u16::MAX;
/// The numbers of such requests begin here, so that they do not meet those of the players' minds,
/// which are drawn.
const FIRST_ID: u64 = 1 << 63;

/// Kinds of such requests.
const KINDS: u64 = 10;

impl World<'_> {
    /// A player asks for something absurd, now and then.
    pub(super) fn perhaps_prank(&mut self, player: usize) {
        if !self.chance(self.plan.pranks) {
            return;
        }
        let (request, refusals) = prank(self.draws.below(KINDS));
        self.pranks += 1;
        let id = RequestId(FIRST_ID | self.pranks);
        let now_us = self.now_us;
        self.history.count("client: absurd request");
        self.history.tell(now_us, || format!("client {player} asks {id} {request:?}, absurdly"));
        let who = &mut self.players[player];
        let Some(connection) = &who.connection else { return };
        let session = connection.session;
        who.pranks.insert(id, refusals);
        let frame = ClientFrame::Request { id, request };
        self.up(player, EdgeInput::Frame { session, frame });
    }

    /// Whether a reply is to an absurd request; it has to be a refusal that fits.
    pub(super) fn is_of_prank(
        &mut self,
        player: usize,
        id: RequestId,
        result: &Result<Reply, Refusal>,
    ) -> bool {
        let Some(refusals) = self.players[player].pranks.remove(&id) else { return false };
        let fits = match result {
            Ok(_) => false,
            Err(refusal) => {
                self.history.count_named(format!("refusal: {:?}", refusal.code));
                refusals.contains(&refusal.code) || bot::is_passing(refusal.code)
            }
        };
        if !fits {
            let what = format!("client {player}, request {id}: {result:?}");
            self.expect(Err(Broken::new("absurd requests are refused", what)));
        }
        true
    }
}

/// The request of a kind, and how it may be refused.
fn prank(kind: u64) -> (Request, &'static [RefusalCode]) {
    let nobody = PlayerId(u64::MAX);
    let gift = |gold| {
        let gift = Attachments { gold, stacks: Vec::new() };
        Request::Player(PlayerRequest::SendGift { to: nobody, gift })
    };
    match kind {
        0 => (Request::Player(PlayerRequest::ChooseHero { hero: NOTHING }), &[NotFound]),
        1 => (Request::Player(PlayerRequest::UseItem { item: NOTHING }), &[NotOwned]),
        2 => {
            let feed = PlayerRequest::FeedPet { pet: NOTHING, item: NOTHING };
            (Request::Player(feed), &[NotFound])
        }
        3 => (Request::Player(PlayerRequest::Equip { item: NOTHING }), &[NotOwned]),
        4 => (gift(0), &[BadAmount, NotFound, OutboxFull]),
        5 => (gift(u64::MAX), &[NotOwned, NotFound, OutboxFull]),
        6 => {
            let letter = LetterId(u64::MAX);
            (Request::Player(PlayerRequest::ClaimLetter { letter }), &[NotFound])
        }
        7 => {
            let join = SocialRequest::JoinTeam { team: TeamId(u64::MAX) };
            (Request::Social(join), &[NotFound, NotInvited, InTeam, InQueue])
        }
        8 => {
            let read = SocialRequest::ReadRoster { guild: GuildId(u64::MAX) };
            (Request::Social(read), &[NotFound])
        }
        _ => {
            let read = SocialRequest::ReadGuild { guild: GuildId(u64::MAX) };
            (Request::Social(read), &[NotFound])
        }
    }
}
