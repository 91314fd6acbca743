//! A bot's way into battles: its team, and the queue.

use std::ops::Range;

use shared::ids::{PlayerId, TeamId};
use shared::msg::client::{SocialRequest, TeamView};

/// A leader invites again after this time: a fellow may not have been online.
const INVITE_AGAIN_MS: u64 = 3_000;
/// A leader queues with whoever is there after this time.
const GATHER_MS: u64 = 20_000;
/// A bot leaves the queue after this time and tries again; long waits are worth a report.
const QUEUE_PATIENCE_MS: u64 = 90_000;
/// Time between two battles, in which letters are claimed.
const REST_MS: u64 = 2_000;

/// Where a bot stands between teams, queue and battle.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    own: u32,
    /// Indices of the bots that belong together; the first one leads.
    fellows: Range<u32>,
    queue_name: Option<String>,
    team: Option<TeamView>,
    invited_to: Option<TeamId>,
    /// The servers say there is a team that this bot knows nothing of.
    stray_team: bool,
    gathering_since_ms: Option<u64>,
    next_invite_ms: u64,
    invited: u32,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Free { not_before_ms: u64 },
    Waiting { since_ms: u64 },
    Fighting,
}

impl Party {
    pub(crate) fn new(own: u32, fellows: Range<u32>, queue_name: Option<String>) -> Self {
        Self {
            own,
            fellows,
            queue_name,
            team: None,
            invited_to: None,
            stray_team: false,
            gathering_since_ms: None,
            next_invite_ms: 0,
            invited: 0,
            place: Place::Free { not_before_ms: 0 },
        }
    }

    /// A new session begins: what is known of team and queue is told again, or is gone.
    pub(crate) fn welcome(&mut self, now_ms: u64) {
        let fresh = Self::new(self.own, self.fellows.clone(), self.queue_name.take());
        *self = fresh;
        self.rest(now_ms);
    }

    /// What is to be asked for next, if anything. `player_of` knows the players of fellows.
    pub(crate) fn next(
        &mut self,
        now_ms: u64,
        player_of: impl Fn(u32) -> PlayerId,
    ) -> Option<SocialRequest> {
        let queue = self.queue_name.clone()?;
        match self.place {
            Place::Fighting => None,
            Place::Waiting { since_ms } => {
                let patient = now_ms.saturating_sub(since_ms) < QUEUE_PATIENCE_MS;
                (!patient && self.leads()).then_some(SocialRequest::LeaveQueue)
            }
            Place::Free { not_before_ms } if now_ms < not_before_ms => None,
            Place::Free { .. } if self.fellows.len() == 1 => Some(SocialRequest::Queue { queue }),
            Place::Free { .. } if self.stray_team => Some(SocialRequest::LeaveTeam),
            Place::Free { .. } if self.leads() => self.lead(now_ms, queue, player_of),
            Place::Free { .. } => {
                let team = self.invited_to.filter(|_| self.team.is_none())?;
                Some(SocialRequest::JoinTeam { team })
            }
        }
    }

    /// The request was carried out.
    pub(crate) fn accepted(
        &mut self,
        now_ms: u64,
        request: &SocialRequest,
        team: Option<TeamView>,
    ) {
        match request {
            SocialRequest::CreateTeam | SocialRequest::JoinTeam { .. } => {
                self.team = team;
                self.invited_to = None;
            }
            SocialRequest::LeaveTeam => {
                self.team = None;
                self.stray_team = false;
            }
            SocialRequest::Queue { .. } => self.queued(now_ms),
            SocialRequest::LeaveQueue => self.left_queue(now_ms),
            SocialRequest::InviteToTeam { .. }
            | SocialRequest::ReadGuild { .. }
            | SocialRequest::ReadRoster { .. }
            | SocialRequest::ListGuilds
            | SocialRequest::Watch { .. } => {}
        }
    }

    /// The request was refused in a way that was to be expected.
    pub(crate) fn refused(&mut self, now_ms: u64, request: &SocialRequest, in_team: bool) {
        match request {
            SocialRequest::CreateTeam => self.stray_team = in_team && self.team.is_none(),
            SocialRequest::JoinTeam { .. } if in_team => self.stray_team = self.team.is_none(),
            SocialRequest::JoinTeam { .. } => self.invited_to = None,
            SocialRequest::LeaveTeam => self.stray_team = false,
            SocialRequest::Queue { .. } => self.rest(now_ms),
            SocialRequest::LeaveQueue => self.place = Place::Waiting { since_ms: now_ms },
            SocialRequest::InviteToTeam { .. }
            | SocialRequest::ReadGuild { .. }
            | SocialRequest::ReadRoster { .. }
            | SocialRequest::ListGuilds
            | SocialRequest::Watch { .. } => {}
        }
    }

    /// A fellow invites.
    pub(crate) fn invitation(&mut self, team: TeamId, by: PlayerId, leader: PlayerId) {
        if by == leader && !self.leads() {
            self.invited_to = Some(team);
        }
    }

    pub(crate) fn team_changed(&mut self, team: Option<TeamView>) {
        self.team = team;
        self.stray_team = false;
    }

    pub(crate) fn queued(&mut self, now_ms: u64) {
        if matches!(self.place, Place::Free { .. }) {
            self.place = Place::Waiting { since_ms: now_ms };
        }
    }

    pub(crate) fn left_queue(&mut self, now_ms: u64) {
        self.rest(now_ms);
    }

