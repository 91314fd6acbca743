//! Links without a broker: the limits of a window, and what it does when told nonsense. What a
//! window makes of a channel that loses, repeats and reorders is in `lossy`.

mod lossy;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::envelope::{Acknowledged, Frame, HEADER_BYTES, Header};
use super::hub::Hub;
use super::inbound::{Arrival, Inbound};
use super::outbound::{Due, Outbound, Refused, UNKNOWN_NODE_MS};
use super::peer::{Heard, Peers};
use super::{
    FRAME_BYTES_MAX, HELD_BYTES_MAX, LINK_BYTES_MAX, LINK_FRAMES_MAX, PEERS_MAX, checked_prefix,
};
use crate::ids::{Key, NodeId, PlayerId, Role};
use crate::msg::Body;
use crate::wire;

const ONE: NodeId = NodeId { node: 1, incarnation: 1 };
const TWO: NodeId = NodeId { node: 2, incarnation: 1 };
const ROLES: (Role, Role) = (Role::Gateway, Role::Baseapp);

fn body(n: u64) -> Body {
    Body::MailWaiting(Key::Player(PlayerId(n)))
}

fn number(body: &Body) -> u64 {
    let Body::MailWaiting(Key::Player(PlayerId(n))) = body else { panic!("{body:?}") };
    *n
}

fn accept(outbound: &mut Outbound, n: u64) -> Result<(), Refused> {
    outbound.accept(ROLES, false, |batch| wire::encode_onto(&body(n), batch))
}

fn fill(outbound: &mut Outbound, bytes: usize) -> Result<(), Refused> {
    outbound.accept(ROLES, false, |batch| batch.resize(batch.len() + bytes, 0))
}

fn stamp() -> Header {
    let acknowledged = Acknowledged::default();
    Header { from: ONE, to: TWO, first: 0, frames: 0, acknowledged }
}

fn take(outbound: &mut Outbound, now_ms: u64) -> Option<Header> {
    let (bytes, _) = outbound.take(now_ms, stamp())?;
    Some(Header::read(&bytes).expect("it was just written"))
}

fn link() -> Outbound {
    Outbound::new(true, Arc::default())
}

fn settled(frames: u64) -> Acknowledged {
    Acknowledged { received: frames, settled: frames, resend: false }
}

#[test]
fn a_link_is_full_at_its_limit_of_frames_until_some_are_acknowledged() {
    let mut outbound = link();
    let max = u64::try_from(LINK_FRAMES_MAX).unwrap();
    (0..max).for_each(|n| accept(&mut outbound, n).unwrap());
    assert_eq!(accept(&mut outbound, max), Err(Refused::Full));
    let first = take(&mut outbound, 0).unwrap();
    outbound.acknowledge(0, settled(u64::from(first.frames)));
    assert_eq!(accept(&mut outbound, max), Ok(()));
}

#[test]
fn a_link_is_full_at_its_limit_of_bytes_but_frames_find_their_way_back() {
    let mut outbound = link();
    let len = 100_000;
    let accepted = (0..).take_while(|_| fill(&mut outbound, len).is_ok()).count();
    assert!((LINK_BYTES_MAX / (len + 64)..=LINK_BYTES_MAX / len + 1).contains(&accepted));
    let returned = |outbound: &mut Outbound| {
        outbound.accept(ROLES, true, |batch| batch.resize(batch.len() + len, 0))
    };
    let back = (0..).take_while(|_| returned(&mut outbound).is_ok()).count();
    assert!(back.abs_diff(accepted) <= 1, "{accepted} frames out, {back} back");
}

#[test]
fn a_frame_that_is_too_long_leaves_no_trace() {
    let mut outbound = link();
    assert_eq!(fill(&mut outbound, FRAME_BYTES_MAX + 1), Err(Refused::TooLong));
    assert!(outbound.is_settled());
    accept(&mut outbound, 1).unwrap();
    assert_eq!(fill(&mut outbound, FRAME_BYTES_MAX + 1), Err(Refused::TooLong));
    fill(&mut outbound, FRAME_BYTES_MAX).unwrap();
    assert_eq!(take(&mut outbound, 0).map(|header| (header.first, header.frames)), Some((1, 2)));
}

