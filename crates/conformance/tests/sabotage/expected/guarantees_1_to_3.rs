//! Publishing, groups and where they start.

use crate::faults::{groups, publishing};

sabotaged! {
    1 loses_what_a_dead_publisher_buffered: publishing::LosesWhatADeadPublisherBuffered => Rich {
        fails: [
            "publish::ok_survives_the_loss_of_the_publisher",
        ],
    }
    1 loses_the_last_batch_on_a_kill: publishing::LosesTheLastBatchOnAKill => Rich {
        fails: [
            "publish::ok_survives_a_kill_of_the_log",
        ],
    }
    1 answers_in_another_order: publishing::AnswersInAnotherOrder => Rich {
        fails: [
            "publish::a_record_fails_alone",
            "publish::results_stand_in_the_order_given",
        ],
    }
    1 drops_empty_keys: publishing::DropsEmptyKeys => Rich {
        fails: [
            "publish::bodies_and_keys_come_back_byte_for_byte",
        ],
    }
    1 sorts_fields: publishing::SortsFields => Rich {
        fails: [
            "publish::fields_come_back_field_for_field",
        ],
    }
    1 fails_the_whole_batch: publishing::FailsTheWholeBatch => Rich {
        fails: [
            "publish::a_record_fails_alone",
        ],
    }
    1 calls_the_unknown_unavailable: publishing::CallsTheUnknownUnavailable => Rich {
        fails: [
            "publish::a_lost_answer_is_an_unknown_fate",
        ],
    }
    1 calls_the_unknown_stored: publishing::CallsTheUnknownStored => Rich {
        fails: [
            "publish::a_request_cut_short_does_not_succeed_silently",
        ],
        also: [
            "outages::a_silent_log_is_an_outage",
            "outages::broken_connections_lose_nothing",
        ] because "they publish through a broken or silent connection",
    }
    1 trims_keys: publishing::TrimsKeys => Rich {
        fails: [
            "publish::bodies_and_keys_come_back_byte_for_byte",
        ],
    }
    2 joining_moves_to_the_end: groups::JoiningMovesToTheEnd => Rich {
        fails: [
            "groups::joining_moves_nothing",
        ],
        also: [
            "groups::a_removed_group_is_gone",
            "starts::latest_is_stored_when_the_group_is_made",
        ] because "three consumers live in it at once, with records to come",
    }
    2 restarting_moves_to_the_start: groups::RestartingMovesToTheStart => Rich {
        fails: [
            "groups::restarting_moves_nothing",
        ],
    }
    2 only_two_groups_hear: groups::OnlyTwoGroupsHear => Rich {
        fails: [
            "groups::every_group_hears_everything",
        ],
        also: [
            "names::names_do_not_run_into_each_other",
        ] because "it has many groups on a topic",
    }
    2 a_kill_moves_to_the_end: groups::AKillMovesToTheEnd => Rich {
        fails: [
            "groups::a_group_survives_a_kill_of_the_log",
        ],
        also: [
            "leases::attempts_survive_a_kill_of_the_log",
            "publish::ok_survives_a_kill_of_the_log",
        ] because "they kill the log while a group has records to come",
    }
    2 forgets_acks: groups::ForgetsAcks => Rich {
        fails: [
            "groups::a_settled_record_is_not_heard_again",
        ],
        also: [
            "model::random_operations_with_order",
            "model::random_operations_without_order",
        ] because "random operations meet every rule",
    }
    3 latest_is_found_late: groups::LatestIsFoundLate => Rich {
        fails: [
            "starts::a_group_made_before_its_first_consumer_hears_all",
        ],
        also: [
            "leases::attempts_survive_reopening",
            "publish::ok_survives_a_kill_of_the_log",
        ] because "the group's first consumer joins from another handle",
    }
    3 latest_is_earliest: groups::LatestIsEarliest => Rich {
        fails: [
            "starts::latest_is_stored_when_the_group_is_made",
        ],
        also: [
            "describing::lag_is_right_after_a_trim",
            "groups::a_removed_group_is_gone",
        ] because "it makes a group on a topic with history, to count what it lacks",
    }
    3 earliest_is_latest: groups::EarliestIsLatest => Rich {
        fails: [
            "starts::earliest_hears_history",
        ],
    }
    3 times_are_earliest: groups::TimesAreEarliest => Rich {
        fails: [
            "starts::a_time_hears_what_came_since",
        ],
    }
    3 positions_are_earliest: groups::PositionsAreEarliest => Rich {
        fails: [
            "starts::a_position_hears_what_follows_it",
        ],
    }
    3 nonsense_is_latest: groups::NonsenseIsLatest => Rich {
        fails: [
            "starts::what_is_no_position_is_refused",
        ],
    }
    3 opens_in_another_order: groups::OpensInAnotherOrder => Rich {
        fails: [
            "starts::a_consumer_is_told_what_it_found",
        ],
    }
}
