//! What a bot makes of answers and events.

use shared::ids::{GuildId, LetterId, PlayerId};
use shared::msg::client::{Event, Outcome, PlayerRequest, Reply, Request, Sender, SocialRequest};
use shared::msg::refusal::{Refusal, RefusalCode};

use super::book::Affiliation;
use super::fight::Fight;
use super::{
    Action, Brain, Fault, Note, Outstanding, TRIES_MAX, TRY_AGAIN_MS, fault, kind, player, refusals,
};

impl Brain {
    /// Something happened.
    pub fn on_event(&mut self, now_ms: u64, event: Event, out: &mut Vec<Action>) {
        match event {
            Event::LetterCame(letter) => self.book.letter_came(letter),
            Event::GuildChanged { guild, refused } => {
                self.guild_changed(now_ms, guild, refused, out);
            }
            Event::TeamInvitation { team, by } => {
                let leader = self.plan.team_of(self.index).start;
                self.party.invitation(team, by, player(self.seed, leader));
            }
            Event::TeamChanged(team) => self.party.team_changed(team),
            Event::Queued => self.party.queued(now_ms),
            Event::QueueLeft { refused } => {
                if let Some(refusal) = refused {
                    let expected = refusals::is_expected_of_queue(refusal.code);
                    refused_note("queue_left", refusal, expected, out);
                }
                self.fight = None;
                self.party.left_queue(now_ms);
            }
            Event::BattleStarted(start) => {
                let same = self.fight.as_ref().is_some_and(|fight| fight.battle() == start.battle);
                if !same {
                    self.fight = Some(Fight::new(&start, self.seed, &self.plan.content, now_ms));
                }
                self.party.battle_began();
            }
            Event::BattleEnded { battle, outcome, score: _, fighters: _ } => {
                let (Outcome::Won | Outcome::Lost | Outcome::Drawn) = outcome;
                self.book.battles = self.book.battles.saturating_add(1);
                self.fight = None;
                self.party.battle_ended(now_ms);
                self.reads.push_back(PlayerRequest::ReadProfile);
                out.push(Action::Note(Note::BattleEnded(battle)));
            }
            // Bots fight; they do not watch.
            Event::WatchStarted(_) | Event::WatchEnded { .. } => {}
            // It goes on by itself, and snapshots say when.
            Event::BattlePaused { .. } | Event::BattleResumed { .. } => {}
        }
        self.go(now_ms, out);
    }

    pub(super) fn answered(
        &mut self,
        now_ms: u64,
        outstanding: Outstanding,
        result: Result<Reply, Refusal>,
        out: &mut Vec<Action>,
    ) {
        if let Err(refusal) = &result
            && refusals::is_passing(refusal.code)
            && outstanding.tries < TRIES_MAX
        {
            let kind = kind(&outstanding.request);
            out.push(Action::Note(Note::Refused { kind, code: refusal.code }));
            let again_ms = now_ms + TRY_AGAIN_MS;
            self.outstanding = Some(Outstanding { again_ms, ..outstanding });
            return;
        }
        let Outstanding { request, due_ms, .. } = outstanding;
        out.push(Action::Note(Note::Answered { kind: kind(&request), due_ms }));
        match result {
            Ok(reply) => self.accepted(now_ms, &request, reply, out),
            Err(refusal) => {
                if refusals::is_passing(refusal.code) {
                    self.forget();
                }
                self.refused(now_ms, &request, refusal.code);
                let expected = refusals::is_expected(&request, refusal.code);
                refused_note(kind(&request), refusal, expected, out);
            }
        }
    }

    fn accepted(&mut self, now_ms: u64, request: &Request, reply: Reply, out: &mut Vec<Action>) {
        let fits = match request {
            Request::Ping => matches!(reply, Reply::Pong),
            Request::StopWatching => matches!(reply, Reply::Done),
            Request::Player(request) if request.is_read() => self.read(now_ms, request, reply, out),
            Request::Player(request) => {
                self.changed(now_ms, request, out);
                matches!(reply, Reply::Done)
            }
            Request::Social(request) => self.social(now_ms, request, reply, out),
        };
        if !fits {
            fault(out, Fault::WrongReply { kind: kind(request) });
        }
    }

    /// Checks what was read against the book. Returns whether the answer fits the question.
    fn read(
        &mut self,
        now_ms: u64,
        request: &PlayerRequest,
        reply: Reply,
        out: &mut Vec<Action>,
    ) -> bool {
        let own = player(self.seed, self.index);
        let differs = match reply {
            Reply::Profile(profile) if *request == PlayerRequest::ReadProfile => {
                let differs = self.book.read_profile(&profile);
                if self.book.guild == Affiliation::Applied && self.guild.is_late(now_ms) {
                    self.book.guild = Affiliation::Free;
                }
                let foreign = || format!("profile of player {}", profile.player);
                differs.or_else(|| (profile.player != own).then(foreign))
            }
            Reply::Bag(stacks) if *request == PlayerRequest::ReadBag => self.book.read_bag(&stacks),
            Reply::Pets(pets) if *request == PlayerRequest::ReadPets => self.book.read_pets(&pets),
            Reply::Equipment(worn) if *request == PlayerRequest::ReadEquipment => {
                self.book.read_worn(worn)
            }
            Reply::Inbox(letters) if *request == PlayerRequest::ReadInbox => {
                self.book.read_inbox(&letters)
            }
            Reply::Done
            | Reply::Pong
            | Reply::Profile(_)
            | Reply::Bag(_)
            | Reply::Pets(_)
            | Reply::Equipment(_)
            | Reply::Inbox(_)
            | Reply::Guild(_)
            | Reply::Guilds(_)
            | Reply::Team(_)
            | Reply::Battles(_)
            | Reply::Roster(_) => return false,
        };
        if let Some(what) = differs {
            let kind = kind(&Request::Player(request.clone()));
            fault(out, Fault::Contradiction { kind, what });
        }
        true
    }

