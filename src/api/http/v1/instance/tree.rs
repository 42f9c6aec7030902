//! `GET /api/v1/instances/{id}/tree`: who has started an instance, and what it has started.

use super::{
    super::{
        super::{Call, Error, answer},
        row::Narrow,
    },
    failure::ShortFailure,
};
use crate::{
    manager::{self, Instance},
    model::InstanceId,
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

#[derive(Serialize)]
struct Body<'a> {
    ancestors: Vec<Node<'a>>,
    node: Node<'a>,
}

#[derive(Serialize)]
struct Node<'a> {
    #[serde(flatten)]
    narrow: Narrow,
    failure: Option<ShortFailure<'a>>,
    children: Vec<Node<'a>>,
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
fn alone(instance: &Instance) -> Node<'_> {
    let Instance { record, payloads } = instance;
    Node {
        narrow: record.clone().into(),
        failure: payloads.failure.as_ref().map(Into::into),
        children: Vec::new(),
        more: false,
    }
}

fn node(of: &manager::TreeNode) -> Node<'_> {
    Node { children: of.children.iter().map(node).collect(), more: of.more, ..alone(&of.instance) }
}