    pub(crate) fn battle_began(&mut self) {
        self.place = Place::Fighting;
    }

    pub(crate) fn battle_ended(&mut self, now_ms: u64) {
        self.rest(now_ms);
        self.gathering_since_ms = None;
    }

    fn leads(&self) -> bool {
        self.own == self.fellows.start
    }

    fn rest(&mut self, now_ms: u64) {
        self.place = Place::Free { not_before_ms: now_ms + REST_MS };
    }

    /// A leader makes the team, invites those who are missing, and queues.
    fn lead(
        &mut self,
        now_ms: u64,
        queue: String,
        player_of: impl Fn(u32) -> PlayerId,
    ) -> Option<SocialRequest> {
        let Some(team) = &self.team else { return Some(SocialRequest::CreateTeam) };
        let here = |index: &u32| team.members.contains(&player_of(*index));
        let missing: Vec<u32> = self.fellows.clone().filter(|index| !here(index)).collect();
        let since_ms = *self.gathering_since_ms.get_or_insert(now_ms);
        let waited = now_ms.saturating_sub(since_ms) >= GATHER_MS;
        if missing.is_empty() || waited {
            return Some(SocialRequest::Queue { queue });
        }
        if now_ms < self.next_invite_ms {
            return None;
        }
        // One after the other; once round, a pause.
        let next = missing.iter().find(|index| **index >= self.invited).or(missing.first())?;
        self.invited = next + 1;
        if missing.last() == Some(next) {
            self.next_invite_ms = now_ms + INVITE_AGAIN_MS;
            self.invited = 0;
        }
        Some(SocialRequest::InviteToTeam { player: player_of(*next) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn player(index: u32) -> PlayerId {
        PlayerId(u64::from(index) + 100)
    }

    fn party(own: u32, fellows: Range<u32>) -> Party {
        Party::new(own, fellows, Some(String::from("arena")))
    }

    fn team(members: &[u32]) -> TeamView {
        let members: Vec<_> = members.iter().map(|index| player(*index)).collect();
        TeamView { team: TeamId(1), leader: members[0], members }
    }

    fn queue() -> SocialRequest {
        SocialRequest::Queue { queue: String::from("arena") }
    }

    #[test]
    fn a_single_player_queues_fights_rests_and_queues_again() {
        let mut party = party(3, 3..4);
        assert_eq!(party.next(0, player), Some(queue()));
        party.accepted(0, &queue(), None);
        assert_eq!(party.next(10, player), None);
        party.battle_began();
        assert_eq!(party.next(QUEUE_PATIENCE_MS * 2, player), None);
        party.battle_ended(100);
        assert_eq!(party.next(101, player), None);
        assert_eq!(party.next(100 + REST_MS, player), Some(queue()));
    }

    #[test]
    fn a_leader_invites_each_fellow_once_a_round_and_queues_when_all_are_there() {
        let mut party = party(1, 1..4);
        assert_eq!(party.next(0, player), Some(SocialRequest::CreateTeam));
        party.accepted(0, &SocialRequest::CreateTeam, Some(team(&[1])));
        let invite = |index| Some(SocialRequest::InviteToTeam { player: player(index) });
        assert_eq!(party.next(1, player), invite(2));
        assert_eq!(party.next(2, player), invite(3));
        assert_eq!(party.next(3, player), None);
        party.team_changed(Some(team(&[1, 2])));
        assert_eq!(party.next(3 + INVITE_AGAIN_MS, player), invite(3));
        party.team_changed(Some(team(&[1, 2, 3])));
        assert_eq!(party.next(4 + INVITE_AGAIN_MS, player), Some(queue()));
    }

    #[test]
    fn a_leader_does_not_wait_forever() {
        let mut party = party(1, 1..3);
        party.team_changed(Some(team(&[1])));
        assert!(matches!(party.next(0, player), Some(SocialRequest::InviteToTeam { .. })));
        assert_eq!(party.next(GATHER_MS, player), Some(queue()));
    }

    #[test]
    fn a_fellow_joins_the_leader_and_nobody_else() {
        let mut party = party(2, 1..3);
        party.invitation(TeamId(8), player(9), player(1));
        assert_eq!(party.next(0, player), None);
        party.invitation(TeamId(1), player(1), player(1));
        let join = SocialRequest::JoinTeam { team: TeamId(1) };
        assert_eq!(party.next(0, player), Some(join.clone()));
        party.accepted(0, &join, Some(team(&[1, 2])));
        assert_eq!(party.next(1, player), None, "the leader queues");
    }

    #[test]
    fn a_team_from_an_earlier_session_is_left_first() {
        let mut party = party(1, 1..3);
        party.refused(0, &SocialRequest::CreateTeam, true);
        assert_eq!(party.next(1, player), Some(SocialRequest::LeaveTeam));
        party.accepted(1, &SocialRequest::LeaveTeam, None);
        assert_eq!(party.next(2, player), Some(SocialRequest::CreateTeam));
    }

    #[test]
    fn a_queue_that_takes_too_long_is_left() {
        let mut party = party(3, 3..4);
        party.queued(0);
        assert_eq!(party.next(QUEUE_PATIENCE_MS - 1, player), None);
        let late = party.next(QUEUE_PATIENCE_MS, player);
        assert_eq!(late, Some(SocialRequest::LeaveQueue));
    }
}
