//! Which events of a history are wanted.

use super::{
    super::super::{Error, Query},
    event::{self, answers, is_failed, is_turn, name, type_name},
};
use crate::model::{Short, pb::HistoryEvent};

/// What is given must hold together; texts are looked for in any case.
#[derive(Debug, Default)]
pub struct Filter {
    /// One of these; empty: any.
    types: Vec<String>,
    /// Without what only opens and closes turns.
    no_turns: bool,
    /// A part of the name.
    name: String,
    /// A part of any of its texts.
    text: String,
    /// What failed, or ended as failed.
    failed: bool,
    /// What was recorded under this id, and what answers it.
    event_id: Option<i32>,
}

impl Filter {
    /// Reads the parameters. `Invalid` names the one that cannot be understood.
    pub fn asked(query: &Query) -> Result<Self, Error> {
        let flag = |name: &str, given: Option<bool>| match query.word(name) {
            Some(word) if given.is_none() => {
                Err(Error::Invalid(format!("{name} must be true or false, not {:?}", Short(word))))
            }
            _ => Ok(given),
        };
        let event_id = query.number("eventId");
        if let Some(word) = query.word("eventId").filter(|_| event_id.is_none()) {
            return Err(Error::Invalid(format!("eventId must be a whole number, not {:?}", Short(word))));
        }
        Ok(Self {
            types: query.values("type").map(str::to_lowercase).collect(),
            no_turns: flag("turns", query.flag("turns"))? == Some(false),
            name: query.text("name").unwrap_or_default().to_lowercase(),
            text: query.text("text").unwrap_or_default().to_lowercase(),
            failed: flag("failed", query.flag("failed"))? == Some(true),
            event_id,
        })
    }

    /// Whether the event is wanted. One of a kind that nobody knows is not.
    pub fn wants(&self, event: &HistoryEvent) -> bool {
        let Some(kind) = &event.event_type else { return false };
        let holds = |text: &str, part: &str| text.to_lowercase().contains(part);
        !(self.no_turns && is_turn(kind))
            && (self.types.is_empty()
                || self.types.iter().any(|name| type_name(kind).eq_ignore_ascii_case(name)))
            && (!self.failed || is_failed(kind))
            && self.event_id.is_none_or(|id| event.event_id == id || answers(kind) == Some(id))
            && (self.name.is_empty() || name(kind).is_some_and(|name| holds(name, &self.name)))
            && (self.text.is_empty() || event::texts(kind).into_iter().any(|text| holds(text, &self.text)))
    }
}
