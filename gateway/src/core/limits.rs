//! What a gateway takes from clients and how long it waits: every limit of the core.

use shared::limits::REQUESTS_IN_FLIGHT_MAX;
use shared::tick::TickRate;

use super::bucket::BucketRule;

/// Time from connection to the login frame. A slower client is told `NotLoggedIn` and closed.
pub const AUTH_MS: u64 = 5_000;
/// Time from the login frame to the answer. A login that takes longer ends with `Unavailable`.
pub const LOGIN_MS: u64 = 10_000;
/// Time after which a baseapp that has not answered a login is asked again: it may have answered
/// before it knew this gateway.
pub const OPEN_AGAIN_MS: u64 = 1_000;
/// Baseapps that a login is sent on to. One more ends it with `Unavailable`.
pub const LOGIN_HOPS_MAX: u8 = 4;
/// Time a request may take. A longer one is refused with `OutcomeUnknown`.
pub const REQUEST_MS: u64 = 10_000;
/// Time between two attempts to tell social (or, at the end, anybody) about a session.
pub const RETRY_MS: u64 = 500;
/// Time the shell has to report a connection closed after it was told to close it. Then the
/// session is forgotten without it.
pub const CLOSING_MS: u64 = 5_000;
/// Time requests in flight have when the node drains. Those left are refused with
/// `OutcomeUnknown`.
pub const DRAIN_MS: u64 = 5_000;
/// Ends of sessions that still have to be told to a node whose queue is full. Further ones are
/// dropped and counted; the receiver then learns of the end by the player's next login.
pub const FAREWELLS_MAX: usize = 16_384;

/// How much a gateway takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayLimits {
    /// Sessions. A further connection is told `Busy` and closed.
    pub sessions_max: u32,
    /// Sessions that are not logged in yet. A further connection is told `Busy` and closed.
    pub logins_max: u32,
    /// Requests per second and session. What is beyond is refused with `Busy`.
    pub requests_per_s: u32,
    /// Requests that a session may send at once after a pause.
    pub requests_burst: u32,
    /// Datagrams per second and session. What is beyond is dropped and counted.
    pub datagrams_per_s: u32,
    /// Datagrams that a session may send at once after a pause.
    pub datagrams_burst: u32,
    /// Requests and datagrams beyond their rates that are borne per second.
    pub excess_per_s: u32,
    /// Requests and datagrams beyond their rates that are borne at once. Further ones end the
    /// session with `Offences`.
    pub excess_burst: u32,
    /// Offences of a session: bytes that are no message, inputs for a battle of others. The last
    /// one ends the session with `Offences`.
    pub offences_max: u32,
    /// Of 1,000 requests, how many are followed through the logs of all nodes.
    pub traces_permille: u32,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            sessions_max: 20_000,
            logins_max: 4_000,
            requests_per_s: 100,
            requests_burst: 200,
            datagrams_per_s: 60,
            datagrams_burst: 120,
            excess_per_s: 10,
            excess_burst: 400,
            offences_max: 8,
            traces_permille: 0,
        }
    }
}

/// The limits in ticks.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) limits: GatewayLimits,
    pub(super) rate: TickRate,
    pub(super) requests: BucketRule,
    pub(super) datagrams: BucketRule,
    pub(super) excess: BucketRule,
    pub(super) auth_ticks: u64,
    pub(super) login_ticks: u64,
    pub(super) open_again_ticks: u64,
    pub(super) request_ticks: u64,
    pub(super) retry_ticks: u64,
    pub(super) closing_ticks: u64,
    pub(super) drain_ticks: u64,
}

impl Rules {
    pub(super) fn new(rate: TickRate, limits: GatewayLimits) -> Self {
        let bucket = |per_s, burst| BucketRule::new(rate, per_s, burst);
        Self {
            requests: bucket(limits.requests_per_s, limits.requests_burst),
            datagrams: bucket(limits.datagrams_per_s, limits.datagrams_burst),
            excess: bucket(limits.excess_per_s, limits.excess_burst),
            auth_ticks: rate.ticks_of_ms(AUTH_MS),
            login_ticks: rate.ticks_of_ms(LOGIN_MS),
            open_again_ticks: rate.ticks_of_ms(OPEN_AGAIN_MS),
            request_ticks: rate.ticks_of_ms(REQUEST_MS),
            retry_ticks: rate.ticks_of_ms(RETRY_MS),
            closing_ticks: rate.ticks_of_ms(CLOSING_MS),
            drain_ticks: rate.ticks_of_ms(DRAIN_MS),
            limits,
            rate,
        }
    }
}

const _: () = assert!(DRAIN_MS <= REQUEST_MS);
const _: () = assert!(REQUESTS_IN_FLIGHT_MAX < 200, "a burst of requests can be in flight");
