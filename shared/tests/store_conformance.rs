//! One suite of behaviours that every store back-end keeps, and what only some of them promise:
//! nothing that was acknowledged is lost, whatever happens to the process, the file or the server.

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
                crate::$group::$behaviour(&mut crate::subject::Memory::default());
            })*
        }
        mod embedded_store {
            $(#[test] fn $behaviour() {
                crate::$group::$behaviour(&mut crate::subject::Embedded::new());
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

conformance! {
    ownership::a_claim_succeeds_only_with_the_epoch_that_is_current,
    ownership::an_owner_who_was_overtaken_is_fenced,
    ownership::a_commit_needs_the_version_that_is_current,
    ownership::a_key_without_an_owner_takes_no_commit,
    ownership::a_release_counts_only_from_the_owner,
    ownership::commits_of_a_batch_succeed_or_fail_alone,
    ownership::a_refused_commit_leaves_nothing,
    ownership::a_later_part_of_the_same_id_wins,
    ownership::commits_beyond_the_batch_limit_are_refused,
    ownership::guilds_are_listed_page_by_page_and_nothing_else_is,
    mail::mail_keeps_the_order_of_its_source,
    mail::a_repeated_relay_moves_nothing_twice,
    mail::a_relay_step_is_bounded,
    mail::mail_stays_until_a_commit_takes_it,
    mail::a_fenced_commit_takes_no_mail,
    mail::a_full_mailbox_holds_up_nobody_else,
    mail::a_full_outbox_refuses_the_commit_that_overflows_it,
    mail::pending_outboxes_are_found_page_by_page,
    scan::a_scan_shows_all_that_is_stored,
    scan::a_scan_changes_nothing,
    scan::a_scan_shows_every_key_once,
}
