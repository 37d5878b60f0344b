//! Parking, seeking, reading, describing, waiting, names.

use crate::faults::{parking, publishing, redelivery, retention, seeking, verbs};

sabotaged! {
    0 flattens_fields: publishing::FlattensFields => Poor {
        fails: [
            "names::undeclared_abilities_are_refused_without_io",
            "publish::fields_are_refused_where_they_are_not_declared",
        ],
    }
    0 removed_groups_stay: retention::RemovedGroupsStay => Rich {
        fails: [
            "groups::a_removed_group_is_gone",
        ],
    }
    0 removes_what_is_consumed: retention::RemovesWhatIsConsumed => Rich {
        fails: [
            "groups::a_group_that_is_consumed_is_not_removed",
        ],
    }
    0 lag_counts_the_trimmed: retention::LagCountsTheTrimmed => Rich {
        fails: [
            "describing::lag_is_right_after_a_trim",
            "model::random_operations_with_order",
            "model::random_operations_without_order",
        ],
        also: [
            "retention::a_pending_record_that_was_trimmed_blocks_nothing",
            "retention::the_hard_cap_wins_and_is_reported_once",
        ] because "they look at the lag after a trim",
    }
    0 successors_do_not_wait: parking::SuccessorsDoNotWait => Rich {
        fails: [
            "redelivery::discarding_one_of_a_parked_key_leaves_the_others",
            "redelivery::what_cannot_be_redelivered_is_refused",
            "describing::the_numbers_of_a_group_are_right",
            "model::random_operations_with_order",
            "names::names_as_long_and_odd_as_allowed_work",
            "names::names_do_not_run_into_each_other",
            "parking::a_dead_consumers_released_record_passes_on",
            "parking::a_key_is_clear_with_its_last_record",
            "parking::a_released_dead_letter_stays_and_lets_pass",
            "parking::a_released_record_is_retried_in_its_place",
            "parking::arrivals_while_draining_keep_their_order",
            "parking::failing_again_parks_again",
            "parking::release_drains_in_order_before_newer_ones",
            "parking::parked_keys_survive_reopening",
            "parking::release_wakes_a_waiting_consumer",
            "parking::successors_wait_and_other_keys_go_on",
            "parking::the_callers_key_counts",
            "seeking::seeking_leaves_dead_letters_alone",
        ],
    }
    0 release_does_nothing: parking::ReleaseDoesNothing => Rich {
        fails: [
            "redelivery::discarding_one_of_a_parked_key_leaves_the_others",
            "model::random_operations_with_order",
            "names::names_as_long_and_odd_as_allowed_work",
            "parking::a_dead_consumers_released_record_passes_on",
            "parking::a_key_is_clear_with_its_last_record",
            "parking::a_released_dead_letter_stays_and_lets_pass",
            "parking::a_released_record_is_retried_in_its_place",
            "parking::arrivals_while_draining_keep_their_order",
            "parking::failing_again_parks_again",
            "parking::release_drains_in_order_before_newer_ones",
            "parking::parked_keys_survive_reopening",
            "parking::release_wakes_a_waiting_consumer",
            "parking::the_callers_key_counts",
        ],
    }
    0 released_go_to_the_end: parking::ReleasedGoToTheEnd => Rich {
        fails: [
            "redelivery::a_dead_consumers_redelivered_record_passes_on",
            "redelivery::a_dead_letter_goes_to_its_group_alone",
            "redelivery::a_key_has_one_in_hand_also_then",
            "redelivery::a_record_goes_to_one_group_alone",
            "redelivery::discarding_what_is_in_hand_makes_it_stale",
            "redelivery::those_of_one_key_come_one_at_a_time_in_order",
            "redelivery::what_fails_again_stays_and_blocks_nothing",
            "model::random_operations_with_order",
            "parking::a_dead_consumers_released_record_passes_on",
            "parking::a_key_is_clear_with_its_last_record",
            "parking::a_released_dead_letter_stays_and_lets_pass",
            "parking::a_released_record_is_retried_in_its_place",
            "parking::failing_again_parks_again",
            "parking::release_drains_in_order_before_newer_ones",
            "parking::the_callers_key_counts",
        ],
    }
    0 followers_are_forgotten: parking::FollowersAreForgotten => Rich {
        fails: [
            "redelivery::discarding_removes_for_good",
            "parking::a_key_is_clear_with_its_last_record",
            "parking::arrivals_while_draining_keep_their_order",
            "parking::release_drains_in_order_before_newer_ones",
            "parking::successors_wait_and_other_keys_go_on",
            "parking::the_callers_key_counts",
            "parking::without_a_key_parking_is_a_dead_letter",
        ],
    }
    0 failing_again_drops: parking::FailingAgainDrops => Rich {
        fails: [
            "redelivery::what_fails_again_stays_and_blocks_nothing",
            "model::random_operations_with_order",
            "parking::a_released_dead_letter_stays_and_lets_pass",
            "parking::failing_again_parks_again",
        ],
    }
    0 only_the_logs_key_counts: parking::OnlyTheLogsKeyCounts => Rich {
        fails: [
            "parking::the_callers_key_counts",
        ],
    }
    0 parked_keys_are_not_shared: parking::ParkedKeysAreNotShared => Rich {
        fails: [
            "parking::parked_keys_survive_reopening",
        ],
    }
    0 redelivery_does_nothing: redelivery::RedeliveryDoesNothing => Rich {
        fails: [
            "redelivery::a_dead_consumers_redelivered_record_passes_on",
            "redelivery::a_key_has_one_in_hand_also_then",
            "redelivery::a_record_goes_to_one_group_alone",
            "redelivery::discarding_what_is_in_hand_makes_it_stale",
            "redelivery::redeliveries_survive_reopening",
            "redelivery::redelivery_wakes_a_waiting_consumer",
            "redelivery::those_of_one_key_come_one_at_a_time_in_order",
            "redelivery::what_cannot_be_redelivered_is_refused",
            "redelivery::what_fails_again_stays_and_blocks_nothing",
            "redelivery::a_dead_letter_goes_to_its_group_alone",
        ],
    }
    0 redelivery_publishes: redelivery::RedeliveryPublishes => Rich {
        fails: [
            "redelivery::a_dead_consumers_redelivered_record_passes_on",
            "redelivery::a_key_has_one_in_hand_also_then",
            "redelivery::a_record_goes_to_one_group_alone",
            "redelivery::discarding_what_is_in_hand_makes_it_stale",
            "redelivery::those_of_one_key_come_one_at_a_time_in_order",
            "redelivery::what_fails_again_stays_and_blocks_nothing",
            "redelivery::a_dead_letter_goes_to_its_group_alone",
        ],
    }
    0 redelivered_once: redelivery::RedeliveredOnce => Rich {
        fails: [
            "redelivery::what_fails_again_stays_and_blocks_nothing",
        ],
    }
    0 discarding_does_nothing: redelivery::DiscardingDoesNothing => Rich {
        fails: [
            "redelivery::discarding_one_of_a_parked_key_leaves_the_others",
            "redelivery::discarding_what_is_in_hand_makes_it_stale",
            "redelivery::what_cannot_be_redelivered_is_refused",
            "redelivery::discarding_removes_for_good",
        ],
    }
    0 discarding_takes_all: redelivery::DiscardingTakesAll => Rich {
        fails: [
            "redelivery::discarding_one_of_a_parked_key_leaves_the_others",
            "redelivery::discarding_what_is_in_hand_makes_it_stale",
            "redelivery::what_cannot_be_redelivered_is_refused",
            "redelivery::discarding_removes_for_good",
        ],
    }
    0 seeking_does_nothing: seeking::SeekingDoesNothing => Rich {
        fails: [
            "model::random_operations_without_order",
            "seeking::seeking_back_hears_again",
            "seeking::seeking_forgets_what_is_in_flight",
            "seeking::seeking_forward_passes_over",
            "seeking::what_was_in_flight_comes_again_after_seeking_back",
        ],
    }
    0 seeking_nowhere_is_the_end: seeking::SeekingNowhereIsTheEnd => Rich {
        fails: [
            "seeking::seeking_nowhere_is_refused",
        ],
    }
    0 seeking_clears_dead_letters: seeking::SeekingClearsDeadLetters => Rich {
        fails: [
            "model::random_operations_without_order",
            "seeking::seeking_leaves_dead_letters_alone",
        ],
    }
    0 reading_starts_over: seeking::ReadingStartsOver => Rich {
        fails: [
            "reading::reading_begins_where_it_is_told",
        ],
    }
    0 an_end_before_the_beginning_is_none: seeking::AnEndBeforeTheBeginningIsNone => Rich {
        fails: [
            "reading::reading_begins_where_it_is_told",
        ],
    }
    0 an_end_is_a_number_of_records: seeking::AnEndIsANumberOfRecords => Rich {
        fails: [
            "reading::reading_ends_where_it_is_told_behind_what_was_trimmed",
        ],
    }
    0 reading_back_is_reading: seeking::ReadingBackIsReading => Rich {
        fails: [
            "reading::reading_back_begins_with_the_newest",
        ],
    }
    0 reading_back_starts_over: seeking::ReadingBackStartsOver => Rich {
        fails: [
            "reading::reading_back_begins_with_the_newest",
        ],
    }
    0 reading_makes_a_group: seeking::ReadingMakesAGroup => Rich {
        fails: [
            "reading::reading_leaves_no_trace",
        ],
    }
    0 undeclared_is_done_somehow: verbs::UndeclaredIsDoneSomehow => Poor {
        fails: [
            "names::undeclared_abilities_are_refused_without_io",
            "reading::reading_is_refused_where_it_is_not_declared",
            "settling::a_delay_is_refused_where_it_is_not_declared",
        ],
    }
    0 ages_are_not_told: verbs::AgesAreNotTold => Rich {
        fails: [
            "describing::the_numbers_of_a_group_are_right",
        ],
    }
    0 lists_are_unsorted: verbs::ListsAreUnsorted => Rich {
        fails: [
            "describing::groups_are_listed_by_name",
            "describing::the_numbers_of_a_topic_are_right",
        ],
    }
    0 consumers_are_not_named: verbs::ConsumersAreNotNamed => Rich {
        fails: [
            "describing::living_consumers_are_named",
        ],
    }
    0 ping_says_nothing: verbs::PingSaysNothing => Rich {
        fails: [
            "describing::a_log_says_what_it_is",
        ],
    }
    0 schemas_are_not_kept: verbs::SchemasAreNotKept => Rich {
        fails: [
            "describing::schemas_are_kept",
        ],
    }
    0 nobody_is_woken: verbs::NobodyIsWoken => Rich {
        fails: [
            "redelivery::a_dead_consumers_redelivered_record_passes_on",
            "redelivery::redelivery_wakes_a_waiting_consumer",
            "consumers::a_waiting_consumer_hears_every_topic",
            "consumers::a_waiting_consumer_is_woken",
            "consumers::closing_ends_a_waiting_call",
            "parking::a_dead_consumers_released_record_passes_on",
            "parking::arrivals_while_draining_keep_their_order",
            "parking::release_wakes_a_waiting_consumer",
            "seeking::seeking_back_hears_again",
        ],
        also: [
            "leases::a_dead_consumers_deliveries_pass_on",
            "leases::a_silent_consumer_keeps_its_lease_and_not_longer",
            "leases::attempts_survive_a_kill_of_the_log",
            "order::a_dead_consumers_key_keeps_its_order",
            "order::a_delayed_retry_keeps_its_place",
            "outages::a_waiting_consumer_outlives_an_outage",
            "outages::broken_connections_lose_nothing",
            "retention::a_dead_consumers_removed_record_blocks_nothing",
            "settling::a_delayed_retry_comes_at_its_time",
        ] because "they wait for what comes by itself: a lease, a time, a recovery",
    }
    0 dropped_calls_lose: verbs::DroppedCallsLose => Rich {
        fails: [
            "consumers::next_may_be_dropped_at_any_instant",
        ],
    }
    0 takes_more_than_asked_for: verbs::TakesMoreThanAskedFor => Rich {
        fails: [
            "consumers::no_more_comes_than_asked_for",
            "describing::the_numbers_of_a_group_are_right",
            "model::random_operations_with_order",
            "model::random_operations_without_order",
        ],
    }
    0 closed_is_open: verbs::ClosedIsOpen => Rich {
        fails: [
            "consumers::closed_is_closed",
            "consumers::closing_ends_a_waiting_call",
        ],
    }
    0 names_are_folded: verbs::NamesAreFolded => Rich {
        fails: [
            "names::names_do_not_run_into_each_other",
        ],
    }
    0 long_names_are_refused: verbs::LongNamesAreRefused => Rich {
        fails: [
            "names::names_as_long_and_odd_as_allowed_work",
        ],
    }
    0 subscriptions_are_not_checked: verbs::SubscriptionsAreNotChecked => Rich {
        fails: [
            "names::a_subscription_that_breaks_the_rules_is_refused",
        ],
    }
    0 the_missing_is_empty: verbs::TheMissingIsEmpty => Rich {
        fails: [
            "names::what_does_not_exist_is_not_found",
        ],
    }
    0 asks_before_it_refuses: verbs::AsksBeforeItRefuses => Poor {
        fails: [
            "names::undeclared_abilities_are_refused_without_io",
        ],
    }
    0 last_is_first: verbs::LastIsFirst => Rich {
        fails: [
            "describing::the_numbers_of_a_topic_are_right",
        ],
    }
    0 observing_moves: verbs::ObservingMoves => Rich {
        fails: [
            "describing::observing_moves_nothing",
        ],
    }
}
