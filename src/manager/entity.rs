//! Entities: signal, read, list, delete.

use super::{
    Error, Manager, check_name_length, list,
    recent::{First, Seen},
    token,
};
use crate::{
    model::{
        Class, EntityId, EntityRecord, HubId, InstanceId, NewMessage, Timestamp, event,
        pb::{EntityOperationSignaledEvent, history_event::EventType},
    },
    store::{self, EntityFilter, Order, PageLimits, Place, Purged, Read, Walk},
};

/// A signal: an operation whose sender does not wait for its result.
#[derive(Clone, Debug)]
pub struct Signal {
    pub entity: EntityId,
    /// May be empty: Durable Functions lets callers leave it out.
    pub operation: String,
    /// Text as given, usually JSON.
    pub input: Option<String>,
    /// Not to be delivered before this time.
    pub due: Option<Timestamp>,
    /// A GUID as text; made up if it is absent or empty. A signal that is repeated under the same one soon after counts once.
    pub request_id: Option<String>,
}

/// A question for many entities.
#[derive(Clone, Debug)]
pub struct EntityQuery {
    pub filter: EntityFilter,
    /// Most entities on the page. `None` or 0: 100; capped at 1,000.
    pub top: Option<usize>,
    /// Most bytes of states on the page; one entity is always there.
    pub bytes: usize,
    /// Also read the states.
    pub with_state: bool,
    /// What the page before said. Blank or absent: the first page.
    pub continuation: Option<String>,
}

/// An answer to an [`EntityQuery`].
#[derive(Clone, Debug)]
pub struct EntityList {
    /// In the order of their ids.
    pub entities: Vec<EntityRecord>,
    /// For the next page; `None` if there is none.
    pub continuation: Option<String>,
}

impl Manager {
    /// Puts an operation into the entity's inbox; the entity is made if it is not there. `Invalid`, `TooLarge`, `Overloaded`.
    pub async fn signal_entity(&self, hub: HubId, signal: Signal) -> Result<(), Error> {
        let Signal { entity, operation, input, due, request_id } = signal;
        check_name_length("operation", &operation)?;
        check_name_length("requestId", request_id.as_deref().unwrap_or_default())?;
        self.check_payload("input", input.as_deref())?;
        let _permit = self.admit(hub, input.as_deref().map_or(0, str::len))?;
        let now = self.clock.now();
        let due = due.filter(|due| *due > now);
        let request_id = request_id.filter(|id| !id.is_empty());
        if let Some(id) = &request_id {
            check_name_length("requestId", id)?;
        }
        let first = request_id.as_deref().map(|id| self.signals.announce(hub, &entity, id)).transpose();
        let first = match first {
            Ok(first) => first,
            Err(Seen::Done) => return Ok(()),
            Err(Seen::UnderWay) => {
                let text = "the same signal is on its way already; ask again shortly";
                return Err(Error::Store(store::Error::Busy(text.to_owned())));
            }
        };
        let kind = EventType::EntityOperationSignaled(EntityOperationSignaledEvent {
            // .NET reads it as a GUID, whoever made it up.
            request_id: request_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            operation,
            scheduled_time: due.map(Timestamp::to_wire),
            input,
            target_instance_id: None,
        });
        let message = NewMessage { due, ..NewMessage::now(Class::Event, event::server_event(now, kind)) };
        self.store.entity_signal(hub, entity, message, now).await?;
        first.into_iter().for_each(First::done);
        Ok(())
    }

    /// One entity, or `None`; `with_state`: its state as well.
    pub async fn entity(
        &self,
        hub: HubId,
        entity: &EntityId,
        with_state: bool,
    ) -> Result<Option<EntityRecord>, Error> {
        Ok(self.store.entity_get(hub, entity.id().clone(), with_state).await?)
    }

    /// A page of entities. One that is there all the time is met exactly once on the pages of a walk. A page may have fewer than asked
    /// for, or none, and a continuation all the same, if the search took too long. `Invalid`: the continuation is not one of ours, or of
    /// another list.
    pub async fn entities(&self, hub: HubId, query: EntityQuery) -> Result<EntityList, Error> {
        let EntityQuery { filter, top, bytes, with_state, continuation } = query;
        let seal = token::seal(hub, &filter);
        let after = match continuation.as_deref().map(str::trim).filter(|token| !token.is_empty()) {
            None => None,
            Some(text) => {
                match token::read(text, seal).map_err(|error| Error::Invalid(error.to_string()))?.after {
                    Some(Place::Id(_, id)) => Some(id),
                    Some(_) | None => {
                        return Err(Error::Invalid(token::Refused::OtherList.to_string()));
                    }
                }
            }
        };
        let limits = PageLimits { rows: list::page_rows(top), bytes, read: Read::All };
        let listed = self.store.entity_list(hub, filter, after, with_state, limits).await?;
        let continuation = listed.next.and_then(|id| token::write(&walk_behind(id), seal));
        Ok(EntityList { entities: listed.entities, continuation })
    }

    pub(super) async fn purge_entity(&self, hub: HubId, id: &InstanceId) -> Result<(), Error> {
        // An id that is not well formed is nobody's.
        let purged = match EntityId::parse(id.as_str()) {
            Ok(entity) => self.store.entity_purge(hub, entity).await?,
            Err(_) => Purged::NotFound,
        };
        match purged {
            Purged::Deleted => Ok(()),
            Purged::Live(_) | Purged::NotFound => Err(Error::NotFound(id.clone())),
        }
    }
}

fn walk_behind(id: InstanceId) -> Walk {
    Walk { order: Order::Id, descending: false, after: Some(Place::Id(Timestamp(0), id)) }
}
