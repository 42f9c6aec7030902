//! `GET /api/v1/instances/{id}/revisions`: the histories that rewinding an instance has put aside.

use super::super::{Call, Error, answer};
use crate::model::{InstanceId, Revision};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

/// One earlier history.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    /// From 1; what `historyRevision` asks for.
    revision: i64,
    /// When it was put aside, RFC 3339.
    rewound_time: String,
    reason: Option<String>,
    /// How many events it has.
    events: i64,
}

impl From<Revision> for Row {
    fn from(revision: Revision) -> Self {
        let Revision { number, rewound_at, reason, events, .. } = revision;
        Self { revision: number, rewound_time: rewound_at.to_string(), reason, events }
    }
}

/// All of them, oldest first: `[]` for an instance that was never rewound. 404 if there is no such instance.
pub async fn revisions(call: &Call, id: String) -> Result<Response, Error> {
    let revisions = call.api.manager.revisions(call.hub()?, &InstanceId::lookup(id)).await?;
    let rows: Vec<_> = revisions.into_iter().map(Row::from).collect();
    Ok(answer::json(StatusCode::OK, &rows))
}
