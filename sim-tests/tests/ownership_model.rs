//! Ownership checked exhaustively: every order of events of a small world, not a sample of them.
//!
//! Two nodes, one key, a store that keeps the real rules (`shared::store::rules`), two requests of
//! a client that tries them at either node as often as it likes. Messages to and from the store
//! are delivered in any order, late or never. An owner can be paused for longer than its lease and
//! wake up without knowing; it can give up and claim anew.
//!
//! Whatever happens, a request has its effect at most once and nothing that was acknowledged is
//! missing. Two controls show that the checker would see it: without the comparison of epochs, and
//! with answers that do not say which commit they are about, it finds a counterexample.

#[path = "ownership_model/node.rs"]
mod node;
#[path = "ownership_model/rows.rs"]
mod rows;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model, Property};

use node::{Answer, Ask, Lease, Node, Tenure};
use rows::{REQUESTS, Record};

const NODES: usize = 2;
/// Epochs that are looked at. Two takeovers bring back the first owner.
const EPOCHS_MAX: u8 = 3;
/// Requests to the store that are on their way at once.
const ASKS_MAX: usize = 4;
/// Answers of the store that are on their way at once.
const ANSWERS_MAX: usize = 4;

const ONCE: &str = "a request has its effect at most once";
const KEPT: &str = "what was acknowledged is stored";
const BOTH: &str = "both requests are acknowledged";
const SURVIVES: &str = "what was acknowledged survives two takeovers";
const REFUSED: &str = "an owner that does not know it was replaced is refused";
const RETRIED: &str = "a request that was carried out is repeated at another owner";

/// What the protocol does; the controls leave something out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// All of it.
    Whole,
    /// The store does not compare epochs, only versions.
    WithoutFence,
    /// Answers to commits do not say of which epoch and version they speak: the owner takes them
    /// for the answer to its oldest commit.
    BareAnswers,
}

/// The whole world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    record: Record,
    nodes: [Node; NODES],
    /// On their way to the store, ordered so that equal worlds look equal.
    asks: Vec<Ask>,
    /// On their way back.
    answers: Vec<Answer>,
    /// Requests that the client was told are done.
    acknowledged: [bool; REQUESTS],
    /// Requests that an owner met which it had not carried out itself.
    retried: [bool; REQUESTS],
}

/// What can happen next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    /// A node that does not have the key asks for it.
    Claim(usize),
    /// The client asks a node.
    Request(usize, usize),
    /// The store carries out what is on its way at this place.
    Store(usize),
    /// An answer at this place arrives.
    Answer(usize),
    /// The owner is paused for longer than its lease.
    LeaseEnds(usize),
    /// It goes on as if nothing had happened.
    WakesUp(usize),
    /// An answer does not come in time, or the process is started anew: the node knows nothing.
    GivesUp(usize),
    /// The owner gives the key back.
    Release(usize),
}

impl World {
    fn new() -> Self {
        Self {
            record: Record::default(),
            nodes: std::array::from_fn(|_| Node { lease: Lease::Held, tenure: Tenure::None }),
            asks: Vec::new(),
            answers: Vec::new(),
            acknowledged: [false; REQUESTS],
            retried: [false; REQUESTS],
        }
    }

    /// Whether the directory lets `node` claim: nobody owns the key whose lease holds.
    fn may_claim(&self, node: usize) -> bool {
        let held = |owner: usize| owner != node && self.nodes[owner].lease == Lease::Held;
        self.nodes[node].tenure == Tenure::None
            && self.record.epoch() < EPOCHS_MAX
            && !self.record.owner().is_some_and(held)
    }

    /// The two nodes are alike, and so are the two requests: who comes first is called 0.
    fn is_mirrored(&self, event: &Event) -> bool {
        match event {
            Event::Claim(node) => {
                let untouched = self.record.epoch() == 0 && self.asks.is_empty();
                *node > 0 && untouched && self.nodes[0].tenure == Tenure::None
            }
            Event::Request(_, request) => {
                let known = (0..REQUESTS).any(|request| self.record.effects(request) > 0)
                    || self.nodes.iter().any(Node::knows_a_request)
                    || self.asks.iter().any(|ask| matches!(ask, Ask::Commit { .. }));
                *request > 0 && !known
            }
            Event::Store(_)
            | Event::Answer(_)
            | Event::LeaseEnds(_)
            | Event::WakesUp(_)
            | Event::GivesUp(_)
            | Event::Release(_) => false,
        }
    }

