//! The inbox: letters with attachments, what goes out as gifts, and claiming.

use bevy_ecs::prelude::*;
use serde::{Deserialize, Serialize};

use shared::ids::{BattleId, Key, LetterId, PlayerId};
use shared::limits::{INBOX_LETTERS_MAX, STACK_COUNT_MAX};
use shared::msg::client::{ATTACHED_STACKS_MAX, Attachments, Letter, Reply, Sender, Stack};
use shared::msg::mail::Mail;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::store::{PartId, Post};
use shared::wire;

use super::goods::Goods;
use super::part::{self, Part};
use super::player::PlayerItem;

/// A player's letters, oldest first.
#[derive(Component, Debug, Default)]
pub(super) struct Inbox {
    letters: Vec<Letter>,
    /// Letters that ever came; the id of the next one.
    came: u64,
}

impl Inbox {
    pub(super) fn letters(&self) -> &[Letter] {
        &self.letters
    }

    pub(super) const fn has_room(&self) -> bool {
        self.letters.len() < INBOX_LETTERS_MAX
    }

    /// Puts a letter in; after `has_room`.
    pub(super) fn put(&mut self, from: Sender, goods: Goods) -> Letter {
        let attached = goods.into_attached();
        let letter = Letter { letter: LetterId(self.came), from, attached };
        self.came += 1;
        self.letters.push(letter.clone());
        letter
    }

    /// Removes the letter at a place and hands out what was attached.
    fn open(&mut self, at: usize) -> Goods {
        Goods::out(self.letters.remove(at).attached)
    }
}

/// Takes a gift out of bag and wallet and makes the mail that carries it.
pub(super) fn send_gift(
    player: &mut PlayerItem<'_, '_>,
    outbox_room: u64,
    to: PlayerId,
    gift: &Attachments,
) -> Result<(Reply, Post), Refusal> {
    check_gift(player.account.player, to, gift)?;
    if outbox_room == 0 {
        let text = "too much of your mail is still on its way; try again in a moment";
        return Err(Refusal::new(RefusalCode::OutboxFull, text));
    }
    player.check_has(gift)?;
    let goods = player.take_out(gift);
    let mail = Mail::Gift {
        from: player.account.player,
        from_name: player.account.name.clone(),
        attached: player.books.give(goods),
    };
    Ok((Reply::Done, Post { target: Key::Player(to), mail: wire::encode(&mail) }))
}

fn check_gift(from: PlayerId, to: PlayerId, gift: &Attachments) -> Result<(), Refusal> {
    let refuse = |text: String| Err(Refusal::new(RefusalCode::BadAmount, text));
    if from == to {
        return refuse(String::from("a gift goes to somebody else"));
    }
    if gift.stacks.is_empty() && gift.gold == 0 {
        return refuse(String::from("an empty gift is none"));
    }
    if gift.stacks.len() > ATTACHED_STACKS_MAX {
        return refuse(format!("a gift has {ATTACHED_STACKS_MAX} kinds of items at most"));
    }
    if gift.stacks.iter().any(|stack| !(1..=STACK_COUNT_MAX).contains(&stack.count)) {
        return refuse(format!("a gift has 1 to {STACK_COUNT_MAX} of each item"));
    }
    Ok(())
}

/// Moves a letter's attachments into bag and wallet and removes the letter.
pub(super) fn claim(player: &mut PlayerItem<'_, '_>, letter: LetterId) -> Result<Reply, Refusal> {
    let found = player.inbox.letters.iter().position(|held| held.letter == letter);
    let Some(at) = found else {
        return Err(Refusal::new(RefusalCode::NotFound, format!("there is no letter {letter}")));
    };
    player.check_room(&player.inbox.letters[at].attached)?;
    let goods = player.inbox.open(at);
    player.put_away(goods);
    Ok(Reply::Done)
}

#[derive(Serialize, Deserialize)]
pub(super) struct InboxRow {
    came: u64,
    letters: Vec<LetterRow>,
}

#[derive(Serialize, Deserialize)]
struct LetterRow {
    letter: u64,
    from: SenderRow,
    gold: u64,
    stacks: Vec<(u16, u32)>,
}

#[derive(Serialize, Deserialize)]
enum SenderRow {
    Player { player: u64, name: String },
    Battle(u64),
}

impl Part for Inbox {
    const ID: PartId = PartId(7);
    const SCHEMA: u8 = 1;
    type Row = InboxRow;

    fn to_row(&self) -> InboxRow {
        let row = |letter: &Letter| LetterRow {
            letter: letter.letter.0,
            from: match &letter.from {
                Sender::Player { player, name } => {
                    SenderRow::Player { player: player.0, name: name.clone() }
                }
                Sender::Battle(battle) => SenderRow::Battle(battle.0),
            },
            gold: letter.attached.gold,
            stacks: letter.attached.stacks.iter().map(|s| (s.item, s.count)).collect(),
        };
        InboxRow { came: self.came, letters: self.letters.iter().map(row).collect() }
    }

    fn from_row(row: InboxRow) -> Self {
        let letter = |row: LetterRow| Letter {
            letter: LetterId(row.letter),
            from: match row.from {
                SenderRow::Player { player, name } => {
                    Sender::Player { player: PlayerId(player), name }
                }
                SenderRow::Battle(battle) => Sender::Battle(BattleId(battle)),
            },
            attached: Attachments {
                gold: row.gold,
                stacks: row.stacks.into_iter().map(|(item, count)| Stack { item, count }).collect(),
            },
        };
        Self { came: row.came, letters: row.letters.into_iter().map(letter).collect() }
    }
}

pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    part::install::<Inbox>(world, tick);
}
