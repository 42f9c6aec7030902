//! Failures that the server itself hands to user code.

use super::{Short, pb::TaskFailureDetails};
use prost::Message as _;
use prost_types::{Value, value::Kind};

/// Error types the server makes, as user code sees them in `errorType`.
pub mod error_type {
    /// A sub-orchestration asked for an id that a live instance holds.
    pub const INSTANCE_EXISTS: &str = "OrchestrationAlreadyExistsError";
    /// A sub-orchestration asked for an id that is not valid.
    pub const INVALID_INSTANCE_ID: &str = "InvalidInstanceIdError";
    /// The sub-orchestration was terminated.
    pub const TERMINATED: &str = "OrchestrationTerminatedError";
    /// The sub-orchestration was cancelled.
    pub const CANCELED: &str = "OrchestrationCanceledError";
    /// A worker answered with something the protocol does not allow.
    pub const PROTOCOL_VIOLATION: &str = "ProtocolViolationError";
    /// A payload was larger than the configured limit.
    pub const PAYLOAD_TOO_LARGE: &str = "PayloadTooLargeError";
    /// The history has become larger than what a worker can receive.
    pub const HISTORY_TOO_LARGE: &str = "HistoryTooLargeError";
    /// An activity was delivered again and again, and no worker lived to answer it.
    pub const TOO_MANY_DELIVERIES: &str = "TooManyDeliveriesError";
    /// An operator gave up on what was parked.
    pub const DISCARDED: &str = "DiscardedError";
    /// The feature asked for is not part of this version.
    pub const NOT_SUPPORTED: &str = "NotSupportedError";
}

/// A failure as a table shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureBrief {
    pub error_type: String,
    /// The first line of the message, shortened.
    pub message: String,
}

impl FailureBrief {
    pub fn of(failure: &TaskFailureDetails) -> Self {
        Self {
            error_type: Short(&failure.error_type).to_string(),
            message: Short(failure.error_message.lines().next().unwrap_or_default()).to_string(),
        }
    }
}

/// Failure details without stack trace or cause. `non_retriable` tells retry policies not to try again.
pub fn failure(error_type: &str, message: impl Into<String>, non_retriable: bool) -> TaskFailureDetails {
    TaskFailureDetails {
        error_type: error_type.to_owned(),
        error_message: message.into(),
        is_non_retriable: non_retriable,
        ..TaskFailureDetails::default()
    }
}

/// Most failures in a chain of causes. Each parent adds its own failure to its child's, and protobuf readers refuse messages that are
/// nested a hundred deep. Around a failure are about five, and a level of a property's value takes three.
const MAX_DEPTH: usize = 64;
/// Most levels of a property's value.
const MAX_VALUE_DEPTH: usize = 8;
/// What is put where text was cut.
const CUT: &str = " [the rest was left out: the failure was too large]";

/// The failure as it is kept: at most 64 causes, and no more than `limit` bytes of text and properties together, but for
/// notes that say what was cut. Types and messages come first, then stack traces, then properties; of each, outer ones come first.
pub fn bounded(details: TaskFailureDetails, limit: usize) -> TaskFailureDetails {
    let mut chain = vec![details];
    while let Some(cause) = chain.last_mut().and_then(|last| last.inner_failure.take()) {
        if chain.len() == MAX_DEPTH - 1 && cause.inner_failure.is_some() {
            chain.push(failure("", "[further causes were left out]", cause.is_non_retriable));
            break;
        }
        chain.push(*cause);
    }
    let mut left = limit;
    for failure in &mut chain {
        cut(&mut failure.error_type, &mut left);
        cut(&mut failure.error_message, &mut left);
    }
    chain
        .iter_mut()
        .filter_map(|failure| failure.stack_trace.as_mut())
        .for_each(|trace| cut(trace, &mut left));
    for failure in &mut chain {
        failure.properties.retain(|name, value| {
            let size = name.len() + value.encoded_len();
            let fits = size <= left && !deeper_than(value, MAX_VALUE_DEPTH);
            left -= if fits { size } else { 0 };
            fits
        });
    }
    let whole = chain
        .into_iter()
        .rev()
        .reduce(|cause, failure| TaskFailureDetails { inner_failure: Some(Box::new(cause)), ..failure });
    whole.unwrap_or_default()
}

