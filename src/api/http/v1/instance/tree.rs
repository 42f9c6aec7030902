//! `GET /api/v1/instances/{id}/tree`: who has started an instance, and what it has started.

use super::super::{
    super::{Call, Error, answer},
    row::{Narrow, ShortFailure},
};
use crate::{
    manager::{self, Instance},
    model::{FailureBrief, InstanceId},
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

#[derive(Serialize)]
struct Body {
    ancestors: Vec<Node>,
    node: Node,
}

#[derive(Serialize)]
struct Node {
    #[serde(flatten)]
    narrow: Narrow,
    failure: Option<ShortFailure>,
    children: Vec<Node>,
    more: bool,
}

/// 404 if there is no such instance.
pub async fn tree(call: &Call, id: String) -> Result<Response, Error> {
    let (hub, id) = (call.hub()?, InstanceId::lookup(id));
    let tree = call.api.manager.tree(hub, &id).await?;
    let ancestors = tree.ancestors.iter().map(alone).collect();
    Ok(answer::json(StatusCode::OK, &Body { ancestors, node: node(&tree.node) }))
}

/// An ancestor, without its other children.
fn alone(instance: &Instance) -> Node {
    let Instance { record, payloads } = instance;
    Node {
        narrow: record.clone().into(),
        failure: payloads.failure.as_ref().map(|failure| FailureBrief::of(failure).into()),
        children: Vec::new(),
        more: false,
    }
}

fn node(of: &manager::TreeNode) -> Node {
    Node { children: of.children.iter().map(node).collect(), more: of.more, ..alone(&of.instance) }
}
