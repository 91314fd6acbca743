//! The thread of one role: collects inputs, ticks the core, hands it the store's answers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use super::RoleSetup;
use super::carrier::Carrier;
use super::clock::Clock;
use super::control::Control;
use super::doorbell::Doorbell;
use super::recorder::Recorder;
use super::replays::Replays;
use super::status::{Board, RoleStatus, TickWindow};
use crate::core::{Core, EdgeInput, Input, Output};
use crate::limits::TICK_INPUTS_MAX;
use crate::mq::MqEvent;
use crate::schedule::{Due, Pace, Schedule};
use crate::store::{OpId, StoreReply};
use crate::tick::Tick;

/// How often a role publishes its status.
const PUBLISH_NS: u64 = 200_000_000;
/// The same while it drains, when others wait for it.
const PUBLISH_DRAINING_NS: u64 = 20_000_000;
/// How often in a row the store is asked for answers before a tick may run.
const STORE_ROUNDS_MAX: usize = 8;
/// How long the thread waits for a store that takes no more requests before it offers them again.
const STORE_RETRY_NS: u64 = 2_000_000;
/// Unsent frames that a tick takes at most, so that there is room for other inputs.
const TICK_UNSENT_MAX: usize = TICK_INPUTS_MAX / 4;

/// What a thread needs besides its setup.
pub(super) struct RoleLinks {
    pub(super) control: Arc<Control>,
    pub(super) board: Arc<Board>,
    pub(super) replays: Replays,
    pub(super) recorder: Option<Recorder>,
}

/// All that a role's thread has.
pub(super) struct RoleThread {
    core: Box<dyn Core>,
    pace: Pace,
    schedule: Schedule,
    clock: Clock,
    doorbell: Doorbell,
    edge: Option<Receiver<EdgeInput>>,
    carrier: Carrier,
    control: Arc<Control>,
    board: Arc<Board>,
    recorder: Option<Recorder>,
    status: RoleStatus,
    window: TickWindow,
    publish_at_ns: u64,
    /// A drain is among `inputs`.
    drain_taken: bool,
    /// The core knows that it is to drain, so that what it says about it counts.
    draining: bool,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    events: Vec<MqEvent>,
    replies: Vec<(OpId, StoreReply)>,
}

