//! Settling, types and topics.

use crate::faults::{groups, settling};

sabotaged! {
    6 leaving_acks_what_was_started: settling::LeavingAcksWhatWasStarted => Rich {
        fails: [
            "settling::what_is_not_settled_comes_again",
        ],
        also: [
            "following::a_stale_follower_starts_nothing",
            "following::what_follows_starts_with_the_settlement",
            "leases::attempts_survive_reopening",
            "leases::leaving_gives_back_at_once",
            "model::random_operations_with_order",
            "model::random_operations_without_order",
        ] because "their consumers leave with started records in hand",
    }
    6 retrying_drops: settling::RetryingDrops => Rich {
        fails: [
            "settling::a_batch_is_settled_one_by_one",
            "settling::a_retry_comes_at_once",
            "settling::only_the_failing_group_is_affected",
        ],
        also: [
            "following::a_stale_follower_starts_nothing",
            "following::what_follows_starts_with_the_settlement",
            "leases::an_older_holding_is_stale",
            "leases::only_starts_count_as_attempts",
            "model::random_operations_with_order",
            "model::random_operations_without_order",
        ] because "they need retries to hand a record out again",
    }
    6 delays_are_ignored: settling::DelaysAreIgnored => Rich {
        fails: [
            "settling::a_delayed_retry_comes_at_its_time",
        ],
        also: [
            "order::a_delayed_retry_keeps_its_place",
        ] because "a delayed retry is what keeps the place",
    }
    6 reasons_are_lost: settling::ReasonsAreLost => Rich {
        fails: [
            "settling::a_dead_letter_holds_everything",
        ],
    }
    6 failed_dead_letters_ack: settling::FailedDeadLettersAck => Rich {
        fails: [
            "settling::a_dead_letter_that_cannot_be_stored_is_no_ack",
        ],
        also: [
            "following::what_is_not_settled_is_not_followed",
        ] because "its dead letter cannot be stored either",
    }
    6 a_kill_forgets_dead_letters: settling::AKillForgetsDeadLetters => Rich {
        fails: [
            "settling::a_dead_letter_survives_a_kill_of_the_log",
        ],
    }
    6 dead_letters_are_shared: settling::DeadLettersAreShared => Rich {
        fails: [
            "settling::only_the_failing_group_is_affected",
        ],
        also: [
            "names::names_do_not_run_into_each_other",
        ] because "it has several groups with dead letters on a topic",
    }
    6 batches_have_one_outcome: settling::BatchesHaveOneOutcome => Rich {
        fails: [
            "settling::a_batch_is_settled_one_by_one",
        ],
        also: [
            "following::what_follows_starts_with_the_settlement",
            "following::what_is_not_settled_is_not_followed",
        ] because "they settle two by different outcomes",
    }
    6 pages_start_over: settling::PagesStartOver => Rich {
        fails: [
            "settling::dead_letters_are_listed_by_pages",
        ],
    }
    7 one_type_per_topic: groups::OneTypePerTopic => Rich {
        fails: [
            "types::event_types_share_a_topic",
        ],
    }
    7 one_topic_per_consumer: groups::OneTopicPerConsumer => Rich {
        fails: [
            "types::one_consumer_reads_many_topics",
        ],
        also: [
            "consumers::a_waiting_consumer_hears_every_topic",
        ] because "it waits on several topics",
    }
    7 busy_topics_first: groups::BusyTopicsFirst => Rich {
        fails: [
            "types::a_busy_topic_starves_no_other",
        ],
    }
}
