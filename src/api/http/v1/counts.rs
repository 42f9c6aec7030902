//! `GET counts`: how many instances match, by status.

use super::super::{Call, Error, answer, filter};
use crate::{
    manager,
    model::{Status, StatusExt as _},
    store::Counts,
};
use axum::{http::StatusCode, response::Response};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    total: u64,
    by_status: ByStatus,
}

struct ByStatus(Counts);

impl From<Counts> for Body {
    fn from(counts: Counts) -> Self {
        Self { total: counts.total(), by_status: ByStatus(counts) }
    }
}

impl Serialize for ByStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Status::ALL.len()))?;
        for status in Status::ALL {
            map.serialize_entry(status.name(), &self.0.of(status))?;
        }
        map.end()
    }
}

/// Counts what the filters of a list match. Every status is named, those with no instance, too.
pub async fn counts(call: &Call) -> Result<Response, Error> {
    let filter = filter::asked(&call.query)?;
    let counts = match call.hub() {
        Ok(hub) => call.api.manager.count(hub, filter).await?,
        // An unknown hub reads as an empty one.
        Err(Error::Manager(manager::Error::UnknownHub { .. })) => Counts::default(),
        Err(other) => return Err(other),
    };
    Ok(answer::json(StatusCode::OK, &Body::from(counts)))
}
