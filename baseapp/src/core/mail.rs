//! Mail from the mailbox: applied once, in the order of each sender, and removed in the same
//! commit. What cannot be read or does not belong here is set aside, so that it neither blocks
//! what follows nor vanishes.

use bevy_ecs::prelude::*;

use shared::core::Output;
use shared::ids::{Key, PlayerId};
use shared::limits::MAIL_BYTES_MAX;
use shared::msg::client::{BattleLine, Event, Sender};
use shared::msg::mail::Mail;
use shared::ownership::Change;
use shared::store::{MailEntry, PartId};
use shared::wire;

use super::Baseapp;
use super::guild;
use super::part::Batch;
use super::player::PlayerItem;

/// Parts from here on hold one set-aside mail each, by its position.
const QUARANTINE_PART: u8 = 200;
/// Mails set aside per player; the newest take the places of the oldest.
const QUARANTINE_PARTS_MAX: u64 = 16;

/// Whether a part is a mail that was set aside.
pub(super) fn is_set_aside(part: PartId) -> bool {
    let place = part.0.checked_sub(QUARANTINE_PART).map(u64::from);
    place.is_some_and(|place| place < QUARANTINE_PARTS_MAX)
}

/// What became of one mail.
enum Applied {
    /// Applied, and this is what the client is told.
    Done(Vec<Event>),
    /// The inbox is full: this one and all after it stay in the mailbox.
    NoRoom,
    /// Not for a player.
    Foreign,
}

impl Baseapp {
    /// Applies mail that the keeper handed over.
    pub(super) fn take_mail(
        &mut self,
        player: PlayerId,
        entries: &[MailEntry],
        outputs: &mut Vec<Output>,
    ) {
        let key = Key::Player(player);
        let mut taken = None;
        for entry in entries {
            match self.apply(player, entry) {
                None | Some(Applied::NoRoom) => break,
                Some(Applied::Done(events)) => {
                    self.counters.mail += 1;
                    for event in events {
                        self.tell(player, event);
                    }
                }
                Some(Applied::Foreign) => self.set_aside(key, entry),
            }
            taken = Some(entry.position);
        }
        self.keeper.mail_done(key, taken, outputs);
    }

    fn apply(&mut self, player: PlayerId, entry: &MailEntry) -> Option<Applied> {
        let content = std::sync::Arc::clone(&self.content);
        self.with_player(player, |player| match wire::decode(&entry.mail, MAIL_BYTES_MAX) {
            Ok(Mail::Gift { from, from_name, attached }) => {
                if !player.inbox.has_room() {
                    return Applied::NoRoom;
                }
                let sender = Sender::Player { player: from, name: from_name };
                let goods = player.books.receive(attached);
                Applied::Done(vec![Event::LetterCame(player.inbox.put(sender, goods))])
            }
            Ok(Mail::BattleResult { battle, outcome, rating_change, xp, attached }) => {
                if !player.inbox.has_room() {
                    return Applied::NoRoom;
                }
                player.progress.note_battle(outcome, rating_change);
                player.progress.gain_xp(xp, &content.player);
                player.battles.enter(BattleLine { battle, outcome, rating_change, xp });
                if attached.gold == 0 && attached.stacks.is_empty() {
                    return Applied::Done(Vec::new());
                }
                let goods = player.books.mint(attached);
                let letter = player.inbox.put(Sender::Battle(battle), goods);
                Applied::Done(vec![Event::LetterCame(letter)])
            }
            Ok(Mail::GuildAnswer { guild, refused }) => {
                Applied::Done(guild::answer(player, guild, refused).into_iter().collect())
            }
            Ok(Mail::GuildApplication { .. } | Mail::GuildLeft { .. }) | Err(_) => Applied::Foreign,
        })
    }

    fn set_aside(&mut self, key: Key, entry: &MailEntry) {
        tracing::error!(%key, source = %entry.source, "mail set aside: it cannot be applied");
        self.counters.quarantined += 1;
        let place = u8::try_from(entry.position % QUARANTINE_PARTS_MAX).unwrap_or(0);
        let part = PartId(QUARANTINE_PART + place);
        let parts = vec![(part, entry.mail.clone())];
        self.keeper.stage(key, Change { parts, ..Change::default() });
    }

    /// Tells the player's client something, once it is durable.
    fn tell(&mut self, player: PlayerId, event: Event) {
        let told = self.with_player(player, |player: &mut PlayerItem<'_, '_>| player.online.0);
        if let Some(Some(session)) = told {
            let reply = super::sessions::event(session, event);
            let mut batch: Mut<'_, Batch> = self.world.resource_mut();
            batch.tell(player, reply);
        }
    }
}
