//! The rules of both sides, one by one.

use shared::core::Output;
use shared::directory::Nodes;
use shared::ids::{Address, Epoch, Key, NodeId, PlayerId, Role, Version};
use shared::msg::Body;
use shared::msg::replication::{
    COMPONENT_BYTES_MAX, COMPONENTS_MAX, Component, ComponentId, EndReason, Stamp, SubscriptionId,
    ToPublisher, ToSubscriber,
};
use shared::replication::{
    ANSWER_MS, CHECK_MS, LEASE_MS, PublishError, Publisher, Replica, ReplicaEvent,
    SUBSCRIPTIONS_PER_SUBSCRIBER_MAX, TRIES_MAX, WhyEnded,
};
use shared::tick::{Tick, TickRate};

const RATE: TickRate = TickRate::new(100);
const KEY: Key = Key::Player(PlayerId(1));
const FIRST: ComponentId = ComponentId(1);
const SECOND: ComponentId = ComponentId(2);

fn address(node: u16, role: Role) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role }
}

fn owner() -> Address {
    address(1, Role::Baseapp)
}

fn reader() -> Address {
    address(2, Role::Matchmaker)
}

fn component(id: ComponentId, value: u8) -> Component {
    Component { id, schema: 1, bytes: vec![value] }
}

fn subscribe(subscription: u64, components: &[ComponentId]) -> ToPublisher {
    let subscription = SubscriptionId(subscription);
    ToPublisher::Subscribe { subscription, key: KEY, components: components.to_vec() }
}

const fn stamp(epoch: u64, version: u64) -> Stamp {
    Stamp { epoch: Epoch(epoch), version }
}

/// A publisher of one entity in epoch 3, at tick 0.
fn publisher() -> Publisher {
    let mut publisher = Publisher::new(RATE);
    put(&mut publisher, 3, 1, component(FIRST, 1));
    put(&mut publisher, 3, 1, component(SECOND, 1));
    publisher.tick(Tick(0), &mut Vec::new());
    publisher
}

fn put(publisher: &mut Publisher, epoch: u64, version: u64, component: Component) {
    publisher.publish(KEY, Epoch(epoch), Version(version), component).expect("small");
}

fn told(outputs: Vec<Output>) -> Vec<ToSubscriber> {
    let said = |output| {
        let Output::Send { to, body: Body::ToSubscriber(said) } = output else {
            panic!("a publisher speaks to subscribers only: {output:?}")
        };
        assert_eq!(to, reader());
        said
    };
    outputs.into_iter().map(said).collect()
}

fn ask(publisher: &mut Publisher, now: u64, said: ToPublisher) -> Vec<ToSubscriber> {
    let mut outputs = Vec::new();
    publisher.heard(Tick(now), reader(), said, &mut outputs);
    told(outputs)
}

fn tick(publisher: &mut Publisher, now: u64) -> Vec<ToSubscriber> {
    let mut outputs = Vec::new();
    publisher.tick(Tick(now), &mut outputs);
    told(outputs)
}

fn snapshot(version: u64, components: &[Component]) -> ToSubscriber {
    let (subscription, stamp) = (SubscriptionId(1), stamp(3, version));
    ToSubscriber::Snapshot { subscription, stamp, components: components.to_vec() }
}

fn changes(version: u64, components: &[Component]) -> ToSubscriber {
    let (subscription, stamp) = (SubscriptionId(1), stamp(3, version));
    ToSubscriber::Changes { subscription, stamp, components: components.to_vec() }
}

const fn ended(reason: EndReason) -> ToSubscriber {
    ToSubscriber::Ended { subscription: SubscriptionId(1), reason }
}

#[test]
fn changes_of_one_tick_are_merged_and_only_those_asked_for_are_told() {
    let mut publisher = publisher();
    let all = ask(&mut publisher, 1, subscribe(1, &[FIRST]));
    assert_eq!(all, [snapshot(1, &[component(FIRST, 1)])]);
    put(&mut publisher, 3, 2, component(FIRST, 2));
    put(&mut publisher, 3, 3, component(FIRST, 3));
    put(&mut publisher, 3, 3, component(SECOND, 3));
    assert_eq!(tick(&mut publisher, 2), [changes(2, &[component(FIRST, 3)])]);
    put(&mut publisher, 3, 4, component(FIRST, 3));
    put(&mut publisher, 3, 4, component(SECOND, 4));
    assert_eq!(tick(&mut publisher, 3), [], "nothing that was asked for has changed");
}

