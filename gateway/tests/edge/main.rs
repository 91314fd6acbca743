//! The edge over real QUIC: the public client library, and clients that keep no rules.

mod raw;
mod world;

use std::pin::pin;
use std::time::Duration;

use client::{Client, CloseReason, ConnectError, ConnectOptions, Received, RequestError};
use gateway::shell::{BindError, CloseCode, Edge, EdgeLimits};
use shared::ids::{PlayerId, RequestId};
use shared::limits::CLIENT_FRAME_BYTES_MAX;
use shared::msg::client::{
    ClientFrame, Event, PlayerRequest, Reply, Request, ServerFrame, SocialRequest,
};
use shared::msg::refusal::RefusalCode;
use shared::runtime::Doorbell;
use shared::wire;
use tokio::task::JoinSet;

use raw::RawClient;
use world::{BATTLE, World, config, value};

const READ_BAG: Request = Request::Player(PlayerRequest::ReadBag);
const NEVER_ANSWERED: Request = Request::Player(PlayerRequest::LeaveGuild);

#[tokio::test(flavor = "multi_thread")]
async fn a_client_logs_in_and_is_answered() {
    let world = World::start();
    let to = world.to("anna");
    let options = ConnectOptions {
        server: to.server,
        server_name: to.server_name,
        trust: world.trust(),
        login: to.login,
    };
    let (client, mut events) = Client::connect(options).await.expect("let in");
    assert_eq!(client.player(), PlayerId::of_account("anna"));
    for _ in 0..50 {
        assert_eq!(client.request(Request::Ping).await, Ok(Reply::Pong));
    }
    assert_eq!(client.request(READ_BAG).await, Ok(Reply::Done));
    client.close();
    assert_eq!(events.next().await, Received::Closed(CloseReason::ByUs));
    assert!(matches!(client.request(READ_BAG).await, Err(RequestError::Disconnected(_))));
    let values = world.end().await;
    assert_eq!(value(&values, "requests_total"), 51);
    assert_eq!(value(&values, "logins_total"), 1);
    assert_eq!(value(&values, "sessions"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_share_one_socket_and_ask_at_once() {
    let world = World::start();
    let endpoint = world.endpoint();
    let mut tasks = JoinSet::new();
    for n in 0..40 {
        let (endpoint, to) = (endpoint.clone(), world.to(&format!("bot-{n}")));
        tasks.spawn(async move {
            let (client, events) = endpoint.connect(to).await.expect("let in");
            for _ in 0..5 {
                let (a, b) = tokio::join!(client.request(Request::Ping), client.request(READ_BAG));
                assert_eq!((a, b), (Ok(Reply::Pong), Ok(Reply::Done)));
            }
            drop(events);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("every client is answered");
    }
    endpoint.wait_idle().await;
    let values = world.end().await;
    assert_eq!(value(&values, "requests_total"), 40 * 10);
    assert_eq!(value(&values, "edge_accepted_total"), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_go_to_the_battle_and_snapshots_come_back() {
    let world = World::start();
    let (client, mut events) = world.endpoint().connect(world.to("anna")).await.expect("let in");
    let ask = Request::Social(SocialRequest::LeaveQueue);
    assert_eq!(client.request(ask).await, Ok(Reply::Done));
    let started = events.next().await;
    assert!(matches!(started, Received::Event(Event::BattleStarted(_))), "{started:?}");
    for tick in 1..=10u32 {
        client.send_commands(BATTLE, &[]).expect("sent");
        let snapshot = world::snapshot_at(tick);
        assert_eq!(events.next().await, Received::Snapshot(snapshot), "acknowledged by itself");
    }
    let values = world.end().await;
    assert_eq!(value(&values, "datagrams_in_total"), 10);
    assert_eq!(value(&values, "datagrams_out_total"), 9);
    assert_eq!(value(&values, "snapshots_by_stream_total"), 1);
    assert_eq!(value(&values, "edge_datagrams_out_dropped_total"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_says_why() {
    let world = World::start();
    let refused = world.endpoint().connect(world.to("no spaces")).await;
    let Err(ConnectError::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.code, RefusalCode::BadName);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_says_goodbye_and_requests_in_flight_end_as_unknown() {
    let world = World::start();
    let endpoint = world.endpoint();
    let (idle, mut idle_events) = endpoint.connect(world.to("anna")).await.expect("let in");
    let (busy, _busy_events) = endpoint.connect(world.to("ben")).await.expect("let in");
    let mut waiting = pin!(busy.request(NEVER_ANSWERED));
    tokio::select! {
        biased;
        answer = &mut waiting => panic!("{answer:?}"),
        // Frames stay in order, so the request before is in flight when this is answered.
        pong = busy.request(Request::Ping) => assert_eq!(pong, Ok(Reply::Pong)),
    }
    world.drain();
    let Received::Closed(CloseReason::Goodbye(refusal)) = idle_events.next().await else {
        panic!("the client is told")
    };
    assert_eq!(refusal.code, RefusalCode::Draining);
    drop(idle);
    let refused = endpoint.connect(world.to("carl")).await;
    let Err(ConnectError::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.code, RefusalCode::Draining);
    let answer = waiting.await;
    let Err(RequestError::Refused(refusal)) = answer else { panic!("{answer:?}") };
    assert_eq!(refusal.code, RefusalCode::OutcomeUnknown);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_too_long_closes_the_connection() {
    let world = World::start();
    for len in [u32::try_from(CLIENT_FRAME_BYTES_MAX).expect("short") + 1, u32::MAX] {
        let mut raw = RawClient::connect(&world).await;
        raw.write(&len.to_le_bytes()).await;
        assert_eq!(raw.closed().await, CloseCode::FrameTooLong.number());
    }
    let values = world.end().await;
    assert_eq!(value(&values, "edge_frames_too_long_total"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_never_ends_closes_the_connection() {
    let limits = EdgeLimits { frame_limit: Duration::from_millis(20), ..EdgeLimits::default() };
    let world = World::with_limits(limits);
    let mut raw = RawClient::connect(&world).await;
    raw.write(&[9, 0, 0]).await;
    assert_eq!(raw.closed().await, CloseCode::TooSlow.number());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_counted_and_then_closes_the_connection() {
    let world = World::start();
    let mut raw = RawClient::connect(&world).await;
    for _ in 0..8 {
        raw.frame(&[0xFF; 9]).await;
    }
    let ServerFrame::Goodbye(refusal) = raw.read().await else { panic!("no goodbye") };
    assert_eq!(refusal.code, RefusalCode::Offences);
    assert_eq!(raw.closed().await, CloseCode::Done.number());
    let values = world.end().await;
    assert_eq!(value(&values, "edge_malformed_total"), 8);
    assert_eq!(value(&values, "offenders_closed_total"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_before_the_login_is_told_so() {
    let world = World::start();
    let mut raw = RawClient::connect(&world).await;
    let ping = ClientFrame::Request { id: RequestId(1), request: Request::Ping };
    raw.frame(&wire::encode(&ping)).await;
    let ServerFrame::Goodbye(refusal) = raw.read().await else { panic!("no goodbye") };
    assert_eq!(refusal.code, RefusalCode::NotLoggedIn);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_lets_frames_pile_up_is_closed() {
    let world = World::start();
    let mut raw = RawClient::connect(&world).await;
    raw.log_in("anna").await;
    let read_inbox = Request::Player(PlayerRequest::ReadInbox);
    let frame = ClientFrame::Request { id: RequestId(1), request: read_inbox };
    raw.frame(&wire::encode(&frame)).await;
    assert_eq!(raw.closed().await, CloseCode::SlowReader.number());
    let values = world.end().await;
    assert_eq!(value(&values, "edge_slow_readers_total"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_are_refused() {
    let limits = EdgeLimits { connections_max: 1, ..EdgeLimits::default() };
    let world = World::with_limits(limits);
    let endpoint = world.endpoint();
    let held = endpoint.connect(world.to("anna")).await.expect("let in");
    let refused = endpoint.connect(world.to("ben")).await;
    assert!(matches!(refused, Err(ConnectError::Handshake(_))), "{refused:?}");
    drop(held);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_prove_their_address_while_many_handshakes_are_under_way() {
    let limits = EdgeLimits { handshakes_unproven_max: 0, ..EdgeLimits::default() };
    let world = World::with_limits(limits);
    let (client, _events) = world.endpoint().connect(world.to("anna")).await.expect("let in");
    assert_eq!(client.request(Request::Ping).await, Ok(Reply::Pong));
    let values = world.end().await;
    assert_eq!(value(&values, "edge_retried_total"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named() {
    let world = World::start();
    let port = world.edge.local_addr().port();
    let again = Edge::bind(config(&world.dir, port, EdgeLimits::default()), Doorbell::new());
    let Err(error @ BindError::InUse { .. }) = again else { panic!("it is taken") };
    assert!(error.to_string().contains(&format!("UDP port {port} ")), "{error}");
    world.end().await;
}
