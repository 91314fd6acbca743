//! The player's side of guild membership. The guild's roster is the guild's own; the two are kept
//! in agreement by mail, each change in one commit with the mail that tells the other side.

use bevy_ecs::prelude::*;
use serde::{Deserialize, Serialize};

use shared::ids::{GuildId, Key};
use shared::msg::client::{Event, Reply, check_name};
use shared::msg::mail::Mail;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::store::{PartId, Post};
use shared::wire;

use super::part::{self, Part};
use super::player::PlayerItem;

/// Where a player belongs.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Membership {
    /// In no guild.
    #[default]
    None,
    /// An application is on its way.
    Applied(GuildId),
    /// In a guild.
    Member(GuildId),
}

/// What a player can ask for.
#[derive(Clone, Copy, Debug)]
pub(super) enum GuildRequest<'a> {
    Found { name: &'a str },
    Join(GuildId),
    Leave,
}

impl Membership {
    pub(super) const fn guild(self) -> Option<GuildId> {
        match self {
            Self::Member(guild) => Some(guild),
            Self::None | Self::Applied(_) => None,
        }
    }
}

/// Carries out a request about guilds; each of them posts a mail to the guild.
pub(super) fn request(
    player: &mut PlayerItem<'_, '_>,
    outbox_room: u64,
    request: GuildRequest<'_>,
) -> Result<(Reply, Post), Refusal> {
    if outbox_room == 0 {
        let text = "too much of your mail is still on its way; try again in a moment";
        return Err(Refusal::new(RefusalCode::OutboxFull, text));
    }
    let (me, name) = (player.account.player, player.account.name.clone());
    let now = *player.membership;
    let (guild, next, mail) = match request {
        GuildRequest::Found { name: found } => {
            check_name(found)?;
            check_free(now)?;
            let guild = GuildId::of_name(found);
            let found = Some(String::from(found));
            let mail = Mail::GuildApplication { player: me, player_name: name, found };
            (guild, Membership::Applied(guild), mail)
        }
        GuildRequest::Join(guild) => {
            check_free(now)?;
            let mail = Mail::GuildApplication { player: me, player_name: name, found: None };
            (guild, Membership::Applied(guild), mail)
        }
        GuildRequest::Leave => match now {
            Membership::Member(guild) => (guild, Membership::None, Mail::GuildLeft { player: me }),
            Membership::Applied(_) => return Err(applied()),
            Membership::None => {
                return Err(Refusal::new(RefusalCode::NoGuild, "you are in no guild"));
            }
        },
    };
    *player.membership = next;
    Ok((Reply::Done, Post { target: Key::Guild(guild), mail: wire::encode(&mail) }))
}

/// Takes the guild's answer. An answer that does not fit what was asked changes nothing.
pub(super) fn answer(
    player: &mut PlayerItem<'_, '_>,
    guild: GuildId,
    refused: Option<Refusal>,
) -> Option<Event> {
    if *player.membership != Membership::Applied(guild) {
        return None;
    }
    *player.membership = match refused {
        None => Membership::Member(guild),
        Some(_) => Membership::None,
    };
    Some(Event::GuildChanged { guild: player.membership.guild(), refused })
}

fn check_free(now: Membership) -> Result<(), Refusal> {
    match now {
        Membership::None => Ok(()),
        Membership::Applied(_) => Err(applied()),
        Membership::Member(_) => {
            Err(Refusal::new(RefusalCode::InGuild, "you are in a guild; leave it first"))
        }
    }
}

fn applied() -> Refusal {
    Refusal::new(RefusalCode::InGuild, "an application is under way; wait for its answer")
}

#[derive(Serialize, Deserialize)]
pub(super) enum MembershipRow {
    None,
    Applied(u64),
    Member(u64),
}

impl Part for Membership {
    const ID: PartId = PartId(8);
    const SCHEMA: u8 = 1;
    type Row = MembershipRow;

    fn to_row(&self) -> MembershipRow {
        match *self {
            Self::None => MembershipRow::None,
            Self::Applied(guild) => MembershipRow::Applied(guild.0),
            Self::Member(guild) => MembershipRow::Member(guild.0),
        }
    }

    fn from_row(row: MembershipRow) -> Self {
        match row {
            MembershipRow::None => Self::None,
            MembershipRow::Applied(guild) => Self::Applied(GuildId(guild)),
            MembershipRow::Member(guild) => Self::Member(GuildId(guild)),
        }
    }
}

pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    part::install::<Membership>(world, tick);
}