#[test]
fn a_publisher_on_demand_has_no_more_entities_than_subscriptions() {
    let mut publisher = Publisher::on_demand(RATE);
    let publish = |publisher: &mut Publisher| put(publisher, 3, 1, component(FIRST, 1));
    publish(&mut publisher);
    let all = ask(&mut publisher, 1, subscribe(1, &[FIRST]));
    assert_eq!(all, [snapshot(1, &[component(FIRST, 1)])]);
    assert_eq!(publisher.keys().collect::<Vec<_>>(), [KEY]);
    ask(&mut publisher, 2, subscribe(2, &[FIRST]));
    let unsubscribe =
        |subscription| ToPublisher::Unsubscribe { subscription: SubscriptionId(subscription) };
    ask(&mut publisher, 3, unsubscribe(1));
    assert_eq!(publisher.level().entities, 1, "somebody still wants it");
    ask(&mut publisher, 3, unsubscribe(2));
    assert_eq!(publisher.level().entities, 0);
    publish(&mut publisher);
    let many: Vec<_> = (0..=COMPONENTS_MAX).map(|_| FIRST).collect();
    assert_eq!(ask(&mut publisher, 4, subscribe(1, &many)), [ended(EndReason::Refused)]);
    assert_eq!(publisher.level().entities, 0, "what is refused leaves nothing behind");
    publish(&mut publisher);
    ask(&mut publisher, 5, subscribe(1, &[FIRST]));
    publisher.node_gone(reader().node);
    assert_eq!(publisher.level().entities, 0);
    publish(&mut publisher);
    ask(&mut publisher, 5, subscribe(1, &[FIRST]));
    tick(&mut publisher, 6 + RATE.ticks_of_ms(LEASE_MS));
    assert_eq!(publisher.level().entities, 0, "nobody has renewed it");
}

#[test]
fn what_is_older_than_what_was_published_is_ignored() {
    let mut publisher = publisher();
    ask(&mut publisher, 1, subscribe(1, &[FIRST]));
    put(&mut publisher, 3, 5, component(FIRST, 5));
    put(&mut publisher, 3, 4, component(FIRST, 4));
    put(&mut publisher, 2, 9, component(FIRST, 9));
    assert_eq!(tick(&mut publisher, 2), [changes(2, &[component(FIRST, 5)])]);
    put(&mut publisher, 4, 6, component(FIRST, 6));
    let anew = ToSubscriber::Snapshot {
        subscription: SubscriptionId(1),
        stamp: stamp(4, 3),
        components: vec![component(FIRST, 6)],
    };
    assert_eq!(tick(&mut publisher, 3), [anew], "a new epoch begins with a snapshot");
}

#[test]
fn a_publisher_refuses_what_is_not_here_too_much_or_too_large() {
    let mut publisher = publisher();
    let many: Vec<_> = (0..=COMPONENTS_MAX).map(|_| FIRST).collect();
    assert_eq!(ask(&mut publisher, 1, subscribe(1, &many)), [ended(EndReason::Refused)]);
    let elsewhere = ToPublisher::Subscribe {
        subscription: SubscriptionId(1),
        key: Key::Player(PlayerId(9)),
        components: vec![FIRST],
    };
    assert_eq!(ask(&mut publisher, 1, elsewhere), [ended(EndReason::NotOwned)]);
    let most = u64::try_from(SUBSCRIPTIONS_PER_SUBSCRIBER_MAX).expect("a number");
    for subscription in 2..2 + most {
        ask(&mut publisher, 1, subscribe(subscription, &[FIRST]));
    }
    assert_eq!(ask(&mut publisher, 1, subscribe(1, &[FIRST])), [ended(EndReason::Refused)]);
    assert_eq!(publisher.level().subscriptions, SUBSCRIPTIONS_PER_SUBSCRIBER_MAX);
    assert_eq!(publisher.level().refused, 2);
    publisher.node_gone(reader().node);
    assert_eq!(publisher.level().subscriptions, 0);

    let len = COMPONENT_BYTES_MAX + 1;
    let large = Component { id: FIRST, schema: 1, bytes: vec![0; len] };
    let refused = publisher.publish(KEY, Epoch(3), Version(9), large);
    assert_eq!(refused, Err(PublishError::TooLarge { len }));
    assert_eq!(publisher.published(KEY, FIRST), Some(&component(FIRST, 1)));
}

