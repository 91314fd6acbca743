//! The simulated store.

#[macro_use]
#[path = "../../../shared/tests/store_conformance/behaviours.rs"]
mod behaviours;
#[path = "../../../shared/tests/store_conformance/mail.rs"]
mod mail;
#[path = "../../../shared/tests/store_conformance/ownership.rs"]
mod ownership;
#[path = "../../../shared/tests/store_conformance/subject.rs"]
mod subject;

use shared::ids::{Address, NodeId, Role};
use shared::store::{OpId, StoreReply, StoreRequest};

use super::World;

struct Store {
    world: World,
    me: Address,
    asked: u64,
}

impl Store {
    fn new() -> Self {
        let (world, node) = (World::new(), NodeId { node: 1, incarnation: 1 });
        let me = Address { node, role: Role::Baseapp };
        world.get().bind(me);
        Self { world, me, asked: 0 }
    }
}

impl subject::Subject for Store {
    fn ask_all(&mut self, requests: &[StoreRequest]) -> Vec<StoreReply> {
        let first = self.asked;
        let mut world = self.world.get();
        for request in requests {
            world.ask(self.me, OpId(self.asked), request.clone());
            self.asked += 1;
        }
        let answers = world.answers(self.me, requests.len());
        assert_eq!(world.objection(), None);
        let ops: Vec<_> = answers.iter().map(|(op, _)| op.0).collect();
        assert_eq!(ops, (first..self.asked).collect::<Vec<_>>(), "in order, none lost");
        answers.into_iter().map(|(_, reply)| reply).collect()
    }
}

macro_rules! store_conformance {
    ($($group:ident :: $behaviour:ident),* $(,)?) => {
        mod simulated_store {
            $(#[test] fn $behaviour() {
                super::$group::$behaviour(&mut super::Store::new());
            })*
        }
    };
}

for_each_behaviour!(store_conformance);
