//! What operators do with parked instances: look, retry, discard.

use super::{CONTROL_PATIENCE, Error, Manager, list, token};
use crate::{
    dispatch::Interest,
    model::{
        Class, HubId, InstanceId, InstanceKey, NewMessage, Parked, Parking, Status, StatusExt as _,
        Timestamp, error_type, event, failure,
    },
    store::{Order, Place, Walk},
};

/// One page of parked instances.
#[derive(Clone, Debug, Default)]
pub struct ParkedList {
    /// The oldest instance first.
    pub parked: Vec<Parked>,
    /// For the next page; `None` if there is none.
    pub continuation: Option<String>,
}

impl Manager {
    /// A page of the hub's parked instances; `top`: at most so many. `Invalid`: the continuation is not one of this list.
    pub async fn parked(
        &self,
        hub: HubId,
        top: Option<usize>,
        continuation: Option<String>,
    ) -> Result<ParkedList, Error> {
        let seal = token::seal(hub, &"parked");
        let after = match continuation.as_deref().map(str::trim).filter(|token| !token.is_empty()) {
            None => InstanceKey(i64::MIN),
            Some(text) => {
                match token::read(text, seal).map_err(|error| Error::Invalid(error.to_string()))?.after {
                    Some(Place::Key(_, key)) => key,
                    Some(_) | None => return Err(Error::Invalid(token::Refused::OtherList.to_string())),
                }
            }
        };
        let rows = list::page_rows(top);
        let mut parked = self.store.parked_list(hub, after, rows + 1).await?;
        let more = parked.len() > rows;
        parked.truncate(rows);
        let last = parked.last().filter(|_| more).map(|last| Place::Key(Timestamp(0), last.instance.key));
        let continuation = last.and_then(|place| {
            let walk = Walk { order: Order::Created, descending: false, after: Some(place) };
            token::write(&walk, seal)
        });
        Ok(ParkedList { parked, continuation })
    }

    /// Gives a parked instance back to dispatch, as if it had never been delivered; answers how it was parked. `NotFound`,
    /// `AlreadyEnded`, `NotParked`.
    pub async fn retry_parked(&self, hub: HubId, id: &InstanceId) -> Result<Parking, Error> {
        match self.store.instance_unpark(hub, id.clone(), None).await? {
            Some(parking) => Ok(parking),
            None => Err(self.not_parked(hub, id).await),
        }
    }

    /// Gives a parked instance up. An orchestration fails. Of an entity the operations that would be delivered next fail, signals among
    /// them are dropped, and the entity goes on with what came later. Answers how it was parked. `NotFound`, `AlreadyEnded`, `NotParked`.
    pub async fn discard_parked(
        &self,
        hub: HubId,
        id: &InstanceId,
        reason: Option<String>,
    ) -> Result<Parking, Error> {
        self.check_payload("reason", reason.as_deref())?;
        let Some((record, _)) = self.store.instance_get(hub, id.clone(), false).await? else {
            return Err(Error::NotFound(id.clone()));
        };
        let outline = self.store.instance_outline(record.key).await?;
        let Some(parking) = outline.and_then(|outline| outline.parked) else {
            return Err(self.not_parked(hub, id).await);
        };
        let why = reason.filter(|reason| !reason.is_empty()).map(|reason| format!(" ({reason})"));
        let text = format!(
            "an operator discarded it{}: it was parked at {}, because {}",
            why.unwrap_or_default(),
            parking.at,
            parking.reason
        );
        let details = failure(error_type::DISCARDED, text, true);
        let order = event::execution_completed(-1, self.clock.now(), Status::Failed, None, Some(details));
        let mut waiter = self.waiters.subscribe(hub, id.clone(), Interest::Ended);
        let order = NewMessage::now(Class::Control, order);
        let Some(parking) = self.store.instance_unpark(hub, id.clone(), Some(order)).await? else {
            return Err(self.not_parked(hub, id).await);
        };
        if !id.is_entity() && tokio::time::timeout(CONTROL_PATIENCE, waiter.next()).await.is_err() {
            tracing::warn!(instance.id = %id, "the order to discard an instance is stored but has not been carried out yet");
        }
        Ok(parking)
    }

    /// Why there is nothing to do.
    async fn not_parked(&self, hub: HubId, id: &InstanceId) -> Error {
        match self.get(hub, id, false).await {
            Err(error) => error,
            Ok(None) => Error::NotFound(id.clone()),
            Ok(Some(instance)) if instance.record.status.is_terminal() => {
                Error::AlreadyEnded { id: id.clone(), status: instance.record.status }
            }
            Ok(Some(_)) => Error::NotParked(id.clone()),
        }
    }
}
