//! Answers to batches of entities.

use super::{AnswerError, Dispatch, Kind, board::TakenBatch, slot::State};
use crate::{
    dispatch::board::fresh_id,
    engine::{Context, EntityOutcome, entity},
    model::{HubId, pb},
    store::Error,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Dispatch {
    /// A worker answers a batch. A token that is not (or no longer) valid is not an error: the answer means nothing. An answer that is a
    /// failure of the whole batch changes nothing: the batch is tried again, and after some attempts its operations fail.
    pub async fn complete_batch(
        &self,
        hub: HubId,
        mut result: pb::EntityBatchResult,
    ) -> Result<(), AnswerError> {
        let token = std::mem::take(&mut result.completion_token);
        if result.requires_state {
            // The state is always sent; a worker that asks all the same gets the same batch again.
            self.with_board(|board| board.unable(hub, &token, Kind::Batch));
            return Ok(());
        }
        let failure = result.failure_details.take();
        let useless = failure.is_some() || result.results.is_empty();
        let taken = self.with_board(|board| board.take_batch(hub, &token, useless));
        let Some(TakenBatch { key, entity, batch }) = taken else {
            tracing::debug!("a stale or failed batch of an entity was answered");
            return Ok(());
        };
        let this = self.clone();
        self.finish(async move {
            let (now, payload_bytes) = (this.shared.clock.now(), this.shared.settings.payload_bytes);
            let id = entity.reference.id.clone();
            let apply = AssertUnwindSafe(|| match (useless, failure) {
                (true, failure) => {
                    let details = failure.unwrap_or_else(|| {
                        let text = "the worker answered without a result for any operation";
                        crate::model::failure(crate::model::error_type::PROTOCOL_VIOLATION, text, true)
                    });
                    tracing::warn!(instance.id = %id, error = %details.error_message, "a batch of an entity failed again and again; its operations fail");
                    entity::refuse(entity, batch, crate::model::bounded(details, payload_bytes), now)
                }
                (false, _) => {
                    let mut context = Context { now, fresh_id: &mut fresh_id, payload_bytes };
                    entity::answer(entity, batch, result, &mut context)
                }
            });
            let Ok(EntityOutcome { commit, entity }) = catch_unwind(apply) else {
                this.with_board(|board| board.apply_failed(key));
                return Err(Error::Backend("the server could not work out what an answer means".into()));
            };
            let state = State::Entity(Box::new(entity));
            match this.with_board(|board| board.committing(key, commit, state)) {
                Some(commit) => this.commit(commit).await,
                None => Ok(()),
            }
        })
        .await
    }
}