#[test]
fn links_that_hold_too_much_together_take_no_second_batch() {
    let held = Arc::new(AtomicUsize::new(HELD_BYTES_MAX));
    let mut outbound = Outbound::new(true, Arc::clone(&held));
    fill(&mut outbound, FRAME_BYTES_MAX).unwrap();
    assert_eq!(accept(&mut outbound, 1), Err(Refused::Full));
    assert!(held.load(Ordering::Relaxed) > HELD_BYTES_MAX + FRAME_BYTES_MAX);
    drop(outbound);
    assert_eq!(held.load(Ordering::Relaxed), HELD_BYTES_MAX);
}

#[test]
fn acknowledgements_of_what_was_never_sent_change_nothing() {
    let mut outbound = link();
    (0..3).for_each(|n| accept(&mut outbound, n).unwrap());
    outbound.acknowledge(0, settled(3));
    assert!(!outbound.is_settled(), "nothing has gone out");
    take(&mut outbound, 0).unwrap();
    for (received, settled) in [(4, 0), (u64::MAX, u64::MAX), (1, 2)] {
        outbound.acknowledge(0, Acknowledged { received, settled, resend: true });
    }
    let unsettled = outbound.close();
    assert_eq!(unsettled.iter().map(|(_, _, body)| number(body)).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(accept(&mut outbound, 4), Err(Refused::Closed));
}

#[test]
fn what_a_node_did_not_settle_comes_back_when_it_dies() {
    let mut outbound = link();
    (0..4).for_each(|n| accept(&mut outbound, n).unwrap());
    take(&mut outbound, 0).unwrap();
    (4..6).for_each(|n| accept(&mut outbound, n).unwrap());
    outbound.accept(ROLES, true, |batch| wire::encode_onto(&body(6), batch)).unwrap();
    outbound.acknowledge(0, Acknowledged { received: 4, settled: 2, resend: false });
    let unsettled = outbound.close();
    let expected: Vec<_> = (2..6).map(|n| (ROLES.0, ROLES.1, body(n))).collect();
    assert_eq!(unsettled, expected, "and what was on its way back to the dead node does not");
}

#[test]
fn silence_sends_again_later_and_later() {
    let mut outbound = link();
    accept(&mut outbound, 0).unwrap();
    let mut sent_at_ms = Vec::new();
    for now_ms in 0..20_000 {
        if outbound.look(now_ms) == Due::Send {
            assert!(take(&mut outbound, now_ms).is_some());
            sent_at_ms.push(now_ms);
        }
    }
    assert_eq!(sent_at_ms, [0, 250, 750, 1_750, 3_750, 7_750, 11_750, 15_750, 19_750]);
}

#[test]
fn loss_shrinks_what_is_on_the_way_and_success_lets_it_grow() {
    let mut outbound = link();
    while fill(&mut outbound, 60_000).is_ok() {}
    let flight = |outbound: &mut Outbound, now_ms| {
        let taken: Vec<_> = std::iter::from_fn(|| take(outbound, now_ms)).collect();
        (taken.len(), taken.last().map_or(0, |last| last.first + u64::from(last.frames) - 1))
    };
    let (at_first, _) = flight(&mut outbound, 0);
    outbound.look(1_000);
    let (after_loss, _) = flight(&mut outbound, 1_000);
    outbound.look(5_000);
    let (after_two, last) = flight(&mut outbound, 5_000);
    assert!(after_loss <= at_first / 2 + 1 && after_two <= after_loss / 2 + 1 && after_two > 0);
    outbound.acknowledge(5_001, Acknowledged { received: last, settled: 0, resend: false });
    let (after_success, _) = flight(&mut outbound, 5_001);
    assert!(after_success > after_two, "{after_two} batches, then {after_success}");
}

#[test]
fn nothing_leaves_for_a_node_that_nobody_has_shown() {
    let mut outbound = Outbound::new(false, Arc::default());
    accept(&mut outbound, 0).unwrap();
    assert_eq!((outbound.look(7), take(&mut outbound, 7)), (Due::Later, None));
    assert_eq!(outbound.look(7 + UNKNOWN_NODE_MS), Due::GiveUp);
    assert!(outbound.confirm() && !outbound.confirm());
    assert_eq!(outbound.look(8), Due::Send);
}

#[test]
fn batches_with_nonsensical_numbers_are_refused() {
    let mut inbound = Inbound::default();
    let mut bytes = vec![0; HEADER_BYTES];
    Frame::append(&mut bytes, ROLES, false, None, |_| ());
    let bytes = Bytes::from(bytes);
    let mut arrive = |first, frames| {
        let header = Header { first, frames, ..stamp() };
        inbound.arrive(0, &header, bytes.clone(), true)
    };
    for (first, frames) in [(0, 1), (1, 0), (u64::MAX, 1), (u64::MAX, u32::MAX)] {
        assert_eq!(arrive(first, frames), Arrival::Nonsense, "{first} {frames}");
    }
    assert_eq!(arrive(2, 1), Arrival::Gap);
    assert_eq!(arrive(1, 1), Arrival::Taken);
    assert_eq!(arrive(1, 1), Arrival::Duplicate);
}

#[test]
fn a_batch_that_claims_more_frames_than_it_has_is_given_up() {
    let mut inbound = Inbound::default();
    let mut bytes = vec![0; HEADER_BYTES];
    Frame::append(&mut bytes, ROLES, false, None, |_| ());
    let header = Header { first: 1, frames: 9, ..stamp() };
    assert_eq!(inbound.arrive(0, &header, Bytes::from(bytes), true), Arrival::Taken);
    let (_, len) = inbound.peek().unwrap().unwrap();
    inbound.settle(len);
    assert!(inbound.peek().unwrap().is_err());
    assert_eq!(inbound.give_up_batch(), 8);
    assert_eq!((inbound.acknowledged(), inbound.parked_bytes()), (settled(9), 0));
}

#[test]
fn incarnations_up_to_a_gone_one_never_come_back() {
    let mut peers = Peers::default();
    let node = |incarnation| NodeId { node: 7, incarnation };
    let get = |peers: &mut Peers, incarnation| {
        peers.get(node(incarnation), Heard::Asked, |node| node.to_string()).is_some()
    };
    assert!(get(&mut peers, 1) && get(&mut peers, 2) && get(&mut peers, 4));
    assert_eq!(peers.remove_up_to(node(3)).len(), 2);
    assert!(!get(&mut peers, 2) && !get(&mut peers, 3) && get(&mut peers, 4));
    for n in 1..u32::try_from(PEERS_MAX).unwrap() {
        assert!(get(&mut peers, 4 + n));
    }
    assert!(!get(&mut peers, u32::MAX), "one too many");
}

#[test]
fn a_prefix_is_one_plain_word() {
    assert!(checked_prefix("eu-west_1").is_ok());
    for prefix in ["", "a.b", "a:b", "a b", "a*", "{a}", &"a".repeat(65)] {
        assert!(checked_prefix(prefix).is_err(), "{prefix:?}");
    }
}

#[test]
fn what_is_lost_goes_out_again_though_nothing_ever_comes_back() {
    let hub = Hub::new(ONE, Box::new(|node| node.to_string()));
    hub.peer(TWO);
    let peer = hub.asked(TWO).expect("it was shown");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let sent_twice = async {
        let mut house = std::pin::pin!(hub.keep_house());
        // The housekeeping finds nothing to look after, and rests.
        tokio::select! {
            biased;
            () = &mut house => unreachable!("it goes on for ever"),
            () = std::future::ready(()) => {}
        }
        let sends = async {
            accept(&mut peer.outbound(), 1).expect("there is room");
            hub.enqueue(&peer);
            for _ in 0..2 {
                while hub.next().is_none() {
                    hub.work().await;
                }
            }
        };
        tokio::select! {
            () = house => unreachable!("it goes on for ever"),
            () = sends => {}
        }
    };
    let limit = Duration::from_secs(60);
    let outcome = runtime.expect("a runtime").block_on(async { timeout(limit, sent_twice).await });
    assert!(outcome.is_ok(), "it went out once only");
}
