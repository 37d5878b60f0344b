//! The table of cases: chapter, guarantee, name, needs.

use crate::case::{Case, Need};

/// Calls `$callback! { { $($with)* } chapter { guarantee case [needs]; … } … }`, so that the table
/// of cases and the tests that a transport gets are made from the same lines.
#[doc(hidden)]
#[macro_export]
macro_rules! __for_each_case {
    ($callback:path { $($with:tt)* }) => {
        $callback! { { $($with)* }
            publish {
                1 results_stand_in_the_order_given [];
                1 bodies_and_keys_come_back_byte_for_byte [];
                1 fields_come_back_field_for_field [has Fields];
                0 fields_are_refused_where_they_are_not_declared [lacks Fields];
                1 a_record_fails_alone [suffers TopicRefusal];
                1 ok_survives_the_loss_of_the_publisher [has Durable];
                1 ok_survives_a_kill_of_the_log [has Durable, suffers Crash];
                1 a_lost_answer_is_an_unknown_fate [suffers Cut];
                1 a_request_cut_short_does_not_succeed_silently [suffers Cut];
            }
            groups {
                2 every_group_hears_everything [];
                2 joining_moves_nothing [];
                2 restarting_moves_nothing [];
                2 a_settled_record_is_not_heard_again [];
                2 a_group_survives_a_kill_of_the_log [has Durable, suffers Crash];
                0 a_removed_group_is_gone [has GroupUpkeep];
                0 a_group_that_is_consumed_is_not_removed [has GroupUpkeep];
            }
            starts {
                3 a_group_made_before_its_first_consumer_hears_all [];
                3 latest_is_stored_when_the_group_is_made [];
                3 earliest_hears_history [has Replay];
                3 a_time_hears_what_came_since [has Replay];
                3 a_position_hears_what_follows_it [has Replay];
                3 what_is_no_position_is_refused [has Replay];
                3 a_consumer_is_told_what_it_found [];
            }
            leases {
                4 a_dead_consumers_deliveries_pass_on [];
                4 a_silent_consumer_keeps_its_lease_and_not_longer [];
                4 a_heartbeat_keeps_the_lease [];
                4 an_older_holding_is_stale [];
                4 a_stale_settlement_fails_alone [];
                4 a_strangers_settlement_is_stale [];
                4 only_starts_count_as_attempts [];
                4 attempts_survive_reopening [];
                4 attempts_survive_a_kill_of_the_log [has Durable, suffers Crash];
                4 leaving_gives_back_at_once [];
                4 two_consumers_of_one_name_are_two [];
            }
            order {
                5 order_holds_across_batches_and_publishers [];
                5 one_at_a_time_within_a_key [has KeyedOrder];
                5 keys_run_in_parallel [has KeyedOrder];
                5 a_retry_keeps_its_place [has KeyedOrder];
                5 a_delayed_retry_keeps_its_place [has KeyedOrder, has Delay];
                5 a_dead_consumers_key_keeps_its_order [];
                5 one_consumer_is_active_and_another_takes_over [lacks KeyedOrder];
                5 leaving_hands_over_at_once [lacks KeyedOrder];
                5 who_becomes_active_is_told [lacks KeyedOrder];
                5 without_order_all_compete [has Competing];
            }
            settling {
                6 what_is_not_settled_comes_again [];
                6 a_retry_comes_at_once [];
                6 a_delayed_retry_comes_at_its_time [has Delay];
                0 a_delay_is_refused_where_it_is_not_declared [lacks Delay];
                6 a_dead_letter_holds_everything [];
                6 a_dead_letter_that_cannot_be_stored_is_no_ack [suffers DeadLetterRefusal];
                6 a_dead_letter_survives_a_kill_of_the_log [has Durable, suffers Crash];
                6 only_the_failing_group_is_affected [];
                6 a_batch_is_settled_one_by_one [];
                6 dead_letters_are_listed_by_pages [];
            }
            following {
                4 what_follows_starts_with_the_settlement [];
                4 a_stale_settlement_is_out_of_the_way [];
                4 a_stale_follower_starts_nothing [];
                5 what_is_not_settled_is_not_followed [suffers DeadLetterRefusal];
            }
            types {
                7 event_types_share_a_topic [];
                7 one_consumer_reads_many_topics [];
                7 a_busy_topic_starves_no_other [];
            }
            retention {
                8 trim_spares_what_is_not_settled [];
                8 the_slowest_group_is_spared [];
                8 trims_at_once_remove_once [];
                8 trim_goes_by_age_and_by_length [];
                8 an_idle_group_is_not_spared_and_told [];
                8 the_hard_cap_wins_and_is_reported_once [];
                8 a_second_loss_is_a_second_gap [];
                8 a_pending_record_that_was_trimmed_blocks_nothing [];
                8 what_others_remove_is_reported [suffers Removal];
                8 a_pending_record_that_others_removed_blocks_nothing [suffers Removal];
                8 a_dead_consumers_removed_record_blocks_nothing [suffers Removal];
                8 what_others_remove_shows_before_anybody_hears [has GroupUpkeep, suffers Removal];
                8 losses_are_acknowledged [has GroupUpkeep];
            }
            outages {
                9 an_outage_is_temporary_and_passes [suffers Crash];
                9 a_waiting_consumer_outlives_an_outage [suffers Crash];
                9 a_log_restarted_empty_is_heard_from_its_beginning [suffers Wipe];
                9 a_lost_group_goes_on_where_it_was [suffers GroupLoss];
                9 a_silent_log_is_an_outage [suffers Freeze];
                9 broken_connections_lose_nothing [suffers Cut];
            }
            unreadable {
                10 garbage_comes_raw_and_stops_nothing [];
                10 a_foreign_entry_comes_raw_and_stops_nothing [suffers Foreign];
            }
            parking {
                0 successors_wait_and_other_keys_go_on [];
                0 release_drains_in_order_before_newer_ones [];
                0 failing_again_parks_again [];
                0 a_key_is_clear_with_its_last_record [];
                0 arrivals_while_draining_keep_their_order [];
                0 a_released_dead_letter_stays_and_lets_pass [];
                0 a_released_record_is_retried_in_its_place [];
                0 a_dead_consumers_released_record_passes_on [];
                0 without_a_key_parking_is_a_dead_letter [];
                0 the_callers_key_counts [];
                0 release_wakes_a_waiting_consumer [];
                0 parked_keys_survive_reopening [];
            }
            redelivery {
                0 a_dead_letter_goes_to_its_group_alone [];
                0 what_fails_again_stays_and_blocks_nothing [];
                0 those_of_one_key_come_one_at_a_time_in_order [];
                0 a_record_goes_to_one_group_alone [];
                0 a_key_has_one_in_hand_also_then [has KeyedOrder];
                0 what_cannot_be_redelivered_is_refused [];
                0 a_dead_consumers_redelivered_record_passes_on [];
                0 redeliveries_survive_reopening [];
                0 redelivery_wakes_a_waiting_consumer [];
                0 discarding_removes_for_good [];
                0 discarding_one_of_a_parked_key_leaves_the_others [];
                0 discarding_what_is_in_hand_makes_it_stale [];
            }
            seeking {
                0 seeking_forward_passes_over [];
                0 seeking_back_hears_again [has Replay];
                0 seeking_forgets_what_is_in_flight [];
                0 what_was_in_flight_comes_again_after_seeking_back [has Replay];
                0 seeking_leaves_dead_letters_alone [];
                0 seeking_nowhere_is_refused [];
            }
            reading {
                0 reading_begins_where_it_is_told [has Replay];
                0 reading_ends_where_it_is_told_behind_what_was_trimmed [has Replay];
                0 reading_back_begins_with_the_newest [has Replay];
                0 reading_leaves_no_trace [has Replay];
                0 reading_is_refused_where_it_is_not_declared [lacks Replay];
            }
            describing {
                0 the_numbers_of_a_group_are_right [];
                0 lag_is_right_after_a_trim [];
                0 the_numbers_of_a_topic_are_right [];
                0 groups_are_listed_by_name [];
                0 living_consumers_are_named [];
                0 observing_moves_nothing [];
                0 a_log_says_what_it_is [];
                0 schemas_are_kept [keeps Schemas];
            }
            consumers {
                0 a_waiting_consumer_is_woken [];
                0 a_waiting_consumer_hears_every_topic [];
                0 next_may_be_dropped_at_any_instant [];
                0 no_more_comes_than_asked_for [];
                0 closed_is_closed [];
                0 closing_ends_a_waiting_call [];
            }
            names {
                0 names_as_long_and_odd_as_allowed_work [];
                0 names_do_not_run_into_each_other [];
                0 a_subscription_that_breaks_the_rules_is_refused [];
                0 what_does_not_exist_is_not_found [];
                0 undeclared_abilities_are_refused_without_io [suffers Crash];
            }
            whole {
                0 the_books_balance_with_order [];
                0 the_books_balance_without_order [];
            }
            model {
                0 random_operations_without_order [has Competing];
                0 random_operations_with_order [has KeyedOrder];
            }
        }
    };
}