fn cut(text: &mut String, left: &mut usize) {
    if text.len() <= *left {
        *left -= text.len();
        return;
    }
    text.truncate(text.floor_char_boundary(left.saturating_sub(CUT.len())));
    text.push_str(CUT);
    *left = 0;
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    let deeper = |inner: &Value| levels == 1 || deeper_than(inner, levels - 1);
    match &value.kind {
        Some(Kind::ListValue(list)) => list.values.iter().any(deeper),
        Some(Kind::StructValue(fields)) => fields.fields.values().any(deeper),
        Some(Kind::NullValue(_) | Kind::NumberValue(_) | Kind::StringValue(_) | Kind::BoolValue(_))
        | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Timestamp, event, pb};
    use prost_types::{ListValue, Struct};

    fn chain(length: usize) -> TaskFailureDetails {
        let failures = (1..=length).rev().map(|number| failure("E", number.to_string(), false));
        let whole = failures
            .reduce(|cause, failure| TaskFailureDetails { inner_failure: Some(Box::new(cause)), ..failure });
        whole.unwrap()
    }

    fn messages(details: &TaskFailureDetails) -> Vec<&str> {
        std::iter::successors(Some(details), |details| details.inner_failure.as_deref())
            .map(|details| details.error_message.as_str())
            .collect()
    }

    fn nested(levels: usize) -> Value {
        let leaf = Value { kind: Some(Kind::BoolValue(true)) };
        (1..levels)
            .fold(leaf, |inner, _| Value { kind: Some(Kind::ListValue(ListValue { values: vec![inner] })) })
    }

    #[test]
    fn what_is_small_stays_as_it_is() {
        for length in [1, 2, MAX_DEPTH - 1, MAX_DEPTH] {
            let mut details = chain(length);
            details.stack_trace = Some("at line 1".into());
            details.properties.insert("p".into(), nested(MAX_VALUE_DEPTH));
            assert_eq!(bounded(details.clone(), 1_000), details, "{length}");
        }
    }

    #[test]
    fn a_long_chain_of_causes_ends_with_a_note_and_stays_as_long_when_parents_add_to_it() {
        for length in [MAX_DEPTH + 1, 99, 5_000] {
            let mut details = bounded(chain(length), 100_000);
            for _ in 0..3 {
                let found = messages(&details);
                assert_eq!(
                    (found.len(), found[MAX_DEPTH - 1]),
                    (MAX_DEPTH, "[further causes were left out]"),
                    "{length}"
                );
                let parent = TaskFailureDetails {
                    inner_failure: Some(Box::new(details)),
                    ..failure("Parent", "1", false)
                };
                details = bounded(parent, 100_000);
            }
            assert_eq!(messages(&details)[..5], ["1", "1", "1", "1", "2"]);
        }
    }

    #[test]
    fn the_deepest_that_is_kept_can_still_be_read_in_a_work_item() {
        // Structs lie deeper on the wire than lists.
        let value = (1..MAX_VALUE_DEPTH).fold(nested(1), |inner, _| Value {
            kind: Some(Kind::StructValue(Struct { fields: [("f".to_owned(), inner)].into() })),
        });
        let mut deepest = failure("E", "m", false);
        deepest.properties.insert("p".into(), value);
        for _ in 1..MAX_DEPTH {
            deepest =
                TaskFailureDetails { inner_failure: Some(Box::new(deepest)), ..failure("E", "m", false) };
        }
        assert_eq!(bounded(deepest.clone(), 10_000), deepest);
        let event = event::task_failed(Timestamp(0), 1, deepest);
        let turn = pb::OrchestratorRequest { new_events: vec![event], ..Default::default() };
        let request = Some(pb::work_item::Request::OrchestratorRequest(turn));
        let item = pb::WorkItem { request, ..Default::default() };
        assert_eq!(pb::WorkItem::decode(item.encode_to_vec().as_slice()), Ok(item));
    }

    #[test]
    fn text_is_cut_between_characters_and_outer_messages_come_first() {
        let cases = [
            (300, "ü".repeat(150), "ü".repeat(150)),
            (299, "ü".repeat(150), format!("{}{CUT}", "ü".repeat((299 - CUT.len()) / 2))),
            (0, "x".into(), CUT.to_owned()),
        ];
        for (limit, message, kept) in cases {
            let details = TaskFailureDetails {
                stack_trace: Some("trace".into()),
                inner_failure: Some(Box::new(failure("", "cause", true))),
                ..failure("", message, true)
            };
            let details = bounded(details, limit);
            assert_eq!(messages(&details), [kept.as_str(), CUT], "{limit}");
            assert_eq!(details.stack_trace.as_deref(), Some(CUT));
            assert!(details.is_non_retriable);
        }
        let huge = TaskFailureDetails {
            stack_trace: Some("t".repeat(5 << 20)),
            inner_failure: Some(Box::new(failure("E", "cause", false))),
            ..failure("E", "m".repeat(1_000), false)
        };
        let kept = bounded(huge, 10_000);
        assert_eq!(messages(&kept), ["m".repeat(1_000).as_str(), "cause"]);
        assert!(kept.encoded_len() < 10_100);
    }

    #[test]
    fn properties_that_are_too_large_or_too_deep_are_left_out() {
        let mut details = failure("E", "m", false);
        details.properties.insert("deep".into(), nested(MAX_VALUE_DEPTH + 1));
        details.properties.insert("large".into(), Value { kind: Some(Kind::StringValue("x".repeat(900))) });
        details.properties.insert("small".into(), nested(2));
        let kept = bounded(details, 500);
        assert_eq!(kept.properties.keys().collect::<Vec<_>>(), ["small"]);
    }
}