    /// Enters an acknowledged change.
    fn changed(&mut self, now_ms: u64, request: &PlayerRequest, out: &mut Vec<Action>) {
        match request {
            PlayerRequest::SendGift { .. } => {
                self.full = false;
                out.push(Action::Note(Note::GiftSent));
            }
            PlayerRequest::ClaimLetter { letter } if self.is_gift(*letter) => {
                out.push(Action::Note(Note::GiftClaimed));
            }
            PlayerRequest::UseItem { .. } | PlayerRequest::FeedPet { .. } => self.full = false,
            PlayerRequest::FoundGuild { .. } | PlayerRequest::JoinGuild { .. } => {
                self.guild.applied(now_ms);
            }
            PlayerRequest::ReadProfile
            | PlayerRequest::ReadBag
            | PlayerRequest::ReadPets
            | PlayerRequest::ReadEquipment
            | PlayerRequest::ReadInbox
            | PlayerRequest::Equip { .. }
            | PlayerRequest::Unequip { .. }
            | PlayerRequest::ChooseHero { .. }
            | PlayerRequest::ClaimLetter { .. }
            | PlayerRequest::LeaveGuild
            | PlayerRequest::ReadBattles => {}
        }
        self.book.enter(request, &self.plan.content);
    }

    fn social(
        &mut self,
        now_ms: u64,
        request: &SocialRequest,
        reply: Reply,
        out: &mut Vec<Action>,
    ) -> bool {
        match request {
            SocialRequest::ReadGuild { guild } => {
                let Reply::Guild(view) = reply else { return false };
                let members = view.members.iter().map(|(member, _)| *member);
                self.check_roster(*guild, members, kind(&Request::Social(request.clone())), out);
                view.guild == *guild
            }
            SocialRequest::ReadRoster { guild } => {
                let Reply::Roster(view) = reply else { return false };
                let members = view.members.iter().map(|line| line.player);
                self.check_roster(*guild, members, kind(&Request::Social(request.clone())), out);
                view.guild == *guild
            }
            SocialRequest::ListGuilds => {
                let Reply::Guilds(lines) = reply else { return false };
                self.guild.listed(lines);
                true
            }
            SocialRequest::CreateTeam | SocialRequest::JoinTeam { .. } => {
                let Reply::Team(team) = reply else { return false };
                self.party.accepted(now_ms, request, Some(team));
                true
            }
            SocialRequest::InviteToTeam { .. }
            | SocialRequest::LeaveTeam
            | SocialRequest::Queue { .. }
            | SocialRequest::LeaveQueue
            | SocialRequest::Watch { .. } => {
                self.party.accepted(now_ms, request, None);
                matches!(reply, Reply::Done)
            }
        }
    }

    fn refused(&mut self, now_ms: u64, request: &Request, code: RefusalCode) {
        match request {
            Request::Ping | Request::StopWatching => {}
            Request::Player(request) => match request {
                PlayerRequest::FoundGuild { .. } | PlayerRequest::JoinGuild { .. } => {
                    self.guild.refused(now_ms);
                }
                PlayerRequest::ClaimLetter { .. } => self.full = true,
                PlayerRequest::ReadProfile
                | PlayerRequest::ReadBag
                | PlayerRequest::ReadPets
                | PlayerRequest::ReadEquipment
                | PlayerRequest::ReadInbox
                | PlayerRequest::Equip { .. }
                | PlayerRequest::Unequip { .. }
                | PlayerRequest::UseItem { .. }
                | PlayerRequest::FeedPet { .. }
                | PlayerRequest::ChooseHero { .. }
                | PlayerRequest::SendGift { .. }
                | PlayerRequest::LeaveGuild
                | PlayerRequest::ReadBattles => {}
            },
            Request::Social(request) => {
                self.party.refused(now_ms, request, code == RefusalCode::InTeam);
            }
        }
    }

    fn guild_changed(
        &mut self,
        now_ms: u64,
        guild: Option<GuildId>,
        refused: Option<Refusal>,
        out: &mut Vec<Action>,
    ) {
        let left = matches!(self.book.guild, Affiliation::Left(_));
        match guild {
            Some(guild) => self.book.guild = Affiliation::Member(guild),
            None if left && refused.is_none() => {}
            None => self.book.guild = Affiliation::Free,
        }
        if let Some(refusal) = refused {
            self.guild.refused(now_ms);
            let expected = refusals::is_expected_of_guild(refusal.code);
            refused_note("guild_answer", refusal, expected, out);
        }
    }

    /// A member stands in the roster of the guild.
    fn check_roster(
        &self,
        guild: GuildId,
        mut members: impl Iterator<Item = PlayerId>,
        kind: &'static str,
        out: &mut Vec<Action>,
    ) {
        let own = player(self.seed, self.index);
        let listed = members.any(|member| member == own);
        if self.book.guild == Affiliation::Member(guild) && !listed {
            let what = format!("guild {guild} does not list its member {own}");
            fault(out, Fault::Contradiction { kind, what });
        }
    }

    fn is_gift(&self, letter: LetterId) -> bool {
        let letter = self.book.letters.get(&letter);
        letter.is_some_and(|letter| matches!(letter.from, Sender::Player { .. }))
    }
}

fn refused_note(kind: &'static str, refusal: Refusal, expected: bool, out: &mut Vec<Action>) {
    if expected {
        out.push(Action::Note(Note::Refused { kind, code: refusal.code }));
    } else {
        fault(out, Fault::Refused { kind, refusal });
    }
}
