//! What a gateway counts. Everything that is refused or dropped has a counter.

use shared::msg::refusal::RefusalCode;

/// Counters since the core was started.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: u64,
    pub(super) logins: u64,
    pub(super) logins_refused: u64,
    pub(super) login_hops: u64,
    pub(super) requests: u64,
    pub(super) requests_repeated: u64,
    pub(super) replies: u64,
    pub(super) events: u64,
    pub(super) refused_busy: u64,
    pub(super) refused_unavailable: u64,
    pub(super) refused_outcome_unknown: u64,
    pub(super) refused_draining: u64,
    pub(super) offences: u64,
    pub(super) offenders_closed: u64,
    pub(super) datagrams_in: u64,
    pub(super) datagrams_dropped: u64,
    pub(super) datagrams_out: u64,
    pub(super) snapshots: u64,
    pub(super) snapshots_by_stream: u64,
    pub(super) snapshots_too_long: u64,
    pub(super) stale: u64,
    pub(super) farewells_dropped: u64,
    pub(super) closes_overdue: u64,
}

impl Counters {
    /// Counts a refusal of ours by its code.
    pub(super) fn refused(&mut self, code: RefusalCode) {
        use RefusalCode as Code;
        match code {
            Code::Busy => self.refused_busy += 1,
            Code::Unavailable => self.refused_unavailable += 1,
            Code::OutcomeUnknown => self.refused_outcome_unknown += 1,
            Code::Draining => self.refused_draining += 1,
            Code::Malformed
            | Code::UpgradeNeeded
            | Code::NotLoggedIn
            | Code::WrongSecret
            | Code::LoggedInElsewhere
            | Code::RequestIdReused
            | Code::BadName
            | Code::BadAmount
            | Code::NotFound
            | Code::NotOwned
            | Code::WrongKind
            | Code::BagFull
            | Code::OutboxFull
            | Code::InGuild
            | Code::NoGuild
            | Code::Full
            | Code::NameTaken
            | Code::InTeam
            | Code::NoTeam
            | Code::NotLeader
            | Code::NotInvited
            | Code::InQueue
            | Code::NotInBattle
            | Code::Offences
            | Code::Quarantined => {}
        }
    }

    /// The counters by name.
    pub(super) fn values(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("connections_total", self.connections),
            ("logins_total", self.logins),
            ("logins_refused_total", self.logins_refused),
            ("login_hops_total", self.login_hops),
            ("requests_total", self.requests),
            ("requests_repeated_total", self.requests_repeated),
            ("replies_total", self.replies),
            ("events_total", self.events),
            ("refusals_busy_total", self.refused_busy),
            ("refusals_unavailable_total", self.refused_unavailable),
            ("refusals_outcome_unknown_total", self.refused_outcome_unknown),
            ("refusals_draining_total", self.refused_draining),
            ("offences_total", self.offences),
            ("offenders_closed_total", self.offenders_closed),
            ("datagrams_in_total", self.datagrams_in),
            ("datagrams_dropped_total", self.datagrams_dropped),
            ("datagrams_out_total", self.datagrams_out),
            ("snapshots_total", self.snapshots),
            ("snapshots_by_stream_total", self.snapshots_by_stream),
            ("snapshots_too_long_total", self.snapshots_too_long),
            ("stale_total", self.stale),
            ("farewells_dropped_total", self.farewells_dropped),
            ("closes_overdue_total", self.closes_overdue),
        ]
    }
}
