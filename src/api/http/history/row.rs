//! One row of `historyEvents` and how its fields are written. Rows borrow from the events they show.

use super::super::embed::Embedded;
use crate::model::pb::{TaskFailureDetails, TraceContext};
use chrono::{DateTime, Timelike as _};
use prost_types::{Timestamp, Value, value::Kind};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use std::collections::BTreeMap;

/// A JSON object with its fields in the order in which they were put.
#[derive(Debug, Default)]
pub struct Row<'a>(Vec<(&'static str, Field<'a>)>);

impl<'a> Row<'a> {
    /// Adds a field at the end.
    pub(super) fn put(&mut self, name: &'static str, field: Field<'a>) {
        self.0.push((name, field));
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, field)| (name, field)))
    }
}

/// The value of a field.
#[derive(Debug)]
pub(super) enum Field<'a> {
    Null,
    Flag(bool),
    Text(&'a str),
    Made(String),
    Texts(&'a [String]),
    /// Stored text, as JSON if it is JSON.
    Embedded(Option<&'a str>),
    Failure(Option<&'a TaskFailureDetails>),
    Trace(Option<&'a TraceContext>),
    /// `null` if there are none.
    Tags(&'a BTreeMap<String, String>),
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Field::Null => serializer.serialize_none(),
            Field::Flag(flag) => serializer.serialize_bool(*flag),
            Field::Text(text) => serializer.serialize_str(text),
            Field::Made(text) => serializer.serialize_str(text),
            Field::Texts(texts) => texts.serialize(serializer),
            Field::Embedded(text) => Embedded(*text).serialize(serializer),
            Field::Failure(details) => details.map(Failure).serialize(serializer),
            Field::Trace(context) => context.map(Trace::from).serialize(serializer),
            Field::Tags(tags) => Some(tags).filter(|tags| !tags.is_empty()).serialize(serializer),
        }
    }
}

/// A wire time: ISO 8601 with up to seven fractional digits and `Z`; `null` if it is missing or no date.
pub(super) fn time(wire: Option<&Timestamp>) -> Field<'static> {
    let nanos = |wire: &Timestamp| u32::try_from(wire.nanos).unwrap_or(0);
    match wire.and_then(|wire| DateTime::from_timestamp(wire.seconds, nanos(wire))) {
        None => Field::Null,
        Some(date) => {
            let seconds = date.format("%Y-%m-%dT%H:%M:%S");
            let fraction = format!(".{:07}", date.nanosecond() / 100);
            Field::Made(format!("{seconds}{}Z", fraction.trim_end_matches('0').trim_end_matches('.')))
        }
    }
}

/// Failure details under the names .NET uses.
struct Failure<'a>(&'a TaskFailureDetails);

impl Serialize for Failure<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let details = self.0;
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("ErrorType", &details.error_type)?;
        map.serialize_entry("ErrorMessage", &details.error_message)?;
        map.serialize_entry("StackTrace", &details.stack_trace)?;
        map.serialize_entry("InnerFailure", &details.inner_failure.as_deref().map(Failure))?;
        map.serialize_entry("IsNonRetriable", &details.is_non_retriable)?;
        map.serialize_entry("Properties", &Properties(&details.properties))?;
        map.end()
    }
}

/// What a failure says besides; `null` if that is nothing.
pub struct Properties<'a>(pub &'a BTreeMap<String, Value>);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            return serializer.serialize_none();
        }
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Plain(value))))
    }
}

/// A protobuf value as the JSON it stands for.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.kind {
            None | Some(Kind::NullValue(_)) => serializer.serialize_none(),
            Some(Kind::NumberValue(number)) => serializer.serialize_f64(*number),
            Some(Kind::StringValue(text)) => serializer.serialize_str(text),
            Some(Kind::BoolValue(flag)) => serializer.serialize_bool(*flag),
            Some(Kind::StructValue(object)) => {
                serializer.collect_map(object.fields.iter().map(|(name, value)| (name, Plain(value))))
            }
            Some(Kind::ListValue(list)) => serializer.collect_seq(list.values.iter().map(Plain)),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Trace<'a> {
    trace_parent: &'a str,
    trace_state: Option<&'a str>,
    span_id: &'a str,
}

impl<'a> From<&'a TraceContext> for Trace<'a> {
    fn from(context: &'a TraceContext) -> Self {
        Self {
            trace_parent: &context.trace_parent,
            trace_state: context.trace_state.as_deref(),
            span_id: &context.span_id,
        }
    }
}
