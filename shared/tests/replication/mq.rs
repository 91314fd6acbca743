//! The node MQ of the world, and an observer who sees every frame when it is sent.

use std::collections::VecDeque;

use shared::core::Output;
use shared::ids::Address;
use shared::msg::Body;
use shared::msg::replication::ToSubscriber;
use shared::replication::Replica;

use super::{KEYS, Subscriber, Values, World};

/// Frames on one link that the world never exceeds, however long it runs.
const LINK_FRAMES_MAX: usize = 400;

impl World {
    /// Each link gives up some frames, in order.
    pub(super) fn deliver(&mut self) {
        let links: Vec<(Address, Address)> = self.links.keys().copied().collect();
        for (from, to) in links {
            while let Some(body) = self.links.get_mut(&(from, to)).and_then(VecDeque::pop_front) {
                let draw = self.draws.below(100);
                if draw < self.faults.late {
                    self.links.entry((from, to)).or_default().push_front(body);
                    break;
                }
                let fate = self.draws.below(100);
                let lost = fate < self.faults.silent;
                if !self.is_alive(to) || fate < self.faults.silent + self.faults.unsent {
                    if !lost {
                        self.unsent(from, to, body);
                    }
                } else {
                    self.arrive(from, to, body);
                }
            }
        }
        self.links.retain(|_, frames| !frames.is_empty());
    }

    fn arrive(&mut self, from: Address, to: Address, body: Body) {
        let (now, mut outputs) = (self.now, Vec::new());
        if let Body::ToPublisher(said) = body {
            let owner = self.owner_at(to).expect("only owners are asked");
            self.owners[owner].publisher.heard(now, from, said, &mut outputs);
        } else if let Body::ToSubscriber(mut said) = body {
            let index = self.subscriber_at(to).expect("only subscribers are told");
            let Subscriber { replica, nodes, .. } = &mut self.subscribers[index];
            if self.faults.blind {
                blind(replica, from, &mut said);
            }
            replica.heard(now, from, said, nodes, &mut outputs);
        }
        self.send(to, outputs);
    }

    fn unsent(&mut self, from: Address, to: Address, body: Body) {
        let (now, mut outputs) = (self.now, Vec::new());
        if let (Body::ToSubscriber(said), Some(owner)) = (&body, self.owner_at(from)) {
            self.owners[owner].publisher.unsent(now, to, said);
        }
        if let (Body::ToPublisher(said), Some(index)) = (&body, self.subscriber_at(from)) {
            let Subscriber { replica, nodes, .. } = &mut self.subscribers[index];
            replica.unsent(now, to, said, nodes, &mut outputs);
        }
        self.send(from, outputs);
    }

    pub(super) fn send(&mut self, from: Address, outputs: Vec<Output>) {
        for output in outputs {
            let Output::Send { to, body } = output else { panic!("frames only: {output:?}") };
            self.frames += 1;
            self.observe(from, to, &body);
            let link = self.links.entry((from, to)).or_default();
            link.push_back(body);
            assert!(link.len() <= LINK_FRAMES_MAX, "{} frames from {from} to {to}", link.len());
        }
    }

    /// Notes what a frame tells, as if none before it was lost.
    fn observe(&mut self, from: Address, to: Address, body: &Body) {
        let Body::ToSubscriber(
            ToSubscriber::Snapshot { subscription, stamp, components }
            | ToSubscriber::Changes { subscription, stamp, components },
        ) = body
        else {
            return;
        };
        let is_whole = matches!(body, Body::ToSubscriber(ToSubscriber::Snapshot { .. }));
        let versions = self.told.entry((from, to, *subscription)).or_default();
        let mut values = match versions.last_key_value() {
            Some((_, before)) if !is_whole => before.clone(),
            Some(_) | None => Values::new(),
        };
        values.extend(components.iter().map(|told| (told.id, told.bytes.clone())));
        versions.insert((stamp.epoch, stamp.version), values);
    }

    /// What is on its way to a process that has died comes back.
    pub(super) fn lose_frames_to(&mut self, died: Address) {
        let links: Vec<_> = self.links.keys().filter(|(_, to)| *to == died).copied().collect();
        for (from, to) in links {
            for body in self.links.remove(&(from, to)).unwrap_or_default() {
                self.unsent(from, to, body);
            }
        }
    }
}

/// Makes changes look as if they followed what the subscriber has.
fn blind(replica: &Replica, from: Address, said: &mut ToSubscriber) {
    let ToSubscriber::Changes { subscription, stamp, components } = said else { return };
    for key in KEYS {
        if let Some((at, known, have)) = replica.live(key)
            && (at, known) == (from, *subscription)
        {
            *stamp = have;
            stamp.version += u64::from(!components.is_empty());
        }
    }
}
