//! The conformance suite: what every backend of the store must do, in the same words for all.
//!
//! Each case is an async function over a [`StoreTest`]. A backend calls `conformance!(open)` in a test module, where `open` is
//! an async function that returns a fresh `StoreTest`, and gets one test for each case under its own name; one whose data
//! outlives it calls `conformance_durable!(open)` as well. Cases never look at a clock or wait for a duration.

pub mod activities;
pub mod check;
pub mod claims;
pub mod create;
pub mod durable;
pub mod entities;
pub mod fixture;
pub mod fuzz;
pub mod histogram;
pub mod hubs;
pub mod inbox;
pub mod jobs;
pub mod list;
pub mod lost;
pub mod parked;
pub mod payloads;
pub mod pending;
pub mod purge;
pub mod rewind;
pub mod search;
pub mod secrets;
pub mod terms;
pub mod turns;

pub use fixture::{Open, StoreTest, new_instance, short};

/// Makes a test of each `room::case` for the backend that `$open` opens.
macro_rules! cases {
    ($open:path; $($room:ident { $($case:ident)* })*) => {
        $(mod $room {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let mut cx = $open().await;
                $crate::store::conformance::$room::$case(&mut cx).await;
            })*
        })*
    };
}

/// The cases for every backend.
macro_rules! conformance {
    ($open:path) => {
        $crate::store::conformance::cases! { $open;
            create {
                a_new_instance_is_pending_with_its_start_message
                of_64_creates_of_one_id_exactly_one_wins
                a_taken_id_changes_nothing
                an_ended_instance_is_replaced_with_all_it_had
                a_live_instance_is_replaced_if_the_caller_says_so
                a_live_child_is_not_replaced_because_its_parent_waits_for_it
                hubs_are_found_without_case_and_keep_instances_apart
            }
            check {
                nothing_is_found_where_only_the_store_has_written
            }
            lost {
                what_is_asked_for_is_lost_only_if_nothing_will_answer
                a_child_is_lost_if_it_is_gone_and_was_to_report
                unmoved_instances_are_looked_at_in_pages
            }
            hubs {
                a_cleared_hub_has_nothing_left_whatever_lived_in_it
                a_cleared_hub_knows_no_answered_request
                a_hub_is_removed_only_when_it_is_empty
                a_hub_made_again_is_the_same_hub
            }
            terms {
                a_request_on_record_changes_nothing_whatever_became_of_its_instance
                keys_are_their_hubs_own_and_compared_exactly
                of_64_creates_with_one_key_exactly_one_wins
                a_refused_request_leaves_no_record
                an_instance_that_is_kept_answers_for_the_request
                expired_records_count_no_more_and_go_while_requests_come
                only_what_was_read_is_replaced
                of_64_who_replace_what_they_read_exactly_one_wins
            }
            inbox {
                a_message_reaches_a_live_instance_only
                the_inbox_is_in_arrival_order
                every_recipient_gets_its_message_if_it_lives
                messages_to_the_missing_ended_or_replaced_are_dropped
                a_message_to_oneself_by_id_follows_the_new_status
            }
            turns {
                a_turn_changes_what_it_says_and_nothing_else
                a_stale_turn_is_fenced_and_writes_nothing
                a_turn_that_takes_what_an_earlier_one_took_is_fenced_and_writes_nothing
                a_repeated_turn_is_fenced_and_changes_nothing
                a_turn_of_a_missing_instance_is_fenced
                a_turn_that_fails_in_the_middle_leaves_nothing
                history_keeps_its_order_over_many_chunks
                effects_come_in_order_and_before_the_answer
                children_are_created_and_replace_ended_ones
                a_child_whose_id_is_taken_becomes_a_message_to_the_sender
                an_instance_does_not_replace_itself_by_its_child
            }
            pending {
                keep_leaves_everything
                drop_execution_keeps_events_controls_and_the_new
                drop_all_leaves_only_the_new
                continue_as_new_starts_an_empty_history
            }
            activities {
                completing_one_twice_counts_once
                of_64_completions_of_one_activity_exactly_one_counts
                an_activity_of_an_ended_execution_cannot_be_completed
                a_detached_activity_outlives_its_execution_and_its_result_goes_nowhere
                ten_thousand_activities_go_out_and_come_back
            }
            payloads {
                empty_text_is_not_no_text
                five_megabytes_come_back_as_they_were
                any_text_survives
                a_failure_is_always_given
                tags_parent_and_trace_are_kept
            }
            claims {
                ready_means_deliverable
                suspended_instances_are_ready_for_controls_only
                a_scheduled_instance_waits_for_its_start
                ready_instances_come_in_pages
                activities_come_in_pages
                due_messages_come_in_pages_and_in_order
                the_route_of_an_instance_has_its_status
            }
            parked {
                a_parked_instance_is_ready_for_controls_only
                parking_ends_once_and_may_leave_a_message
                of_64_who_end_a_parking_exactly_one_does
                parked_anew_means_parked_for_the_new_reason
                parking_goes_with_its_instance
                an_entity_is_parked_like_anybody_else
                parked_instances_come_in_pages_and_of_one_hub
            }
            purge {
                only_ended_instances_are_purged
                a_purged_instance_leaves_nothing_behind
                purge_by_filter_takes_what_has_ended_and_matches
                purge_by_filter_goes_on_where_it_stopped
                what_was_seen_is_purged_if_it_has_ended_and_not_changed
                nothing_of_a_tree_is_purged_if_its_top_has_changed
            }
            list {
                pages_follow_the_time_of_creation_then_the_key
                a_continuation_is_there_exactly_if_something_follows
                what_stays_is_met_once_while_others_come_and_go
                filters_hold_together
                a_prefix_is_taken_character_by_character
                many_and_few_of_a_prefix_are_listed_alike
                ended_instances_are_listed_by_the_time_of_their_end
                payloads_are_read_when_asked_for
                a_page_ends_before_it_grows_too_large
                every_filter_in_every_order_finds_what_matches_page_by_page
                counts_are_those_of_the_list
                an_ended_instance_that_lives_again_is_found_as_such
            }
            jobs {
                a_job_is_listed_from_its_making_to_its_end
                steps_add_up_and_so_do_their_failures
                only_so_many_failures_are_kept_and_all_are_counted
                what_was_under_way_when_a_job_was_stopped_is_counted
                running_jobs_of_all_hubs_are_found_with_all_that_is_needed
                only_ended_jobs_are_deleted
                old_ended_jobs_make_room_for_new_ones
                a_job_knows_the_newest_instance_of_its_beginning
                a_cleared_hub_has_no_jobs
            }
            search {
                a_search_finds_what_a_list_finds
                texts_are_found_in_any_case_and_nowhere_else
                what_is_shown_of_an_instance_is_short
                sizes_are_told_when_asked_for
                what_stays_is_met_once_in_every_order_while_others_come_and_go
            }
            histogram {
                a_histogram_counts_what_the_list_has
                an_open_beginning_is_that_of_the_first_instance
                names_for_which_there_is_no_room_are_counted_together
            }
            rewind {
                a_rewound_instance_is_as_if_it_had_not_ended
                earlier_histories_stay_readable
                a_tree_is_rewound_wholly_or_not_at_all
                revisions_go_with_their_instance
            }
            secrets {
                the_first_candidate_stays
                of_64_candidates_one_is_given_to_all
            }
            entities {
                an_entity_comes_with_its_first_message
                an_entity_goes_when_nothing_is_left_of_it
                a_lock_is_given_to_the_living_only
                a_lock_goes_with_the_execution_that_holds_it
                a_lock_goes_when_its_owner_is_removed
                a_locked_entity_goes_when_it_is_free_and_has_nothing_else
                a_released_lock_can_be_taken_again
                a_purged_entity_keeps_what_waits_and_its_lock
                an_entity_is_read_as_callers_see_it
                entities_are_listed_in_pages
                lists_leave_entities_out_if_asked
                an_orchestration_that_an_entity_starts_replaces_nobody
                messages_of_one_turn_to_oneself_stay_with_oneself
            }
            fuzz {
                concurrent_callers_agree_with_a_simple_model
            }
        }
    };
}

/// More cases, for backends whose data outlives the store that wrote it.
macro_rules! conformance_durable {
    ($open:path) => {
        $crate::store::conformance::cases! { $open;
            durable {
                everything_is_there_after_a_clean_close
                everything_is_there_after_a_drop
                keys_of_purged_instances_are_not_used_again
                secrets_are_kept
                answered_requests_stay_on_record
                jobs_are_kept_as_they_were
                what_is_parked_stays_parked
                a_closed_store_says_so
            }
        }
    };
}
pub(crate) use {cases, conformance, conformance_durable};