#[test]
fn a_subscription_holds_as_long_as_it_is_renewed() {
    let mut publisher = publisher();
    ask(&mut publisher, 0, subscribe(1, &[FIRST]));
    let lease = RATE.ticks_of_ms(LEASE_MS);
    let have = Some(stamp(3, 1));
    let renew = ToPublisher::Resnapshot { subscription: SubscriptionId(1), have };
    assert_eq!(tick(&mut publisher, lease - 1), []);
    assert_eq!(ask(&mut publisher, lease - 1, renew.clone()), [changes(1, &[])]);
    tick(&mut publisher, 2 * lease - 2);
    assert_eq!(publisher.level().subscriptions, 1);
    tick(&mut publisher, 2 * lease - 1);
    assert_eq!((publisher.level().subscriptions, publisher.level().expired), (0, 1));
    assert_eq!(ask(&mut publisher, 2 * lease, renew), [ended(EndReason::Unknown)]);
}

#[test]
fn a_lost_snapshot_does_not_look_like_the_state_before() {
    let mut publisher = publisher();
    ask(&mut publisher, 0, subscribe(1, &[FIRST]));
    publisher.unsent(Tick(0), reader(), &snapshot(1, &[]));
    put(&mut publisher, 3, 2, component(FIRST, 2));
    assert_eq!(tick(&mut publisher, 1), [], "the snapshot will bring it");
    let again = tick(&mut publisher, 100);
    assert_eq!(again, [snapshot(2, &[component(FIRST, 2)])]);
    let have = Some(stamp(3, 1));
    let check = ToPublisher::Resnapshot { subscription: SubscriptionId(1), have };
    assert_eq!(ask(&mut publisher, 101, check), [snapshot(3, &[component(FIRST, 2)])]);
}

/// A replica that has asked for the entity at tick 0.
fn replica() -> (Replica, Vec<Output>) {
    let (mut replica, mut outputs) = (Replica::new(RATE, 1), Vec::new());
    assert!(replica.follow(Tick(0), KEY, owner(), &[FIRST], &mut outputs));
    (replica, outputs)
}

fn hear(replica: &mut Replica, now: u64, said: ToSubscriber) -> Vec<Output> {
    let mut outputs = Vec::new();
    replica.heard(Tick(now), owner(), said, &Nodes::default(), &mut outputs);
    outputs
}

fn to_owner(said: ToPublisher) -> Output {
    Output::Send { to: owner(), body: Body::ToPublisher(said) }
}

const fn resnapshot(have: Option<Stamp>) -> ToPublisher {
    ToPublisher::Resnapshot { subscription: SubscriptionId(1), have }
}

#[test]
fn a_change_that_does_not_follow_is_not_taken() {
    let (mut replica, outputs) = replica();
    assert_eq!(outputs, [to_owner(subscribe(1, &[FIRST]))]);
    hear(&mut replica, 1, snapshot(1, &[component(FIRST, 1)]));
    hear(&mut replica, 2, changes(2, &[component(FIRST, 2)]));
    assert_eq!(replica.component(KEY, FIRST), Some(&component(FIRST, 2)));
    let asked = hear(&mut replica, 3, changes(4, &[component(FIRST, 4)]));
    assert_eq!(asked, [to_owner(resnapshot(None))]);
    assert_eq!(hear(&mut replica, 4, changes(5, &[component(FIRST, 5)])), []);
    assert_eq!(replica.component(KEY, FIRST), Some(&component(FIRST, 2)), "old, and known to be");
    assert_eq!((replica.live(KEY), replica.level().gaps), (None, 1));
    hear(&mut replica, 5, snapshot(6, &[component(FIRST, 5)]));
    let live = Some((owner(), SubscriptionId(1), stamp(3, 6)));
    assert_eq!(replica.live(KEY), live);
    assert_eq!(replica.take_events(), [ReplicaEvent::Changed(KEY); 3]);
}

#[test]
fn a_loss_that_nothing_follows_is_found_by_the_routine_question() {
    let (mut replica, _) = replica();
    hear(&mut replica, 0, snapshot(1, &[component(FIRST, 1)]));
    let (mut outputs, check) = (Vec::new(), RATE.ticks_of_ms(CHECK_MS));
    replica.tick(Tick(check - 1), &Nodes::default(), &mut outputs);
    assert_eq!(outputs, []);
    replica.tick(Tick(check), &Nodes::default(), &mut outputs);
    assert_eq!(outputs, [to_owner(resnapshot(Some(stamp(3, 1))))]);
    hear(&mut replica, check, snapshot(2, &[component(FIRST, 2)]));
    assert_eq!(replica.component(KEY, FIRST), Some(&component(FIRST, 2)));
}

