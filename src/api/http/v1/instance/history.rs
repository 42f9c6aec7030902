//! `GET /api/v1/instances/{id}/history`: the events as they are kept, in pages, in either direction; and one of them in full.

use super::{
    super::super::{Call, Error, answer},
    event::{Detail, Event},
    filter::Filter,
};
use crate::{
    manager::{HistoryAsked, HistoryPage},
    model::{InstanceId, Short},
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

/// Events on a page if the caller names no number.
const TOP: usize = 200;
/// Most events on a page.
const MAX_TOP: usize = 5_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    events: Vec<Event<'a>>,
    next: Option<String>,
    total: i64,
    execution_id: &'a str,
}

/// A page. 404 if there is no such instance or revision.
pub async fn history(call: &Call, id: String) -> Result<Response, Error> {
    let (query, id) = (&call.query, InstanceId::lookup(id));
    let payloads = word("payloads", query.word("payloads"), &["none", "preview"])?;
    let order = word("order", query.word("order"), &["asc", "desc"])?;
    let top = number("top", query.word("top"), 1, MAX_TOP)?;
    let asked = HistoryAsked {
        revision: number("revision", query.word("revision"), 1, i64::MAX)?,
        descending: order == "desc",
        after: number("after", query.word("after"), 0, i64::MAX)?,
        top: top.unwrap_or(TOP),
    };
    let filter = Filter::asked(query)?;
    let keep = |event: &_| filter.wants(event);
    let page = call.api.manager.history_page(call.hub()?, &id, asked, keep).await?;
    let HistoryPage { events, next, total, execution_id } = page.ok_or(Error::NoRevision)?;
    let detail = if payloads == "preview" { Detail::Preview } else { Detail::NoPayloads };
    let events = events.iter().filter_map(|(index, event)| Event::of(*index, event, detail)).collect();
    let next = next.map(|next| next.to_string());
    Ok(answer::json(StatusCode::OK, &Body { events, next, total, execution_id: &execution_id }))
}

/// One event, with all of its payload. 404 if there is no such instance, revision or event.
pub async fn event(call: &Call, id: String, index: &str) -> Result<Response, Error> {
    let index: i64 = index.parse().ok().filter(|index| *index >= 0).ok_or(Error::NoRoute)?;
    let (hub, id) = (call.hub()?, InstanceId::lookup(id));
    let revision = number("revision", call.query.word("revision"), 1, i64::MAX)?;
    let asked =
        HistoryAsked { revision, descending: false, after: index.checked_sub(1).filter(|n| *n >= 0), top: 1 };
    let page = call.api.manager.history_page(hub, &id, asked, |_| true).await?;
    let page = page.ok_or(Error::NoRevision)?;
    let found = page.events.first().filter(|(number, _)| *number == index);
    let shown = found.and_then(|(_, event)| Event::of(index, event, Detail::Whole));
    Ok(answer::json(StatusCode::OK, &shown.ok_or(Error::NoRoute)?))
}

fn number<T>(name: &str, given: Option<&str>, least: T, most: T) -> Result<Option<T>, Error>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    let Some(word) = given else { return Ok(None) };
    match word.parse::<T>() {
        Ok(number) if (&least..=&most).contains(&&number) => Ok(Some(number)),
        _ => Err(Error::Invalid(format!(
            "{name} must be a number from {least} to {most}, not {:?}",
            Short(word)
        ))),
    }
}

/// One of two words; the first if none is given.
fn word(name: &str, given: Option<&str>, words: &[&'static str; 2]) -> Result<&'static str, Error> {
    let Some(word) = given else { return Ok(words[0]) };
    let found = words.iter().find(|known| known.eq_ignore_ascii_case(word));
    let [first, second] = words;
    found
        .copied()
        .ok_or_else(|| Error::Invalid(format!("{name} must be {first} or {second}, not {:?}", Short(word))))
}
