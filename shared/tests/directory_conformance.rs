//! One suite of behaviours that every directory back-end keeps, and what only leases bring.

#[macro_use]
#[path = "directory_conformance/contract.rs"]
mod contract;
#[path = "directory_conformance/leases.rs"]
mod leases;
#[path = "servers/redis.rs"]
mod servers;
#[path = "directory_conformance/subject.rs"]
mod subject;

conformance!(local_directory, shared::directory::local::LocalDirectory::new());
conformance!(redis_directory, crate::subject::Redis::new());
