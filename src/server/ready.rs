//! Whether the server can do its work.

use crate::{api::http::Readiness, dispatch::Dispatch, store::Store};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the store and the dispatcher.
pub(super) struct Probe {
    store: Arc<dyn Store>,
    dispatch: Dispatch,
}

impl Probe {
    pub(super) fn new(store: Arc<dyn Store>, dispatch: Dispatch) -> Self {
        Self { store, dispatch }
    }
}

#[async_trait]
impl Readiness for Probe {
    async fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        match tokio::time::timeout(PATIENCE, self.store.ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => missing.push(format!("storage does not answer: {error}")),
            Err(_) => missing.push(format!("storage has not answered within {} s", PATIENCE.as_secs())),
        }
        if !self.dispatch.is_ready() {
            missing.push("work is not being dispatched: starting up or shutting down".to_owned());
        }
        missing.extend(self.dispatch.missing());
        missing
    }
}
