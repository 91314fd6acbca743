//! A bot's way into a guild.

use shared::ids::GuildId;
use shared::limits::GUILD_MEMBERS_MAX;
use shared::msg::client::{GuildLine, PlayerRequest, Request, SocialRequest};
use shared::rng;

use super::book::Affiliation;

/// One bot in this many founds a guild at once; the others look for one first.
const FOUNDERS_ONE_IN: u32 = 12;
/// A bot that finds no guild this often founds one.
const LOOKS_MAX: u32 = 4;
/// Time between two attempts.
const AGAIN_MS: u64 = 4_000;
/// After this time without an answer to an application the profile is read again.
const ANSWER_MS: u64 = 15_000;

/// What a bot has tried so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct GuildSearch {
    looks: u32,
    names: u32,
    found: Vec<GuildLine>,
    not_before_ms: u64,
    applied_ms: Option<u64>,
}

impl GuildSearch {
    /// What is to be asked for next, if anything.
    pub(crate) fn next(
        &mut self,
        now_ms: u64,
        seed: u64,
        index: u32,
        guild: Affiliation,
    ) -> Option<Request> {
        match guild {
            Affiliation::Member(_) | Affiliation::Open => None,
            Affiliation::Applied => {
                self.is_late(now_ms).then_some(Request::Player(PlayerRequest::ReadProfile))
            }
            Affiliation::Free | Affiliation::Left(_) if now_ms < self.not_before_ms => None,
            Affiliation::Free | Affiliation::Left(_) => Some(self.apply(now_ms, seed, index)),
        }
    }

    /// Whether the answer to an application should be there by now.
    pub(crate) fn is_late(&self, now_ms: u64) -> bool {
        self.applied_ms.is_none_or(|at| now_ms.saturating_sub(at) > ANSWER_MS)
    }

    /// Guilds with room that the servers listed.
    pub(crate) fn listed(&mut self, lines: Vec<GuildLine>) {
        let room = |line: &GuildLine| usize::from(line.members) < GUILD_MEMBERS_MAX;
        self.found = lines.into_iter().filter(room).collect();
    }

    /// The application is under way.
    pub(crate) fn applied(&mut self, now_ms: u64) {
        self.applied_ms = Some(now_ms);
    }

    /// The application was refused, now or by a later answer.
    pub(crate) fn refused(&mut self, now_ms: u64) {
        self.names += 1;
        self.found.clear();
        self.not_before_ms = now_ms + AGAIN_MS;
    }

    fn apply(&mut self, now_ms: u64, seed: u64, index: u32) -> Request {
        let count = u64::try_from(self.found.len()).unwrap_or(0);
        let draw = rng::below(count, seed, &[u64::from(index), u64::from(self.looks), 0x6071D]);
        let choice = usize::try_from(draw).ok().and_then(|n| self.found.get(n));
        if let Some(line) = choice {
            return Request::Player(PlayerRequest::JoinGuild { guild: line.guild });
        }
        if index.is_multiple_of(FOUNDERS_ONE_IN) || self.looks >= LOOKS_MAX {
            let name = name(seed, index, self.names);
            return Request::Player(PlayerRequest::FoundGuild { name });
        }
        self.looks += 1;
        self.not_before_ms = now_ms + AGAIN_MS;
        Request::Social(SocialRequest::ListGuilds)
    }
}

/// The request that shows the own guild's roster.
pub(crate) const fn roster(guild: GuildId) -> Request {
    Request::Social(SocialRequest::ReadRoster { guild })
}

/// The same as a client of an earlier build asks for it.
pub(crate) const fn members(guild: GuildId) -> Request {
    Request::Social(SocialRequest::ReadGuild { guild })
}

fn name(seed: u64, index: u32, attempt: u32) -> String {
    // Short enough for every seed: 3 + 8 + 1 + 8 + 1 + 8 bytes at most.
    format!("Owl{:x}-{index:x}-{attempt:x}", seed & 0xFFFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn founds(request: Option<Request>) -> Option<String> {
        match request {
            Some(Request::Player(PlayerRequest::FoundGuild { name })) => Some(name),
            Some(
                Request::Player(_) | Request::Social(_) | Request::Ping | Request::StopWatching,
            )
            | None => None,
        }
    }

    #[test]
    fn a_founder_takes_another_name_when_its_own_is_taken() {
        let mut search = GuildSearch::default();
        let first = founds(search.next(0, 7, 0, Affiliation::Free)).expect("index 0 founds");
        search.refused(0);
        assert_eq!(search.next(1, 7, 0, Affiliation::Free), None, "it waits a little");
        let second = founds(search.next(AGAIN_MS, 7, 0, Affiliation::Free)).expect("again");
        assert_ne!(first, second);
        for name in [first, name(u64::MAX, u32::MAX, u32::MAX)] {
            assert_eq!(shared::msg::client::check_name(&name), Ok(()), "{name}");
        }
    }

    #[test]
    fn others_look_first_join_what_they_find_and_found_one_in_the_end() {
        let mut search = GuildSearch::default();
        let list = Some(Request::Social(SocialRequest::ListGuilds));
        assert_eq!(search.next(0, 7, 1, Affiliation::Free), list);
        let line = |members| GuildLine { guild: GuildId(5), name: String::from("Owls"), members };
        let mut lucky = search.clone();
        lucky.listed(vec![line(3)]);
        let join = Request::Player(PlayerRequest::JoinGuild { guild: GuildId(5) });
        assert_eq!(lucky.next(AGAIN_MS, 7, 1, Affiliation::Free), Some(join));
        let mut now_ms = 0;
        let mut looks = 1;
        loop {
            now_ms += AGAIN_MS;
            search.listed(vec![line(100)]);
            let next = search.next(now_ms, 7, 1, Affiliation::Free);
            if next != list {
                assert!(founds(next).is_some());
                break;
            }
            looks += 1;
        }
        assert_eq!(looks, LOOKS_MAX);
    }

    #[test]
    fn an_application_without_an_answer_is_looked_after() {
        let mut search = GuildSearch::default();
        search.applied(0);
        assert_eq!(search.next(ANSWER_MS, 7, 1, Affiliation::Applied), None);
        let read = Some(Request::Player(PlayerRequest::ReadProfile));
        assert_eq!(search.next(ANSWER_MS + 1, 7, 1, Affiliation::Applied), read);
    }
}
