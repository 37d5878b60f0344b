//! Leases, attempts and order.

use crate::faults::{following, leasing, ordering, redelivery};

sabotaged! {
    4 the_dead_keep_their_leases: leasing::TheDeadKeepTheirLeases => Rich {
        fails: [
            "leases::a_dead_consumers_deliveries_pass_on",
            "leases::attempts_survive_a_kill_of_the_log",
        ],
        also: [
            "redelivery::a_dead_consumers_redelivered_record_passes_on",
            "order::a_dead_consumers_key_keeps_its_order",
            "parking::a_dead_consumers_released_record_passes_on",
            "retention::a_dead_consumers_removed_record_blocks_nothing",
            "whole::the_books_balance_with_order",
            "whole::the_books_balance_without_order",
        ] because "their consumers die too",
    }
    4 leases_run_out_early: leasing::LeasesRunOutEarly => Rich {
        fails: [
            "leases::a_silent_consumer_keeps_its_lease_and_not_longer",
        ],
    }
    4 heartbeats_do_nothing: leasing::HeartbeatsDoNothing => Rich {
        fails: [
            "leases::a_heartbeat_keeps_the_lease",
            "leases::a_silent_consumer_keeps_its_lease_and_not_longer",
        ],
    }
    4 owners_are_not_checked: leasing::OwnersAreNotChecked => Rich {
        fails: [
            "leases::a_strangers_settlement_is_stale",
            "leases::two_consumers_of_one_name_are_two",
        ],
        also: [
            "model::random_operations_with_order",
            "model::random_operations_without_order",
        ] because "random operations meet every rule",
    }
    4 stale_is_fine: leasing::StaleIsFine => Rich {
        fails: [
            "following::a_stale_settlement_is_out_of_the_way",
            "leases::a_silent_consumer_keeps_its_lease_and_not_longer",
            "leases::a_stale_settlement_fails_alone",
            "leases::a_strangers_settlement_is_stale",
            "leases::an_older_holding_is_stale",
            "leases::two_consumers_of_one_name_are_two",
        ],
        also: [
            "redelivery::discarding_what_is_in_hand_makes_it_stale",
            "model::random_operations_with_order",
            "model::random_operations_without_order",
            "seeking::seeking_forgets_what_is_in_flight",
            "seeking::what_was_in_flight_comes_again_after_seeking_back",
        ] because "a seek makes deliveries stale, and random operations meet every rule",
    }
    4 one_stale_spoils_all: leasing::OneStaleSpoilsAll => Rich {
        fails: [
            "following::a_stale_settlement_is_out_of_the_way",
            "leases::a_stale_settlement_fails_alone",
        ],
    }
    4 prefetches_count: leasing::PrefetchesCount => Rich {
        fails: [
            "following::a_stale_follower_starts_nothing",
            "following::what_follows_starts_with_the_settlement",
            "leases::attempts_survive_reopening",
            "leases::leaving_gives_back_at_once",
            "leases::only_starts_count_as_attempts",
        ],
        also: [
            "model::random_operations_with_order",
            "model::random_operations_without_order",
        ] because "random operations meet every rule",
    }
    4 attempts_are_forgotten: leasing::AttemptsAreForgotten => Rich {
        fails: [
            "leases::a_dead_consumers_deliveries_pass_on",
            "leases::attempts_survive_a_kill_of_the_log",
            "leases::attempts_survive_reopening",
        ],
        also: [
            "model::random_operations_with_order",
            "model::random_operations_without_order",
            "whole::the_books_balance_with_order",
            "whole::the_books_balance_without_order",
        ] because "their consumers have handles of their own and count attempts",
    }
    4 leaving_keeps: leasing::LeavingKeeps => Rich {
        fails: [
            "following::a_stale_follower_starts_nothing",
            "following::what_follows_starts_with_the_settlement",
            "leases::attempts_survive_reopening",
            "leases::leaving_gives_back_at_once",
        ],
        also: [
            "model::random_operations_with_order",
            "model::random_operations_without_order",
            "settling::what_is_not_settled_comes_again",
        ] because "their consumers leave with started records in hand",
    }
    4 a_kill_forgets_attempts: leasing::AKillForgetsAttempts => Rich {
        fails: [
            "leases::attempts_survive_a_kill_of_the_log",
        ],
    }
    4 followers_are_only_promised: following::FollowersAreOnlyPromised => Rich {
        fails: [
            "following::what_follows_starts_with_the_settlement",
            "following::a_stale_follower_starts_nothing",
        ],
    }
    4 followers_are_turned_round: following::FollowersAreTurnedRound => Rich {
        fails: [
            "following::what_follows_starts_with_the_settlement",
            "following::a_stale_follower_starts_nothing",
        ],
        also: [
            "following::what_is_not_settled_is_not_followed",
        ] because "its followers fare differently too",
    }
    4 stale_settlements_hold_back: following::StaleSettlementsHoldBack => Rich {
        fails: [
            "following::a_stale_settlement_is_out_of_the_way",
        ],
    }
    4 stale_followers_start: following::StaleFollowersStart => Rich {
        fails: [
            "following::a_stale_follower_starts_nothing",
        ],
    }
    5 order_is_swapped: ordering::OrderIsSwapped => Rich {
        fails: [
            "order::a_dead_consumers_key_keeps_its_order",
            "order::a_delayed_retry_keeps_its_place",
            "order::a_retry_keeps_its_place",
            "order::keys_run_in_parallel",
            "order::one_at_a_time_within_a_key",
            "order::without_order_all_compete",
        ],
        also: [
            "redelivery::a_key_has_one_in_hand_also_then",
            "model::random_operations_with_order",
            "model::random_operations_without_order",
            "whole::the_books_balance_with_order",
        ] because "they check the order of keys too",
    }
    5 batches_are_shuffled: ordering::BatchesAreShuffled => Rich {
        fails: [
            "order::order_holds_across_batches_and_publishers",
        ],
        also: [
            "model::random_operations_with_order",
            "model::random_operations_without_order",
            "whole::the_books_balance_with_order",
        ] because "they check positions and order too",
    }
    5 one_lane_for_all: ordering::OneLaneForAll => Rich {
        fails: [
            "order::a_retry_keeps_its_place",
            "order::keys_run_in_parallel",
        ],
        also: [
            "model::random_operations_with_order",
        ] because "random operations meet every rule",
    }
    5 retries_go_to_the_end: ordering::RetriesGoToTheEnd => Rich {
        fails: [
            "order::a_delayed_retry_keeps_its_place",
            "order::a_retry_keeps_its_place",
        ],
        also: [
            "model::random_operations_with_order",
            "model::random_operations_without_order",
            "settling::a_dead_letter_holds_everything",
            "whole::the_books_balance_with_order",
        ] because "they retry records with keys",
    }
    5 standbys_are_active: ordering::StandbysAreActive => Poor {
        fails: [
            "order::who_becomes_active_is_told",
            "order::a_dead_consumers_key_keeps_its_order",
            "order::one_consumer_is_active_and_another_takes_over",
        ],
        also: [
            "whole::the_books_balance_with_order",
        ] because "it checks the order of keys too",
    }
    5 leaving_stays_active: ordering::LeavingStaysActive => Poor {
        fails: [
            "order::leaving_hands_over_at_once",
        ],
        also: [
            "redelivery::redeliveries_survive_reopening",
            "parking::parked_keys_survive_reopening",
        ] because "a consumer leaves in it, and another takes over",
    }
    5 failed_settlements_are_followed: following::FailedSettlementsAreFollowed => Rich {
        fails: [
            "following::what_is_not_settled_is_not_followed",
        ],
    }
    5 holding_back_counts: following::HoldingBackCounts => Rich {
        fails: [
            "following::what_is_not_settled_is_not_followed",
        ],
    }
    5 becomes_active_silently: redelivery::BecomesActiveSilently => Poor {
        fails: [
            "order::who_becomes_active_is_told",
        ],
    }
}
