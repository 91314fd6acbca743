//! The stored part of a guild, for fuzzing.

use shared::ids::{GuildId, PlayerId};

use super::guilds::roster::Roster;

/// A roster in its stored bytes.
pub fn guild_roster(bytes: &[u8]) {
    if let Ok(roster) = Roster::decode(bytes) {
        assert_eq!(Roster::decode(&roster.encode()), Ok(roster));
    }
}

/// A guild that was never founded, and one with three members.
#[must_use]
pub fn guild_rosters() -> Vec<Vec<u8>> {
    let mut roster = Roster::default();
    let none = roster.encode();
    let (guild, name) = (GuildId::of_name("Owls"), "Owls");
    roster.found(guild, name, PlayerId(7), "anna").expect("nobody has the name");
    for (player, name) in [(PlayerId(3), "bert"), (PlayerId(1 << 60), "cy")] {
        roster.admit(player, name).expect("there is room");
    }
    vec![none, roster.encode()]
}
