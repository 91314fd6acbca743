//! The list of behaviours that every store keeps, for whoever mounts `ownership` and `mail` beside
//! `subject` and brings a `Subject`.

/// Hands the list, and what follows `$run`, to the macro `$run`.
macro_rules! for_each_behaviour {
    ($run:ident $(, $group:ident :: $behaviour:ident)* $(,)?) => {
        $run! {
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
            $($group::$behaviour,)*
        }
    };
}