macro_rules! need {
    (has $c:ident) => {
        Need::Has(tidings_transport::Capability::$c)
    };
    (lacks $c:ident) => {
        Need::Lacks(tidings_transport::Capability::$c)
    };
    (suffers $f:ident) => {
        Need::Suffers(crate::Fault::$f)
    };
    (keeps Schemas) => {
        Need::Schemas
    };
}

macro_rules! table {
    ({} $($chapter:ident { $($guarantee:literal $name:ident [$($kind:ident $what:ident),*];)* })*) => {
        pub(crate) static CASES: &[Case] = &[$($(Case {
            name: concat!(stringify!($chapter), "::", stringify!($name)),
            guarantee: $guarantee,
            needs: &[$(need!($kind $what)),*],
            body: |scene| Box::pin(crate::cases::$chapter::$name(scene)),
        },)*)*];
    };
}

__for_each_case!(table {});

/// Makes one `#[test]` of each case of the suite, for the harness that `$start` starts: the name
/// of an `async fn() -> impl Harness` beside the call.
///
/// `conformance_tests!(start)` runs them on real time; `conformance_tests!(start, Paused)` on
/// tokio's paused clock, for logs in this process only. `conformance_tests!(start, Real, ignore =
/// "why")` gives each of them that attribute.
#[macro_export]
macro_rules! conformance_tests {
    ($start:ident) => {
        $crate::conformance_tests!($start, Real);
    };
    ($start:ident, $clock:ident) => {
        $crate::conformance_tests!($start, $clock, cfg(all()));
    };
    ($start:ident, $clock:ident, $attribute:meta) => {
        $crate::__for_each_case!($crate::__conformance_test {
            $start,
            $clock,
            $attribute
        });
    };
}

/// One `#[test]` of each case, in a module for each chapter.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    ({ $start:ident, $clock:ident, $attribute:meta }
     $($chapter:ident { $($guarantee:literal $name:ident [$($needs:tt)*];)* })*) => {$(
        mod $chapter {$(
            #[test]
            #[$attribute]
            fn $name() {
                let case = concat!(stringify!($chapter), "::", stringify!($name));
                // What is not applicable has been reported by name.
                let _ = $crate::run_test(case, $crate::Clock::$clock, super::$start);
            }
        )*}
    )*};
}
