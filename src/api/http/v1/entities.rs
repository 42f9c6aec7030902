//! `GET /api/v1/entities`: entities as a table shows them.

use super::{
    super::{Call, Error, Query, answer, filter},
    known_hub,
    search::{after, top},
};
use crate::{
    manager::{EntityList, EntityQuery},
    model::{EntityId, EntityRecord},
    store::EntityFilter,
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

#[derive(Serialize)]
struct Body {
    entities: Vec<Row>,
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    key: String,
    instance_id: String,
    last_operation_time: String,
    state_bytes: Option<u64>,
    locked_by: Option<String>,
    backlog: i64,
}

/// A page, in the order of the ids; also of those that have no state.
pub async fn entities(call: &Call) -> Result<Response, Error> {
    let (filter, top) = (asked(&call.query)?, top(&call.query)?);
    let list = match (known_hub(call)?, filter) {
        (Some(hub), Some(filter)) => {
            let continuation = after(&call.query);
            let query = EntityQuery { filter, top, bytes: usize::MAX, with_state: false, continuation };
            call.api.manager.entities(hub, query).await?
        }
        _ => EntityList { entities: Vec::new(), continuation: None },
    };
    let entities = list.entities.into_iter().map(Row::from).collect();
    Ok(answer::json(StatusCode::OK, &Body { entities, next: list.continuation }))
}

/// `None`: no entity can have this name.
fn asked(query: &Query) -> Result<Option<EntityFilter>, Error> {
    let key = query.text("keyPrefix").filter(|key| !key.is_empty());
    let prefix = match (query.word("name"), key) {
        (None, None) => None,
        (None, Some(_)) => {
            return Err(Error::Invalid("keyPrefix needs a name: keys are looked for within one".to_owned()));
        }
        (Some(name), key) => match EntityId::prefix(name) {
            Some(prefix) => Some(prefix + key.unwrap_or_default()),
            None => return Ok(None),
        },
    };
    Ok(Some(EntityFilter {
        prefix,
        modified_from: filter::understood(query, "lastOperationTimeFrom", filter::DATE, Query::at_or_after)?,
        modified_to: filter::understood(query, "lastOperationTimeTo", filter::DATE, Query::at_or_before)?,
        has_state: filter::understood(query, "hasState", filter::FLAG, Query::flag)?,
    }))
}

impl From<EntityRecord> for Row {
    fn from(entity: EntityRecord) -> Self {
        let (name, key) = EntityId::split(entity.id.as_str()).unwrap_or_default();
        Self {
            name: name.to_owned(),
            key: key.to_owned(),
            instance_id: entity.id.to_string(),
            last_operation_time: entity.modified_at.to_string(),
            state_bytes: entity.state_bytes,
            locked_by: entity.locked_by.map(|owner| owner.to_string()),
            backlog: entity.backlog,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn filters_are_of_names_keys_times_and_states() {
        let asked = |raw: &str| asked(&Query::parse(raw));
        assert_eq!(
            asked("name=&keyPrefix=&hasState=&lastOperationTimeFrom=").unwrap(),
            Some(EntityFilter::default())
        );
        let filter = asked("name=Counter&keyPrefix=A&hasState=false&lastOperationTimeTo=1970-01-01").unwrap();
        assert_eq!(
            filter,
            Some(EntityFilter {
                prefix: Some("@counter@A".into()),
                modified_from: None,
                modified_to: Some(Timestamp(0)),
                has_state: Some(false),
            })
        );
        assert_eq!(asked("name=a@b").unwrap(), None);
        for raw in ["keyPrefix=a", "hasState=1", "lastOperationTimeFrom=x", "lastOperationTimeTo=x"] {
            let error = asked(raw).unwrap_err().to_string();
            assert!(error.starts_with(raw.split('=').next().unwrap()), "{error}");
        }
    }
}
