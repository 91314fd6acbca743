//! One suite of behaviours that every store back-end keeps, and what only some of them promise:
//! nothing that was acknowledged is lost, whatever happens to the process, the file or the server.

#[path = "store_conformance/backends.rs"]
mod backends;
#[macro_use]
#[path = "store_conformance/behaviours.rs"]
mod behaviours;
#[path = "store_conformance/files.rs"]
mod files;
#[path = "store_conformance/killed.rs"]
mod killed;
#[path = "store_conformance/mail.rs"]
mod mail;
#[path = "store_conformance/ownership.rs"]
mod ownership;
#[path = "store_conformance/random.rs"]
mod random;
#[path = "store_conformance/redis_cluster.rs"]
mod redis_cluster;
#[path = "store_conformance/redis_faults.rs"]
mod redis_faults;
#[path = "store_conformance/redis_killed.rs"]
mod redis_killed;
#[path = "store_conformance/redis_open.rs"]
mod redis_open;
#[path = "store_conformance/redis_subject.rs"]
mod redis_subject;
#[path = "store_conformance/scan.rs"]
mod scan;
#[path = "servers/redis.rs"]
mod servers;
#[path = "store_conformance/subject.rs"]
mod subject;

/// Runs each behaviour against each back-end.
macro_rules! conformance {
    ($($group:ident :: $behaviour:ident),* $(,)?) => {
        mod memory_store {
            $(#[test] fn $behaviour() {
                crate::$group::$behaviour(&mut crate::backends::Memory::default());
            })*
        }
        mod embedded_store {
            $(#[test] fn $behaviour() {
                crate::$group::$behaviour(&mut crate::backends::Embedded::new());
            })*
        }
        mod redis_store {
            $(#[test] fn $behaviour() {
                crate::$group::$behaviour(&mut crate::redis_subject::Redis::standalone());
            })*
        }
        mod redis_cluster_store {
            $(#[test] fn $behaviour() {
                crate::$group::$behaviour(&mut crate::redis_subject::Redis::cluster());
            })*
        }
    };
}

for_each_behaviour! {
    conformance,
    scan::a_scan_shows_all_that_is_stored,
    scan::a_scan_changes_nothing,
    scan::a_scan_shows_every_key_once,
}
