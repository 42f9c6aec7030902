//! `/api/v1/hubs`: the task hubs there are, and making and removing them.

use super::{
    super::{Call, Error, answer, body},
    counts,
};
use crate::{
    manager,
    store::{Counts, Filter},
};
use axum::{body::Body, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    /// What is meant if a request names none.
    default: bool,
    /// Whether a removal removes it; one that the settings name is only emptied.
    removable: bool,
    /// Absent: they were not asked for, or could not be counted in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<counts::Body>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: String,
}

#[derive(Serialize)]
struct Removed {
    name: String,
    /// `false`: it has been emptied, and stays because the settings name it.
    removed: bool,
}

/// All that the caller's key is for, the default hub first; with `counts=true` also how many instances they have, without entities.
pub async fn list(call: &Call) -> Response {
    let manager = &call.api.manager;
    let counting = call.query.flag("counts").unwrap_or(false);
    let mut rows = Vec::new();
    let may_know = |name: &str| call.caller.as_ref().is_none_or(|caller| caller.may_know(name));
    for (place, name) in manager.hub_names().into_iter().enumerate().filter(|(_, name)| may_know(name)) {
        let instances = if counting { count(call, &name).await } else { None };
        let removable = !manager.is_configured_hub(&name);
        rows.push(Row { default: place == 0, removable, instances: instances.map(counts::Body::from), name });
    }
    answer::json(StatusCode::OK, &rows)
}

async fn count(call: &Call, name: &str) -> Option<Counts> {
    let hub = call.api.manager.hub(Some(name)).ok()?;
    call.api.manager.count(hub, Filter { entities: false, ..Filter::default() }).await.ok()
}

/// 201 if it is new, 200 if it was there.
pub async fn create(call: &Call, body: Body) -> Result<Response, Error> {
    let bytes = body::read(body, &call.api.settings).await?;
    body::check_declared_json(&call.headers)?;
    let Asked { name } = body::object(&bytes)?;
    call.note(|trail| trail.hub(&name));
    if name.trim().is_empty() {
        return Err(Error::Invalid("name must not be empty".to_owned()));
    }
    let manager = &call.api.manager;
    let known = manager.hub(Some(&name)).is_ok();
    let hub = manager.create_hub(Some(&name), false).await?;
    let name = manager.hub_name(hub);
    let default = manager.hub_names().first() == Some(&name);
    let row = Row { default, removable: !manager.is_configured_hub(&name), instances: None, name };
    Ok(answer::json(if known { StatusCode::OK } else { StatusCode::CREATED }, &row))
}

/// Removes everything in it, and then the hub itself. 404 if there is none.
pub async fn remove(call: &Call, name: &str) -> Result<Response, Error> {
    call.note(|trail| trail.hub(name));
    let manager = &call.api.manager;
    if name.trim().is_empty() {
        return Err(manager::Error::UnknownHub { name: String::new(), known: Vec::new() }.into());
    }
    let name = manager.hub_name(manager.hub(Some(name))?);
    manager.delete_hub(Some(&name)).await?;
    let removed = manager.hub(Some(&name)).is_err();
    Ok(answer::json(StatusCode::OK, &Removed { name, removed }))
}
