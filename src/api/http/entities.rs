//! `entities/...`: reading and listing the states of entities, and sending them operations.

use super::{Call, Error, answer, body, embed::Embedded, list};
use crate::{
    manager::{self, EntityList, EntityQuery, Signal},
    model::{EntityId, EntityRecord, Timestamp},
    store::EntityFilter,
};
use axum::{body::Body, http::StatusCode, response::Response};
use chrono::SecondsFormat;
use serde::Serialize;

/// How the empty key is written in a path, which cannot hold it.
const EMPTY_KEY: &str = "$";

/// The state as the JSON it is. An entity that is only locked, or has messages that wait, is nothing to read yet.
pub async fn read(call: &Call, name: &str, key: &str) -> Result<Response, Error> {
    // A name or key that breaks a rule is nobody's.
    let entity = EntityId::new(name, spelled_out(key)).map_err(|_| Error::NoEntity)?;
    let found = call.api.manager.entity(call.hub()?, &entity, true).await?;
    let state = found.and_then(|found| found.state).ok_or(Error::NoEntity)?;
    Ok(answer::json(StatusCode::OK, &Embedded(Some(&state))))
}

/// Takes an operation whose result nobody waits for. The entity need not be there.
pub async fn signal(
    call: &Call,
    name: Option<String>,
    key: Option<String>,
    delete: bool,
    body: Body,
) -> Result<Response, Error> {
    let key = key.as_deref().map_or("", spelled_out);
    let entity = EntityId::addressable(name.as_deref().unwrap_or_default(), key)
        .map_err(|error| Error::Invalid(error.to_string()))?;
    let bytes = body::read(body, &call.api.settings).await?;
    let operation = if delete { "delete" } else { call.query.text("op").unwrap_or_default() };
    let signal = Signal {
        entity,
        operation: operation.to_owned(),
        input: body::json_text_or_string(&call.headers, &bytes)?,
        due: None,
        request_id: None,
    };
    call.api.manager.signal_entity(call.hub_or_create().await?, signal).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}

/// A page of the entities that have a state, or of those of one name, in the order of their ids.
pub async fn list(call: &Call, name: Option<String>) -> Result<Response, Error> {
    let nothing = || Ok(list::page::<Row<'_>>(call, &[], None));
    let prefix = match name.as_deref().map(EntityId::prefix) {
        Some(None) => return nothing(),
        prefix => prefix.flatten(),
    };
    let hub = match call.hub() {
        Ok(hub) => hub,
        // An unknown hub reads as an empty one.
        Err(Error::Manager(manager::Error::UnknownHub { .. })) => return nothing(),
        Err(other) => return Err(other),
    };
    let query = EntityQuery {
        filter: EntityFilter {
            prefix,
            modified_from: call.query.at_or_after("lastOperationTimeFrom"),
            modified_to: call.query.at_or_before("lastOperationTimeTo"),
            has_state: Some(true),
        },
        top: list::top(call),
        bytes: list::PAGE_BYTES,
        with_state: call.query.flag("fetchState").unwrap_or(false),
        continuation: list::continuation(call),
    };
    let EntityList { entities, continuation } = call.api.manager.entities(hub, query).await?;
    let rows: Vec<_> = entities.iter().map(Row::new).collect();
    Ok(list::page(call, &rows, continuation.as_deref()))
}

fn spelled_out(key: &str) -> &str {
    if key == EMPTY_KEY { "" } else { key }
}

/// An entity in a list. The fields are sent in this order; the state is `null` unless it was asked for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    entity_id: Id<'a>,
    last_operation_time: String,
    state: Embedded<'a>,
}

#[derive(Serialize)]
struct Id<'a> {
    name: &'a str,
    key: &'a str,
}

impl<'a> Row<'a> {
    fn new(entity: &'a EntityRecord) -> Self {
        let (name, key) = EntityId::split(entity.id.as_str()).unwrap_or_default();
        Self {
            entity_id: Id { name, key },
            last_operation_time: shortest(entity.modified_at),
            state: Embedded(entity.state.as_deref()),
        }
    }
}

/// A time with as many digits as it has.
fn shortest(time: Timestamp) -> String {
    let text = time.to_utc().to_rfc3339_opts(SecondsFormat::Micros, false);
    let text = text.trim_end_matches("+00:00").trim_end_matches('0').trim_end_matches('.');
    format!("{text}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_no_zeros_at_their_end() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_767_323_040_000_000, "2026-01-02T03:04:00Z"),
            (1_767_323_045_120_000, "2026-01-02T03:04:05.12Z"),
            (1_767_323_045_000_001, "2026-01-02T03:04:05.000001Z"),
        ] {
            assert_eq!(shortest(Timestamp(micros)), text);
        }
    }
}
