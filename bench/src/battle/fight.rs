//! Battles to measure: built from the content of the repository, with clients that never rest.

use std::sync::LazyLock;

use battleapp::core::battle::{Battle, Stepped};
use battleapp::core::modes::Modes;
use battleapp::core::setup::Setup;
use battleapp::core::sim::{BattleSim, Order};
use shared::content::Content;
use shared::ids::{BattleId, NodeId, PlayerId, SessionId, SessionRef};
use shared::msg::battle_gateway::{BattleOutput, Encoded};
use shared::msg::client::{Act, ClientDatagram, Command};
use shared::msg::matchmaker_baseapp::PlayerCard;
use shared::msg::matchmaker_battle::{Seat, Stakes};
use shared::rng::Draws;

use crate::error::{BenchError, Result};

/// Ticks for which a client walks into one direction.
const WALK_TICKS: u32 = 12;
/// Sessions of one gateway.
const GATEWAY_SESSIONS: u16 = 1_000;

/// One content for all battles, as on a node.
static CONTENT: LazyLock<Content> = LazyLock::new(Content::builtin);

/// A battle on its whole way: commands of clients in, encoded snapshots out.
pub(super) struct Fight {
    battle: Battle,
    seats: Vec<Seat>,
    clients: Vec<Client>,
    seed: u64,
    tick: u32,
    told: Vec<(NodeId, BattleOutput)>,
}

/// The newest snapshot that a client has, now and one and two ticks ago: it is acknowledged after a
/// round trip of 100 ms.
#[derive(Clone, Copy, Default)]
struct Client {
    has: [u32; 3],
}

/// The seats of a battle, on two sides if there are two.
pub(super) fn seats(count: u16, sides: u8) -> Vec<Seat> {
    let heroes: Vec<u16> = CONTENT.heroes.keys().copied().collect();
    let seat = |slot: u16| Seat {
        side: u8::try_from(slot % u16::from(sides)).unwrap_or(0),
        player: PlayerId(1_000 + u64::from(slot)),
        session: SessionRef {
            gateway: NodeId { node: 1 + slot / GATEWAY_SESSIONS, incarnation: 1 },
            session: SessionId(1 + u64::from(slot)),
        },
        card: PlayerCard {
            name: format!("bot {slot}"),
            level: 1,
            rating: 1_500,
            hero: heroes.get(usize::from(slot) % heroes.len().max(1)).copied().unwrap_or(0),
            ..PlayerCard::default()
        },
        stakes: Stakes::default(),
    };
    (0..count).map(seat).collect()
}

/// What `seats` begin with in a mode, by the content of the repository.
pub(super) fn setup(mode: &str, seed: u64, seats: &[Seat]) -> Result<Setup> {
    let refused = |refusal| BenchError::product("battle", &refusal);
    let mode = Modes::BUILTIN.named(mode).map_err(refused)?;
    Setup::new(mode, &CONTENT, BattleId(seed), seed, seats).map_err(refused)
}

/// A simulation alone.
pub(super) fn sim(setup: &Setup) -> Result<Box<dyn BattleSim>> {
    Modes::BUILTIN.create(setup).ok_or_else(no_mode)
}

/// What a client does that never rests: it walks somewhere for a while and uses a skill in every
/// tick, most of which are not ready.
pub(super) fn order(seed: u64, tick: u32, slot: u16) -> Order {
    let mut ways = Draws::new(seed ^ u64::from(tick / WALK_TICKS), u64::from(slot));
    let mut acts = Draws::new(seed ^ (u64::from(tick) << 20), u64::from(slot));
    let part = |drawn: u64| i8::try_from(drawn.cast_signed() - 127).unwrap_or(0);
    let aim = |drawn: u64| i16::try_from(drawn).unwrap_or(0).saturating_sub(6_000);
    let walk = (part(ways.below(255)), part(ways.below(255)));
    let skill = u8::try_from(acts.below(4)).unwrap_or(0);
    let aim_mm = (aim(ways.below(12_000)), aim(ways.below(12_000)));
    Order { walk, act: Act::Skill { skill, aim_mm } }
}

/// The orders of all in a tick.
pub(super) fn orders(seed: u64, tick: u32, seats: usize) -> Vec<Order> {
    (0..u16::try_from(seats).unwrap_or(u16::MAX)).map(|slot| order(seed, tick, slot)).collect()
}

impl Fight {
    /// A battle at its beginning.
    pub(super) fn new(mode: &str, seed: u64, count: u16, sides: u8) -> Result<Self> {
        let seats = seats(count, sides);
        let battle = battle(&setup(mode, seed, &seats)?, &seats)?;
        let clients = vec![Client::default(); seats.len()];
        Ok(Self { battle, seats, clients, seed, tick: 0, told: Vec::new() })
    }

    /// One tick: every client's datagram is taken, the battle steps, the clients get what it puts
    /// out. The bytes of that, each client's counted. A battle that is over begins again.
    pub(super) fn step(&mut self) -> Result<usize> {
        self.tick += 1;
        let battle = self.battle.id();
        for ((slot, seat), client) in (0..).zip(&self.seats).zip(&mut self.clients) {
            let Order { walk, act } = order(self.seed, self.tick, slot);
            let commands = vec![Command { sequence: self.tick, walk, act }];
            let datagram = ClientDatagram { battle, seen_tick: client.acknowledge(), commands };
            self.battle
                .take_commands(seat.player, seat.session, &datagram)
                .map_err(|refused| BenchError::product("battle", &format!("{refused:?}")))?;
        }
        let stepped = self.battle.step(&mut self.told);
        let bytes = self.receive();
        match stepped {
            Stepped::Going | Stepped::Paused => {}
            Stepped::Over(_) => {
                self.battle = self::battle(&self.battle.setup().clone(), &self.seats)?;
                self.clients.fill(Client::default());
                self.tick = 0;
            }
            Stepped::Fault => return Err(BenchError::product("battle", &"a tick failed")),
        }
        Ok(bytes)
    }

    fn receive(&mut self) -> usize {
        let mut bytes = 0;
        for (_, output) in self.told.drain(..) {
            let BattleOutput::Snapshots { encoded, .. } = output else { continue };
            for Encoded { sessions, bytes: of_one, .. } in encoded {
                bytes += of_one.len() * sessions.len();
                for session in sessions {
                    let slot = usize::try_from(session.0 - 1).unwrap_or(usize::MAX);
                    if let Some(client) = self.clients.get_mut(slot) {
                        client.has[0] = self.tick;
                    }
                }
            }
        }
        bytes
    }
}

impl Client {
    /// The newest snapshot as of a round trip ago.
    const fn acknowledge(&mut self) -> u32 {
        let [newest, before, older] = self.has;
        self.has = [newest, newest, before];
        older
    }
}

fn battle(setup: &Setup, seats: &[Seat]) -> Result<Battle> {
    Battle::new(Modes::BUILTIN, setup.clone(), seats, "bench", 1).ok_or_else(no_mode)
}

fn no_mode() -> BenchError {
    BenchError::product("battle", &"its mode is not there")
}