#[test]
fn what_changes_all_the_time_is_renewed_as_often_as_what_does_not() {
    let (mut replica, _) = replica();
    hear(&mut replica, 0, snapshot(1, &[component(FIRST, 1)]));
    let (mut outputs, check) = (Vec::new(), RATE.ticks_of_ms(CHECK_MS));
    for (now, value) in (1..=check).zip((2..=100).cycle()) {
        hear(&mut replica, now, changes(1 + now, &[component(FIRST, value)]));
        replica.tick(Tick(now), &Nodes::default(), &mut outputs);
    }
    assert_eq!(outputs, [to_owner(resnapshot(Some(stamp(3, 1 + check))))]);
}

#[test]
fn a_snapshot_takes_away_what_it_does_not_hold() {
    let (mut replica, _) = replica();
    hear(&mut replica, 1, snapshot(1, &[component(FIRST, 1)]));
    hear(&mut replica, 2, snapshot(2, &[]));
    assert_eq!(replica.component(KEY, FIRST), None);
    assert_eq!(replica.take_events(), [ReplicaEvent::Changed(KEY); 2]);
    hear(&mut replica, 3, snapshot(3, &[]));
    assert_eq!(replica.take_events(), [], "nothing is different");
}

#[test]
fn a_silent_owner_is_asked_so_often_and_then_given_up() {
    let (mut replica, _) = replica();
    let (mut outputs, answer) = (Vec::new(), RATE.ticks_of_ms(ANSWER_MS));
    let last = u64::from(TRIES_MAX) * answer;
    for now in 1..last {
        replica.tick(Tick(now), &Nodes::default(), &mut outputs);
    }
    let asked = usize::try_from(TRIES_MAX - 1).expect("few");
    assert_eq!(outputs, vec![to_owner(subscribe(1, &[FIRST])); asked]);
    assert_eq!(replica.take_events(), []);
    replica.tick(Tick(last), &Nodes::default(), &mut outputs);
    assert_eq!(replica.take_events(), [ReplicaEvent::Ended(KEY, WhyEnded::Silent)]);
    let stop = ToPublisher::Unsubscribe { subscription: SubscriptionId(1) };
    assert_eq!(outputs[asked..], [to_owner(stop)], "it may only be slow");
}

#[test]
fn a_former_owner_is_not_believed_after_its_successor_has_spoken() {
    let (mut replica, mut outputs) = replica();
    outputs.clear();
    hear(&mut replica, 1, snapshot(1, &[component(FIRST, 1)]));
    let former = address(7, Role::Baseapp);
    replica.follow(Tick(2), KEY, former, &[FIRST], &mut outputs);
    let old = ToSubscriber::Snapshot {
        subscription: SubscriptionId(2),
        stamp: stamp(2, 1),
        components: vec![component(FIRST, 9)],
    };
    replica.heard(Tick(3), former, old, &Nodes::default(), &mut outputs);
    let leave = ToPublisher::Unsubscribe { subscription: SubscriptionId(2) };
    assert_eq!(outputs.last(), Some(&Output::Send { to: former, body: Body::ToPublisher(leave) }));
    assert_eq!(replica.component(KEY, FIRST), Some(&component(FIRST, 1)));
    assert_eq!(replica.live(KEY), None);
}

#[test]
fn what_was_not_asked_for_is_not_taken_and_a_stray_is_told_to_stop() {
    let (mut replica, _) = replica();
    let large = Component { id: FIRST, schema: 1, bytes: vec![0; COMPONENT_BYTES_MAX + 1] };
    hear(&mut replica, 1, snapshot(1, &[component(SECOND, 1), large]));
    assert_eq!(replica.component(KEY, FIRST), None);
    assert_eq!(replica.component(KEY, SECOND), None);
    assert_eq!(replica.level().refused, 2);
    let mut outputs = Vec::new();
    assert!(!replica.follow(Tick(1), Key::Player(PlayerId(2)), owner(), &[FIRST], &mut outputs));
    replica.forget(KEY, &mut outputs);
    let leave = ToPublisher::Unsubscribe { subscription: SubscriptionId(1) };
    assert_eq!(outputs, [to_owner(leave.clone())]);
    let stray = hear(&mut replica, 2, changes(2, &[component(FIRST, 2)]));
    assert_eq!(stray, [to_owner(leave)]);
    assert_eq!(replica.level().followed, 0);
}
