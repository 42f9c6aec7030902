//! A page of `historyEvents`. It is read from where it begins, and no further in either direction than its rows need.

use super::{
    super::{Error, Query},
    Row, Show, show_one,
    window::{Missing, Window},
};
use crate::{
    manager::{self, Manager},
    model::{CorruptHistory, InstanceKey, Short, pb::HistoryEvent},
    store,
};

/// Rows on a page if the caller names no number.
const TOP: usize = 1_000;
/// Most rows on a page.
const MAX_TOP: i64 = 10_000;

/// Which page: `historyTop` rows, those of events behind number `historyAfter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageAsked {
    after: i64,
    top: usize,
}

impl PageAsked {
    /// Reads `historyTop` and `historyAfter`; `None` if neither is given. `Invalid` names the parameter.
    pub fn asked(query: &Query, show: Show) -> Result<Option<Self>, Error> {
        let number = |name: &str, least: i64, most: i64| match query.word(name) {
            None => Ok(None),
            Some(_) if !show.history => Err(Error::Invalid(format!("{name} needs showHistory=true"))),
            Some(word) => match word.parse::<i64>() {
                Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
                _ => Err(Error::Invalid(format!(
                    "{name} must be a number from {least} to {most}, not {:?}",
                    Short(word)
                ))),
            },
        };
        let (top, after) =
            (number("historyTop", 1, MAX_TOP)?, number("historyAfter", 0, i64::from(i32::MAX))?);
        if top.is_none() && after.is_none() {
            return Ok(None);
        }
        let top = top.and_then(|top| usize::try_from(top).ok()).unwrap_or(TOP);
        Ok(Some(Self { after: after.unwrap_or(-1), top }))
    }
}

/// A page.
#[derive(Debug)]
pub struct Page {
    /// The events shown, each with the one that scheduled it if that is merged into it.
    events: Vec<(HistoryEvent, Option<HistoryEvent>)>,
    /// What to give as `historyAfter` for the next page; `None`: nothing follows.
    pub next: Option<i64>,
}

impl Page {
    /// Reads a page of the current history of the instance.
    pub async fn read(manager: &Manager, key: InstanceKey, asked: PageAsked) -> Result<Self, manager::Error> {
        let PageAsked { after, top } = asked;
        let from = after + 1;
        let mut window = Window::at(from);
        // Most rows of a history stand for two or three events.
        let mut step = i64::try_from(top).unwrap_or(i64::MAX).saturating_mul(3).saturating_add(64);
        let mut missing = Missing::After;
        let (rows, more) = loop {
            match missing {
                Missing::After => {
                    let before = window.end().saturating_add(step);
                    let chunks = manager.history_part(key, window.end(), before).await?;
                    window.append(&chunks, before).map_err(corrupt)?;
                }
                Missing::Before => {
                    let begin = window.first().saturating_sub(step).max(0);
                    let chunks = manager.history_part(key, begin, window.first()).await?;
                    if chunks.is_empty() {
                        return Err(corrupt(CorruptHistory(format!("no events before {}", window.first()))));
                    }
                    window.prepend(&chunks).map_err(corrupt)?;
                }
            }
            match window.rows(from, top) {
                Ok(found) => break found,
                Err(side) => missing = side,
            }
            step = step.saturating_mul(2);
        };
        let next = rows.last().map(|row| row.event).filter(|_| more);
        let events = rows.into_iter().map(|row| {
            let scheduled = row.scheduled.map(|number| window.event(number)).transpose()?;
            Ok((window.event(row.event)?, scheduled))
        });
        let events = events.collect::<Result<_, _>>().map_err(corrupt)?;
        Ok(Self { events, next })
    }

    /// The rows.
    pub fn rows(&self, show: Show) -> Vec<Row<'_>> {
        self.events
            .iter()
            .filter_map(|(event, scheduled)| show_one(event, scheduled.as_ref(), show))
            .collect()
    }
}

fn corrupt(error: CorruptHistory) -> manager::Error {
    store::Error::from(error).into()
}