    /// Equal worlds look equal, and what can change nothing any more is left out.
    fn tidy(mut self, protocol: Protocol) -> Self {
        let nodes = &self.nodes;
        self.answers.retain(|answer| match answer {
            Answer::Claimed { to, epoch, .. } => nodes[*to].claims(*epoch),
            Answer::Committed { to, epoch, .. } => {
                protocol == Protocol::BareAnswers || nodes[*to].owns_in(*epoch)
            }
        });
        let epoch = self.record.epoch();
        self.asks.retain(|ask| match ask {
            Ask::Claim { seen, .. } => *seen == epoch,
            Ask::Release { epoch: of, .. } => *of == epoch,
            Ask::Commit { .. } => true,
        });
        self.asks.sort_unstable();
        self.answers.sort_unstable();
        self
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        vec![World::new()]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        for (index, node) in world.nodes.iter().enumerate() {
            if node.lease == Lease::Over {
                events.push(Event::WakesUp(index));
                continue;
            }
            if world.may_claim(index) {
                events.push(Event::Claim(index));
            }
            if node.tenure != Tenure::None {
                events.push(Event::GivesUp(index));
            }
            if let Tenure::Owned(owned) = &node.tenure {
                events.push(Event::LeaseEnds(index));
                events.extend((0..REQUESTS).map(|request| Event::Request(index, request)));
                if owned.is_durable() {
                    events.push(Event::Release(index));
                }
            }
        }
        events.extend((0..world.asks.len()).map(Event::Store));
        events.extend((0..world.answers.len()).map(Event::Answer));
        events.retain(|event| !world.is_mirrored(event));
    }

    fn next_state(&self, before: &World, event: Event) -> Option<World> {
        let mut world = before.clone();
        match event {
            Event::Claim(node) => {
                let seen = world.record.epoch();
                world.nodes[node].tenure = Tenure::Claiming { seen };
                world.asks.push(Ask::Claim { by: node, seen });
            }
            Event::Request(node, request) => {
                let done = world.nodes[node].request(node, request, &mut world.asks)?;
                world.retried[request] |= done.is_repeated;
                world.acknowledged[request] |= done.is_acknowledged;
            }
            Event::Store(place) => {
                let ask = world.asks.remove(place);
                world.answers.extend(world.record.carry_out(&ask, *self));
            }
            Event::Answer(place) => {
                let answer = world.answers.remove(place);
                let node = &mut world.nodes[answer.to()];
                if node.lease == Lease::Over {
                    return None;
                }
                for request in node.answered(&answer, *self) {
                    world.acknowledged[request] = true;
                }
            }
            Event::LeaseEnds(node) => world.nodes[node].lease = Lease::Over,
            Event::WakesUp(node) => world.nodes[node].lease = Lease::Held,
            Event::GivesUp(node) => world.nodes[node].tenure = Tenure::None,
            Event::Release(node) => world.asks.extend(world.nodes[node].release(node)),
        }
        let world = world.tidy(*self);
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONCE, |_, world: &World| {
                (0..REQUESTS).all(|request| world.record.effects(request) <= 1)
            }),
            Property::always(KEPT, |_, world: &World| {
                let mut requests = 0..REQUESTS;
                requests.all(|request| {
                    let stored = world.record.effects(request) == 1;
                    !world.acknowledged[request] || stored && world.record.knows(request)
                })
            }),
            Property::sometimes(BOTH, |_, world: &World| world.acknowledged == [true; REQUESTS]),
            Property::sometimes(SURVIVES, |_, world: &World| {
                world.acknowledged[0] && world.record.epoch() == EPOCHS_MAX
            }),
            Property::sometimes(REFUSED, |_, world: &World| {
                world.answers.iter().any(Answer::is_refusal)
            }),
            Property::sometimes(RETRIED, |_, world: &World| world.retried == [true; REQUESTS]),
        ]
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.asks.len() <= ASKS_MAX && world.answers.len() <= ANSWERS_MAX
    }
}

#[test]
fn no_order_of_events_applies_a_request_twice_or_loses_an_acknowledged_one() {
    let checker = Protocol::Whole.checker().threads(2).spawn_bfs().join();
    println!("{} worlds, {} different", checker.state_count(), checker.unique_state_count());
    checker.assert_properties();
    assert!(checker.is_done(), "all of it was looked at");
    assert!(checker.unique_state_count() > 10_000, "the world is not trivially small");
}

#[test]
fn without_the_comparison_of_epochs_a_request_is_applied_twice() {
    assert_found(Protocol::WithoutFence, ONCE);
}

#[test]
fn with_answers_that_do_not_say_what_they_are_about_an_acknowledged_request_is_lost() {
    assert_found(Protocol::BareAnswers, KEPT);
}

/// The checker finds a way to break `property`; the shortest one is printed.
fn assert_found(protocol: Protocol, property: &'static str) {
    let wanted = HasDiscoveries::AnyOf(BTreeSet::from([property]));
    let checker = protocol.checker().finish_when(wanted).spawn_bfs().join();
    let path = checker.discovery(property).expect("the checker finds what is left out");
    for (step, event) in path.into_actions().iter().enumerate() {
        println!("{:2}. {event:?}", step + 1);
    }
}