impl RoleThread {
    pub(super) fn new(setup: RoleSetup, links: RoleLinks) -> Self {
        let RoleSetup { address, core, pace, mq, store, doorbell, edge } = setup;
        let (edge, edge_outputs) = edge.map(|link| (link.inputs, link.outputs)).unzip();
        Self {
            core,
            pace,
            schedule: Schedule::new(pace),
            // Tick 1 is due at once.
            clock: Clock::started(pace.rate().period_ns() + 1),
            doorbell,
            edge,
            carrier: Carrier::new(mq, store, edge_outputs, links.replays),
            control: links.control,
            board: links.board,
            recorder: links.recorder,
            status: RoleStatus::new(address.role),
            window: TickWindow::new(pace.rate()),
            publish_at_ns: 0,
            drain_taken: false,
            draining: false,
            inputs: Vec::new(),
            outputs: Vec::new(),
            events: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// Runs until the node stops or the core panics. `running` gets a word after the first tick.
    pub(super) fn run(mut self, running: Sender<()>) {
        // Outside of what unwinds: a failure must be on the board before the last word is dropped.
        let mut running = Some(running);
        let ran = catch_unwind(AssertUnwindSafe(|| self.run_until_stopped(&mut running)));
        if let Err(panic) = ran {
            let reason = panic_message(panic.as_ref());
            let (role, tick) = (self.status.role, self.schedule.last().0);
            tracing::error!(%role, tick, reason, "core panicked, role ends");
            metrics::counter!("cohort_role_panics_total", "role" => role.name()).increment(1);
            if let Some(recorder) = self.recorder.take() {
                recorder.end_with_panic();
            }
            self.board.fail(reason);
        }
    }

    fn run_until_stopped(&mut self, running: &mut Option<Sender<()>>) {
        while !self.control.is_stopping() {
            self.take_replies();
            if matches!(self.pace, Pace::OnInput(_)) && self.inputs.is_empty() {
                self.gather();
            }
            match self.due() {
                (now_ns, Due::Tick { tick, skipped }) => {
                    self.tick(now_ns, tick, skipped);
                    if let Some(running) = running.take() {
                        // The node has given up waiting if nobody listens.
                        let _nobody_listens = running.try_send(());
                    }
                }
                (now_ns, Due::Wait { until_ns }) => {
                    self.publish_if_due(now_ns);
                    self.doorbell.wait(Duration::from_nanos(until_ns.saturating_sub(now_ns)));
                }
            }
        }
    }

    fn due(&mut self) -> (u64, Due) {
        let now_ns = self.clock.now_ns();
        if self.carrier.must_wait_for_store() {
            return (now_ns, Due::Wait { until_ns: now_ns + STORE_RETRY_NS });
        }
        (now_ns, self.schedule.at(now_ns, !self.inputs.is_empty()))
    }

    /// Hands the core what the store has answered. What its outputs make the store answer at once
    /// is handed over too, but not without end.
    fn take_replies(&mut self) {
        for _ in 0..STORE_ROUNDS_MAX {
            self.carrier.poll_store(&mut self.replies);
            if self.replies.is_empty() {
                return;
            }
            let now = self.schedule.last();
            for (op, reply) in self.replies.drain(..) {
                self.status.store_replies += 1;
                if let Some(recorder) = &mut self.recorder {
                    recorder.begin_stored(now, op, &reply);
                }
                self.core.stored(now, op, reply, &mut self.outputs);
                Recorder::end_call(&mut self.recorder, &self.outputs);
                self.carrier.carry(&mut self.outputs, &mut self.status);
            }
            self.carrier.flush();
        }
    }

    fn tick(&mut self, now_ns: u64, tick: Tick, skipped: u64) {
        self.gather();
        self.status.inputs += u64::try_from(self.inputs.len()).unwrap_or(0);
        if let Some(recorder) = &mut self.recorder {
            recorder.begin_tick(tick, &self.inputs);
        }
        self.core.tick(tick, self.inputs.drain(..), &mut self.outputs);
        Recorder::end_call(&mut self.recorder, &self.outputs);
        self.carrier.carry(&mut self.outputs, &mut self.status);
        self.carrier.flush();
        let after_ns = self.clock.now_ns();
        let took_ns = after_ns - now_ns;
        let overrun = skipped > 0 || took_ns > self.pace.rate().period_ns();
        self.window.add(took_ns);
        self.status.ticks += 1;
        self.status.tick = tick.0;
        self.status.ticks_skipped += skipped;
        self.status.overruns += u64::from(overrun);
        if self.drain_taken {
            self.draining = true;
            self.drain_taken = false;
            self.publish_at_ns = 0;
        }
        self.publish_if_due(after_ns);
    }

    /// Moves what waits into `inputs`, up to `TICK_INPUTS_MAX`: the node's word first, then what
    /// did not arrive, then the node MQ and the client edge with half of the rest each, and
    /// what one of the two leaves is the other's.
    fn gather(&mut self) {
        self.drain_taken |= self.control.take(&mut self.inputs);
        let unsent_max = room(&self.inputs).min(TICK_UNSENT_MAX);
        self.carrier.take_unsent(unsent_max, &mut self.inputs);
        let edge_waiting = self.edge.as_ref().map_or(0, Receiver::len);
        let free = room(&self.inputs);
        self.gather_mq(free - edge_waiting.min(free / 2));
        if let Some(edge) = &self.edge {
            let free = room(&self.inputs);
            self.inputs.extend(edge.try_iter().take(free).map(Input::Edge));
        }
    }

    fn gather_mq(&mut self, limit: usize) {
        self.carrier.mq().poll(limit, &mut self.events);
        self.inputs.extend(self.events.drain(..).map(|event| match event {
            MqEvent::Frame { from, body } => Input::Frame { from, body },
            MqEvent::Unsent { to, body } => Input::Unsent { to, body },
        }));
    }

    fn publish_if_due(&mut self, now_ns: u64) {
        if now_ns < self.publish_at_ns {
            return;
        }
        let edge_waiting = self.edge.as_ref().map_or(0, Receiver::len);
        let backlog = edge_waiting + self.carrier.inputs_waiting();
        self.status.take(self.core.status());
        self.status.drained &= self.draining && self.carrier.is_empty();
        self.status.tick_us = self.window.times();
        self.status.backlog = u64::try_from(backlog).unwrap_or(u64::MAX);
        let requests = self.carrier.requests_waiting();
        self.status.store_waiting = u64::try_from(requests).unwrap_or(u64::MAX);
        self.status.recording = self.recorder.is_some();
        self.board.publish(&self.status);
        self.publish_at_ns = now_ns + if self.draining { PUBLISH_DRAINING_NS } else { PUBLISH_NS };
    }
}

/// How many inputs a tick may still take.
fn room(inputs: &[Input]) -> usize {
    TICK_INPUTS_MAX.saturating_sub(inputs.len())
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| String::from(*text));
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| String::from("a panic without a message"))
}
