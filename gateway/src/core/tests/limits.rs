//! What clients may not do, and how much they may do.

use proptest::prelude::*;
use shared::core::{EdgeInput, Input};
use shared::ids::SessionId;
use shared::limits::{CLIENT_FRAME_BYTES_MAX, REQUESTS_IN_FLIGHT_MAX};
use shared::msg::client::{ClientDatagram, ClientFrame, Request};
use shared::wire;

use super::script::*;
use crate::core::GatewayLimits;

fn logged_in_stage(limits: GatewayLimits) -> Stage {
    let mut stage = Stage::new(limits);
    for (line, expected) in logged_in(1, 1) {
        assert_eq!(stage.play(&line), expected);
    }
    stage
}

#[test]
fn a_request_before_the_welcome_ends_the_session() {
    let goodbye: &[&str] = &["1: goodbye NotLoggedIn", "1: close"];
    check(&[(connect(1), &[]), (ask(1, 1, Request::Ping), goodbye), (read_bag(1, 2), &[])]);
    let stage = check(&[
        (connect(1), &[]),
        (login(1), &["store 1"]),
        (read_bag(1, 1), goodbye),
        (owner(1, None), &[]),
        (login(1), &[]),
        (close(1), &[]),
    ]);
    assert_eq!(stage.value("sessions"), 0);
}

#[test]
fn offences_are_borne_for_a_while() {
    let offences: [fn() -> Line; 3] = [|| malformed(1), || login(1), || commands(1, 77)];
    for offence in offences {
        let mut stage = logged_in_stage(GatewayLimits::default());
        for _ in 1..GatewayLimits::default().offences_max {
            assert_eq!(stage.play(&offence()), Vec::<String>::new());
        }
        let last = stage.play(&offence());
        assert_eq!(last[2..], ["1: goodbye Offences", "1: close"]);
        assert_eq!(stage.play(&offence()), Vec::<String>::new(), "it is closed only once");
        assert_eq!(stage.value("offenders_closed_total"), 1);
    }
}

#[test]
fn requests_in_flight_are_limited_and_pings_are_not_among_them() {
    let mut stage = logged_in_stage(GatewayLimits::default());
    for id in 1..=u64::try_from(REQUESTS_IN_FLIGHT_MAX).unwrap() {
        assert_eq!(stage.play(&read_bag(1, id)), [format!("baseapp@2#1 request {id}")]);
    }
    assert_eq!(stage.play(&read_bag(1, 99)), ["1: refused 99 Busy"]);
    assert_eq!(stage.play(&ask(1, 98, Request::Ping)), ["1: reply 98 Pong"]);
    stage.play(&reply(2, 1, 1));
    assert_eq!(stage.play(&read_bag(1, 99)), ["baseapp@2#1 request 99"]);
}

#[test]
fn requests_beyond_the_rate_are_refused_and_a_flood_ends_the_session() {
    let limits = GatewayLimits::default();
    let mut stage = logged_in_stage(limits.clone());
    let mut answers = [0, 0];
    for id in 0..limits.requests_burst + limits.excess_burst {
        let answer = stage.play(&ask(1, u64::from(id), Request::Ping));
        let busy = answer == [format!("1: refused {id} Busy")];
        assert!(busy || answer == [format!("1: reply {id} Pong")]);
        answers[usize::from(busy)] += 1;
    }
    assert_eq!(answers, [limits.requests_burst, limits.excess_burst]);
    let last = stage.play(&ask(1, 9_999, Request::Ping));
    assert_eq!(last[0], "1: refused 9999 Busy");
    assert_eq!(last[3..], ["1: goodbye Offences", "1: close"]);
}

#[test]
fn datagrams_beyond_the_rate_are_dropped() {
    let limits = GatewayLimits::default();
    let mut stage = logged_in_stage(limits.clone());
    stage.play(&seated(1, 9));
    let passed =
        (0..limits.datagrams_burst + 50).filter(|_| !stage.play(&commands(1, 9)).is_empty());
    assert_eq!(passed.count(), usize::try_from(limits.datagrams_burst).unwrap());
    assert_eq!(stage.value("datagrams_dropped_total"), 50);
    stage.play(&Line::Wait(1_000));
    assert_eq!(stage.play(&commands(1, 9)), ["battleapp@4#1 commands"]);
}

#[test]
fn a_full_gateway_says_so() {
    let limits = GatewayLimits { sessions_max: 3, logins_max: 2, ..GatewayLimits::default() };
    let mut stage = logged_in_stage(limits);
    for session in [2, 3] {
        assert_eq!(stage.play(&connect(session)), Vec::<String>::new());
    }
    assert_eq!(stage.play(&connect(4)), ["4: goodbye Busy", "4: close"]);
    stage.play(&close(4));
    stage.play(&close(1));
    assert_eq!(stage.play(&connect(5)), ["5: goodbye Busy", "5: close"], "two are logging in");
    stage.play(&close(5));
    stage.play(&close(2));
    assert_eq!(stage.play(&connect(6)), Vec::<String>::new());
}

proptest! {
    #[test]
    fn random_bytes_never_panic_the_decoders_or_the_core(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut stage = logged_in_stage(GatewayLimits::default());
        let session = SessionId(1);
        let input = match wire::decode::<ClientFrame>(&bytes, CLIENT_FRAME_BYTES_MAX) {
            Ok(frame) => EdgeInput::Frame { session, frame },
            Err(_) => EdgeInput::Malformed { session },
        };
        stage.play(&Line::In(Input::Edge(input)));
        if let Ok(datagram) = wire::decode::<ClientDatagram>(&bytes, CLIENT_FRAME_BYTES_MAX) {
            stage.play(&edge(EdgeInput::Datagram { session, datagram }));
        }
        prop_assert_eq!(stage.value("sessions"), 1);
    }
}
