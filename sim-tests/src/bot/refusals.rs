//! Which refusals are part of a player's life, which are worth another try, and which are errors.

use shared::msg::client::{PlayerRequest, Request, SocialRequest};
use shared::msg::refusal::RefusalCode::{
    self, BagFull, Busy, Draining, Full, InGuild, InQueue, InTeam, NameTaken, NoGuild, NoTeam,
    NotFound, NotInvited, NotLeader, OutboxFull, OutcomeUnknown, Unavailable,
};

/// Whether the same request, with the same id, is worth another try a little later.
#[must_use]
pub fn is_passing(code: RefusalCode) -> bool {
    [Busy, Unavailable, OutcomeUnknown, Draining].contains(&code)
}

/// Whether a well-behaved player can meet this refusal: others were faster, or something is full.
#[must_use]
pub fn is_expected(request: &Request, code: RefusalCode) -> bool {
    expected(request).contains(&code)
}

/// Whether an application for a guild can be refused so.
pub(super) fn is_expected_of_guild(code: RefusalCode) -> bool {
    is_passing(code) || [NameTaken, Full, InGuild, NotFound].contains(&code)
}

/// Whether a player can lose a place in a queue or a battle so: a node is gone, or a fellow still
/// has another ticket.
pub(super) fn is_expected_of_queue(code: RefusalCode) -> bool {
    is_passing(code) || code == InQueue
}

/// A short name of the request's kind, for counts by kind.
#[must_use]
pub fn kind(request: &Request) -> &'static str {
    match request {
        Request::Ping => "ping",
        Request::StopWatching => "stop_watching",
        Request::Player(request) => player_kind(request),
        Request::Social(request) => social_kind(request),
    }
}

fn expected(request: &Request) -> &'static [RefusalCode] {
    match request {
        Request::Ping => &[],
        Request::StopWatching => &[NotFound],
        Request::Player(request) => expected_of_player(request),
        Request::Social(request) => expected_of_social(request),
    }
}

fn expected_of_player(request: &PlayerRequest) -> &'static [RefusalCode] {
    match request {
        PlayerRequest::ReadProfile
        | PlayerRequest::ReadBag
        | PlayerRequest::ReadPets
        | PlayerRequest::ReadEquipment
        | PlayerRequest::ReadInbox
        | PlayerRequest::ReadBattles
        | PlayerRequest::FeedPet { .. }
        | PlayerRequest::ChooseHero { .. } => &[],
        PlayerRequest::Equip { .. }
        | PlayerRequest::Unequip { .. }
        | PlayerRequest::UseItem { .. }
        | PlayerRequest::ClaimLetter { .. } => &[BagFull],
        PlayerRequest::SendGift { .. } => &[OutboxFull],
        PlayerRequest::FoundGuild { .. } => &[NameTaken, InGuild, OutboxFull],
        PlayerRequest::JoinGuild { .. } => &[InGuild, Full, NotFound, OutboxFull],
        PlayerRequest::LeaveGuild => &[NoGuild, OutboxFull],
    }
}

fn expected_of_social(request: &SocialRequest) -> &'static [RefusalCode] {
    match request {
        SocialRequest::ReadGuild { .. } | SocialRequest::ReadRoster { .. } => &[NotFound],
        SocialRequest::ListGuilds => &[],
        SocialRequest::CreateTeam => &[InTeam, InQueue],
        // The fellow is not online yet, or has a team already.
        SocialRequest::InviteToTeam { .. } => &[NotFound, InTeam, Full, InQueue, NoTeam, NotLeader],
        SocialRequest::JoinTeam { .. } => &[NotInvited, NotFound, Full, InTeam, InQueue],
        SocialRequest::LeaveTeam => &[NoTeam, InQueue],
        // The team fell apart, or the last battle is not closed yet.
        SocialRequest::Queue { .. } => &[InQueue, NotLeader],
        // The match was made in this moment, or the queue was left already.
        SocialRequest::LeaveQueue => &[InQueue, NotFound, NotLeader],
        SocialRequest::Watch { .. } => &[InQueue, NotFound],
    }
}

const fn player_kind(request: &PlayerRequest) -> &'static str {
    match request {
        PlayerRequest::ReadProfile => "read_profile",
        PlayerRequest::ReadBag => "read_bag",
        PlayerRequest::ReadPets => "read_pets",
        PlayerRequest::ReadEquipment => "read_equipment",
        PlayerRequest::ReadInbox => "read_inbox",
        PlayerRequest::Equip { .. } => "equip",
        PlayerRequest::Unequip { .. } => "unequip",
        PlayerRequest::UseItem { .. } => "use_item",
        PlayerRequest::FeedPet { .. } => "feed_pet",
        PlayerRequest::ChooseHero { .. } => "choose_hero",
        PlayerRequest::SendGift { .. } => "send_gift",
        PlayerRequest::ClaimLetter { .. } => "claim_letter",
        PlayerRequest::FoundGuild { .. } => "found_guild",
        PlayerRequest::JoinGuild { .. } => "join_guild",
        PlayerRequest::LeaveGuild => "leave_guild",
        PlayerRequest::ReadBattles => "read_battles",
    }
}

const fn social_kind(request: &SocialRequest) -> &'static str {
    match request {
        SocialRequest::ReadGuild { .. } => "read_guild",
        SocialRequest::ReadRoster { .. } => "read_roster",
        SocialRequest::ListGuilds => "list_guilds",
        SocialRequest::CreateTeam => "create_team",
        SocialRequest::InviteToTeam { .. } => "invite_to_team",
        SocialRequest::JoinTeam { .. } => "join_team",
        SocialRequest::LeaveTeam => "leave_team",
        SocialRequest::Queue { .. } => "queue",
        SocialRequest::LeaveQueue => "leave_queue",
        SocialRequest::Watch { .. } => "watch",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_race_is_expected_and_a_lie_is_not() {
        let found = Request::Player(PlayerRequest::FoundGuild { name: String::from("Owls") });
        assert!(is_expected(&found, NameTaken));
        assert!(!is_expected(&found, RefusalCode::Malformed));
        let read = Request::Player(PlayerRequest::ReadBag);
        assert!(!is_expected(&read, NotFound));
        assert!(!is_passing(RefusalCode::NotOwned) && is_passing(OutcomeUnknown));
    }
}
