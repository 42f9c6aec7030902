//! Orders that no index has: they are walked through section by section, and each section is in an order that one has.
//!
//! By name, a section is a name; by status, a status; by how long it took, first what has ended and then what has not.

use super::{sources::Source, sql};
use crate::{
    model::{HubId, InstanceKey, Status, StatusExt as _, StatusSet, Timestamp},
    store::{Error, Filter, Order, Parent, Place, Walk, sqlite::rows},
};
use rusqlite::{Connection, params_from_iter};
use std::sync::Arc;

/// A part of a walk.
pub struct Section {
    /// What is in it.
    pub filter: Filter,
    /// The way through it.
    pub walk: Walk,
    /// Behind all that is in it and before all that follows; `None`: nothing follows.
    pub end: Option<Place>,
}

/// What follows.
enum Next {
    First,
    /// The section of this text comes next.
    At(Arc<str>),
    Behind(Arc<str>),
    /// What has not ended.
    Live,
    Nothing,
}

/// The sections of a walk that are still ahead.
pub struct Sections<'a> {
    hub: HubId,
    filter: &'a Filter,
    walk: &'a Walk,
    next: Next,
}

impl<'a> Sections<'a> {
    pub fn new(hub: HubId, filter: &'a Filter, walk: &'a Walk) -> Result<Self, Error> {
        let next = match (walk.order, &walk.after) {
            (_, None) => Next::First,
            (Order::Name | Order::Status, Some(Place::Within(text, ..))) => Next::At(text.clone()),
            (Order::Name | Order::Status, Some(_)) => return Err(sql::foreign_place()),
            (Order::Took, Some(Place::Key(..))) => Next::Live,
            (Order::Created | Order::Updated | Order::Completed | Order::Id | Order::Took, Some(_)) => {
                Next::First
            }
        };
        Ok(Self { hub, filter, walk, next })
    }

    /// The next one that may hold something.
    pub fn next(&mut self, conn: &Connection) -> Result<Option<Section>, Error> {
        match self.walk.order {
            Order::Created | Order::Updated | Order::Completed | Order::Id => Ok(self.only()),
            Order::Name | Order::Status => self.text(conn),
            Order::Took => Ok(self.took()),
        }
    }

    fn only(&mut self) -> Option<Section> {
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => None,
            _ => Some(Section { filter: self.filter.clone(), walk: self.walk.clone(), end: None }),
        }
    }

    fn text(&mut self, conn: &Connection) -> Result<Option<Section>, Error> {
        let found = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing | Next::Live => None,
            Next::At(text) => Some(text),
            Next::First => self.following(conn, None)?,
            Next::Behind(text) => self.following(conn, Some(&text))?,
        };
        let Some(text) = found else { return Ok(None) };
        self.next = Next::Behind(text.clone());
        let here = |after: &&Place| matches!(after, Place::Within(at, ..) if *at == text);
        let after = self.walk.after.as_ref().filter(here).cloned();
        let filter = match self.walk.order {
            Order::Name => Filter { names: vec![text.to_string()], ..self.filter.clone() },
            _ => {
                let status = Status::from_name(&text).ok_or_else(sql::foreign_place)?;
                let statuses = self.filter.statuses.and(StatusSet::NONE.with(status));
                Filter { statuses, ..self.filter.clone() }
            }
        };
        let end = match self.walk.descending {
            false => Place::Within(text, Timestamp(i64::MAX), InstanceKey(i64::MAX)),
            true => Place::Within(text, Timestamp(i64::MIN), InstanceKey(i64::MIN)),
        };
        Ok(Some(Section { filter, walk: Walk { after, ..self.walk.clone() }, end: Some(end) }))
    }

    /// The text of the section behind that of `after`.
    fn following(&self, conn: &Connection, after: Option<&str>) -> Result<Option<Arc<str>>, Error> {
        let descending = self.walk.descending;
        let known: Vec<&str> = match self.walk.order {
            Order::Name if self.filter.names.is_empty() => return self.following_name(conn, after),
            Order::Name => self.filter.names.iter().map(String::as_str).collect(),
            _ => {
                let asked = Status::ALL.into_iter().filter(|status| self.filter.statuses.contains(*status));
                asked.map(Status::name).collect()
            }
        };
        let behind = known.into_iter().filter(|text| match after {
            None => true,
            Some(after) if descending => *text < after,
            Some(after) => *text > after,
        });
        Ok(if descending { behind.max() } else { behind.min() }.map(Into::into))
    }

    fn following_name(&self, conn: &Connection, after: Option<&str>) -> Result<Option<Arc<str>>, Error> {
        let source =
            if matches!(self.filter.parent, Parent::Is(_)) { Source::Children } else { Source::Names };
        let (text, params) = sql::next_name(source, self.hub, self.filter, after, self.walk.descending);
        Ok(rows::one(conn, &text, params_from_iter(params), |row| Ok(row.get(0)?))?.flatten())
    }

    fn took(&mut self) -> Option<Section> {
        let of = |statuses| Filter { statuses: self.filter.statuses.and(statuses), ..self.filter.clone() };
        let descending = self.walk.descending;
        let after = self.walk.after.clone();
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::First => {
                self.next = Next::Live;
                let micros = if descending { i64::MIN } else { i64::MAX };
                let end = Some(Place::Took(micros, InstanceKey(micros)));
                Some(Section { filter: of(StatusSet::TERMINAL), walk: self.walk.clone(), end })
            }
            Next::Live => {
                // What has been there longest is what was made first.
                let after = after.filter(|after| matches!(after, Place::Key(..)));
                let walk = Walk { order: Order::Created, descending: !descending, after };
                Some(Section { filter: of(StatusSet::LIVE), walk, end: None })
            }
            Next::At(_) | Next::Behind(_) | Next::Nothing => None,
        }
    }
}
