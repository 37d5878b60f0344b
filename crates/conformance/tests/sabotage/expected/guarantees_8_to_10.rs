//! Retention, outages and what nobody can read.

use crate::faults::{retention, settling};

sabotaged! {
    8 trims_what_is_needed: retention::TrimsWhatIsNeeded => Rich {
        fails: [
            "retention::an_idle_group_is_not_spared_and_told",
            "retention::the_slowest_group_is_spared",
            "retention::trim_spares_what_is_not_settled",
        ],
        also: [
            "describing::lag_is_right_after_a_trim",
            "model::random_operations_with_order",
            "model::random_operations_without_order",
        ] because "they trim what is settled, and count",
    }
    8 dry_runs_trim: retention::DryRunsTrim => Rich {
        fails: [
            "retention::trim_goes_by_age_and_by_length",
        ],
        also: [
            "describing::observing_moves_nothing",
        ] because "a dry run is an observation",
    }
    8 trims_by_an_old_count: retention::TrimsByAnOldCount => Rich {
        fails: [
            "retention::trims_at_once_remove_once",
        ],
    }
    8 the_idle_are_spared: retention::TheIdleAreSpared => Rich {
        fails: [
            "retention::an_idle_group_is_not_spared_and_told",
        ],
    }
    8 gaps_are_swallowed: retention::GapsAreSwallowed => Rich {
        fails: [
            "retention::a_dead_consumers_removed_record_blocks_nothing",
            "retention::a_pending_record_that_others_removed_blocks_nothing",
            "retention::a_pending_record_that_was_trimmed_blocks_nothing",
            "retention::a_second_loss_is_a_second_gap",
            "retention::an_idle_group_is_not_spared_and_told",
            "retention::losses_are_acknowledged",
            "retention::the_hard_cap_wins_and_is_reported_once",
            "retention::what_others_remove_is_reported",
            "retention::what_others_remove_shows_before_anybody_hears",
        ],
    }
    8 gaps_are_miscounted: retention::GapsAreMiscounted => Rich {
        fails: [
            "retention::a_dead_consumers_removed_record_blocks_nothing",
            "retention::a_pending_record_that_others_removed_blocks_nothing",
            "retention::a_pending_record_that_was_trimmed_blocks_nothing",
            "retention::a_second_loss_is_a_second_gap",
            "retention::an_idle_group_is_not_spared_and_told",
            "retention::losses_are_acknowledged",
            "retention::the_hard_cap_wins_and_is_reported_once",
            "retention::what_others_remove_is_reported",
            "retention::what_others_remove_shows_before_anybody_hears",
        ],
    }
    8 gaps_are_told_twice: retention::GapsAreToldTwice => Rich {
        fails: [
            "retention::a_dead_consumers_removed_record_blocks_nothing",
            "retention::a_pending_record_that_others_removed_blocks_nothing",
            "retention::a_pending_record_that_was_trimmed_blocks_nothing",
            "retention::a_second_loss_is_a_second_gap",
            "retention::an_idle_group_is_not_spared_and_told",
            "retention::losses_are_acknowledged",
            "retention::the_hard_cap_wins_and_is_reported_once",
            "retention::what_others_remove_is_reported",
            "retention::what_others_remove_shows_before_anybody_hears",
        ],
    }
    8 pending_without_a_body_blocks: retention::PendingWithoutABodyBlocks => Rich {
        fails: [
            "retention::a_dead_consumers_removed_record_blocks_nothing",
            "retention::a_pending_record_that_others_removed_blocks_nothing",
            "retention::a_pending_record_that_was_trimmed_blocks_nothing",
        ],
    }
    8 losses_show_late: retention::LossesShowLate => Rich {
        fails: [
            "retention::what_others_remove_shows_before_anybody_hears",
        ],
    }
    8 acknowledges_nothing: retention::AcknowledgesNothing => Rich {
        fails: [
            "retention::losses_are_acknowledged",
        ],
    }
    9 outages_are_permanent: retention::OutagesArePermanent => Rich {
        fails: [
            "outages::a_waiting_consumer_outlives_an_outage",
            "outages::an_outage_is_temporary_and_passes",
        ],
    }
    9 consumers_do_not_recover: retention::ConsumersDoNotRecover => Rich {
        fails: [
            "outages::a_waiting_consumer_outlives_an_outage",
            "outages::an_outage_is_temporary_and_passes",
        ],
    }
    9 missing_groups_start_at_the_end: retention::MissingGroupsStartAtTheEnd => Rich {
        fails: [
            "outages::a_log_restarted_empty_is_heard_from_its_beginning",
        ],
    }
    9 wipes_are_silent: retention::WipesAreSilent => Rich {
        fails: [
            "outages::a_log_restarted_empty_is_heard_from_its_beginning",
        ],
    }
    9 lost_groups_start_at_the_end: retention::LostGroupsStartAtTheEnd => Rich {
        fails: [
            "outages::a_lost_group_goes_on_where_it_was",
        ],
    }
    9 silence_is_waited_out: retention::SilenceIsWaitedOut => Rich {
        fails: [
            "outages::a_silent_log_is_an_outage",
        ],
    }
    9 broken_connections_lose: retention::BrokenConnectionsLose => Rich {
        fails: [
            "outages::broken_connections_lose_nothing",
        ],
    }
    10 unreadable_stops: settling::UnreadableStops => Rich {
        fails: [
            "unreadable::garbage_comes_raw_and_stops_nothing",
        ],
    }
    10 foreign_is_skipped: settling::ForeignIsSkipped => Rich {
        fails: [
            "unreadable::a_foreign_entry_comes_raw_and_stops_nothing",
        ],
    }
}
