//! The family of an instance: who has started it, and what it has started.

use super::{Error, Instance, ListQuery, Manager};
use crate::{
    model::{HubId, InstanceId},
    store::{Filter, Order, Parent, Read},
};
use std::collections::VecDeque;

/// Most instances that are shown below one.
const MOST: usize = 500;
/// How deep it is looked below one.
const LEVELS: usize = 4;
/// Most ancestors.
const MOST_ANCESTORS: usize = 64;

/// An instance and what it has started.
#[derive(Clone, Debug)]
pub struct TreeNode {
    pub instance: Instance,
    /// In the order of their creation.
    pub children: Vec<TreeNode>,
    /// There are children that are not shown.
    pub more: bool,
}

/// Where an instance stands.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The outermost first, as far as they are there.
    pub ancestors: Vec<Instance>,
    pub node: TreeNode,
}

/// An instance that was met on the way down, and the place of its parent among those that were.
struct Met {
    instance: Instance,
    parent: Option<usize>,
    more: bool,
}

impl Manager {
    /// The family of an instance: level by level, until 500 instances or four levels are shown. `NotFound`.
    pub async fn tree(&self, hub: HubId, id: &InstanceId) -> Result<Tree, Error> {
        let root = self.get(hub, id, false).await?.ok_or_else(|| Error::NotFound(id.clone()))?;
        let ancestors = self.ancestors(hub, &root).await?;
        let mut met = vec![Met { instance: root, parent: None, more: false }];
        let mut open = VecDeque::from([(0, 0)]);
        while let Some((place, level)) = open.pop_front() {
            let room = if level < LEVELS { MOST.saturating_sub(met.len() - 1) } else { 0 };
            let parent = met[place].instance.record.id.clone();
            let (children, more) = self.children(hub, parent, room).await?;
            met[place].more = more;
            for instance in children {
                open.push_back((met.len(), level + 1));
                met.push(Met { instance, parent: Some(place), more: false });
            }
        }
        Ok(Tree { ancestors, node: assembled(met) })
    }

    async fn ancestors(&self, hub: HubId, of: &Instance) -> Result<Vec<Instance>, Error> {
        let mut ancestors: Vec<Instance> = Vec::new();
        let mut above = of.record.parent.clone();
        while let Some(parent) = above.filter(|_| ancestors.len() < MOST_ANCESTORS) {
            let Some(found) = self.get(hub, &parent.id, false).await? else { break };
            above = found.record.parent.clone();
            ancestors.push(found);
        }
        ancestors.reverse();
        Ok(ancestors)
    }

    /// At most `room` children, and whether there are more.
    async fn children(
        &self,
        hub: HubId,
        parent: InstanceId,
        room: usize,
    ) -> Result<(Vec<Instance>, bool), Error> {
        let query = ListQuery {
            filter: Filter { parent: Parent::Is(parent), ..Filter::default() },
            order: Order::Created,
            descending: false,
            top: Some(room.max(1)),
            bytes: usize::MAX,
            read: Read::FailureOnly,
            continuation: None,
        };
        let page = self.list(hub, query).await?;
        if room == 0 {
            Ok((Vec::new(), !page.instances.is_empty()))
        } else {
            Ok((page.instances, page.continuation.is_some()))
        }
    }
}

/// Puts those that were met below their parents, which were met before them.
fn assembled(met: Vec<Met>) -> TreeNode {
    let mut below: Vec<Vec<TreeNode>> = met.iter().map(|_| Vec::new()).collect();
    let mut root = None;
    for (place, Met { instance, parent, more }) in met.into_iter().enumerate().rev() {
        let mut children = std::mem::take(&mut below[place]);
        children.reverse();
        let node = TreeNode { instance, children, more };
        match parent {
            Some(parent) => below[parent].push(node),
            None => root = Some(node),
        }
    }
    root.expect("the first that was met has no parent")
}
