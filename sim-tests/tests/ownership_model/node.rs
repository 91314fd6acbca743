//! A node of the model: how an owner holds the key, commits, and keeps replies back. The same
//! rules as `shared::ownership::Keeper`, in a form that can be compared and hashed.

use super::Protocol;

/// What a node asks of the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Ask {
    Claim { by: usize, seen: u8 },
    Commit { by: usize, epoch: u8, version: u8, request: usize, window: u8 },
    Release { by: usize, epoch: u8 },
}

/// What the store answers. That a claim came too late is left out: the node gives up by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Answer {
    Claimed { to: usize, epoch: u8, version: u8, window: u8 },
    Committed { to: usize, epoch: u8, makes: u8, done: bool },
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) lease: Lease,
    pub(crate) tenure: Tenure,
}

/// Whether the others think that the node lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lease {
    /// It is awake, or paused for so short that nobody notices.
    Held,
    /// It is paused and does nothing.
    Over,
}

/// How far the node is with the key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tenure {
    None,
    Claiming { seen: u8 },
    Owned(Owned),
}

/// The key in an owner's memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owned {
    epoch: u8,
    /// The version that the last commit makes.
    version: u8,
    durable: u8,
    /// One bit per request that is done, as far as this owner knows.
    window: u8,
    /// Bits of requests that this owner has carried out itself.
    own: u8,
    /// Requests to be answered when a version is durable.
    held: Vec<(u8, usize)>,
}

/// What became of a request.
pub(crate) struct Done {
    /// The client is told at once.
    pub(crate) is_acknowledged: bool,
    /// Another owner had carried it out.
    pub(crate) is_repeated: bool,
}

impl Answer {
    pub(crate) const fn to(&self) -> usize {
        match self {
            Self::Claimed { to, .. } | Self::Committed { to, .. } => *to,
        }
    }

    pub(crate) const fn is_refusal(&self) -> bool {
        match self {
            Self::Claimed { .. } => false,
            Self::Committed { done, .. } => !*done,
        }
    }
}

impl Node {
    /// Whether the node waits to become the owner in that epoch.
    pub(crate) const fn claims(&self, epoch: u8) -> bool {
        match &self.tenure {
            Tenure::Claiming { seen } => *seen + 1 == epoch,
            Tenure::None | Tenure::Owned(_) => false,
        }
    }

    /// Whether the node thinks that it is the owner in that epoch.
    pub(crate) const fn owns_in(&self, epoch: u8) -> bool {
        match &self.tenure {
            Tenure::Owned(owned) => owned.epoch == epoch,
            Tenure::None | Tenure::Claiming { .. } => false,
        }
    }

    /// Whether the node remembers any request.
    pub(crate) const fn knows_a_request(&self) -> bool {
        match &self.tenure {
            Tenure::Owned(owned) => owned.window != 0,
            Tenure::None | Tenure::Claiming { .. } => false,
        }
    }

    /// The client asks. A request that is in the window is answered from there, when that is
    /// durable; a new one is carried out and committed.
    pub(crate) fn request(
        &mut self,
        me: usize,
        request: usize,
        asks: &mut Vec<Ask>,
    ) -> Option<Done> {
        let Tenure::Owned(owned) = &mut self.tenure else { return None };
        let bit = 1 << request;
        let is_repeated = owned.window & bit != 0 && owned.own & bit == 0;
        if owned.window & bit == 0 {
            owned.window |= bit;
            owned.own |= bit;
            let (epoch, version, window) = (owned.epoch, owned.version, owned.window);
            asks.push(Ask::Commit { by: me, epoch, version, request, window });
            owned.version += 1;
        }
        let is_acknowledged = owned.is_durable();
        if !is_acknowledged && !owned.held.iter().any(|(_, held)| *held == request) {
            owned.held.push((owned.version, request));
        }
        Some(Done { is_acknowledged, is_repeated })
    }

    /// The store answers. Returns the requests that the client is told are done.
    pub(crate) fn answered(&mut self, answer: &Answer, protocol: Protocol) -> Vec<usize> {
        match *answer {
            Answer::Claimed { epoch, version, window, .. } => {
                if self.claims(epoch) {
                    let (durable, held) = (version, Vec::new());
                    let owned = Owned { epoch, version, durable, window, own: 0, held };
                    self.tenure = Tenure::Owned(owned);
                }
                Vec::new()
            }
            Answer::Committed { epoch, makes, done, .. } => {
                let Tenure::Owned(owned) = &mut self.tenure else { return Vec::new() };
                let bare = protocol == Protocol::BareAnswers;
                if !bare && owned.epoch != epoch {
                    return Vec::new();
                }
                if !done {
                    self.tenure = Tenure::None;
                    return Vec::new();
                }
                let makes = if bare { owned.durable + 1 } else { makes };
                owned.made_durable(makes.min(owned.version))
            }
        }
    }

    /// Gives the key back; after its last commit is durable.
    pub(crate) fn release(&mut self, me: usize) -> Option<Ask> {
        let Tenure::Owned(owned) = std::mem::replace(&mut self.tenure, Tenure::None) else {
            return None;
        };
        Some(Ask::Release { by: me, epoch: owned.epoch })
    }
}

impl Owned {
    /// Whether nothing is on its way to the store.
    pub(crate) const fn is_durable(&self) -> bool {
        self.durable == self.version
    }

    fn made_durable(&mut self, version: u8) -> Vec<usize> {
        self.durable = self.durable.max(version);
        let mut done = Vec::new();
        let durable = self.durable;
        self.held.retain(|(after, request)| {
            let waits = *after > durable;
            if !waits {
                done.push(*request);
            }
            waits
        });
        done
    }
}
