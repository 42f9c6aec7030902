//! Where both transports tell the audit log of a call: around everything, so that refusals are seen, too. What the call is about is told on
//! the way by whoever learns it first, through the [`Trail`] among the extensions of the request.

use super::caller::{self, Peer};
use crate::{
    audit::{Audit, Outcome, Record},
    auth::Caller,
    manager::Manager,
    model::Short,
};
use axum::{
    http::{Extensions, HeaderMap},
    response::Response,
};
use ipnet::IpNet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What recording takes.
#[derive(Debug)]
pub struct Auditor {
    /// Where records go.
    pub audit: Audit,
    /// Proxies whose word about the caller's address is written down.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether nobody is asked for a key.
    pub open: bool,
}

/// What has been learnt about a call.
#[derive(Clone, Debug, Default)]
pub struct Trail(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    caller: Option<Caller>,
    hub: Option<String>,
    instance: Option<String>,
    made: Option<String>,
    job: Option<String>,
    about: Option<String>,
}

impl Trail {
    /// That of this request, if it is recorded.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who calls, let in or not.
    pub fn caller(&self, caller: &Caller) {
        self.seen().caller = Some(caller.clone());
    }

    /// The task hub, as it is called or, if there is none, as it was asked for.
    pub fn hub(&self, name: &str) {
        self.seen().hub = Some(Short(name).to_string());
    }

    /// The instance that it is about.
    pub fn instance(&self, id: &str) {
        self.seen().instance = Some(Short(id).to_string());
    }

    /// The instance that came of it.
    pub fn made(&self, id: &str) {
        let mut seen = self.seen();
        let id = Short(id).to_string();
        match &seen.instance {
            None => seen.instance = Some(id),
            Some(known) if !known.is_empty() && *known != id => seen.made = Some(id),
            Some(_) => seen.instance = Some(id),
        }
    }

    /// The bulk job that it is about.
    pub fn job(&self, id: &str) {
        self.seen().job = Some(Short(id).to_string());
    }

    /// How the many that it is about were chosen.
    pub fn about(&self, text: &str) {
        self.seen().about = Some(Short(text).to_string());
    }
}

/// A call as its head tells of it.
#[derive(Debug)]
pub struct Asked {
    /// `http` or `grpc`.
    pub via: &'static str,
    /// The operation, route or rpc.
    pub call: String,
    /// Whether it would change something; of others only the refusal is recorded.
    pub changes: bool,
    /// The name of the request.
    pub request: Option<String>,
    from: Option<Peer>,
    forwarded_for: Option<String>,
}

impl Asked {
    /// Reads where the caller is.
    pub fn new(
        auditor: &Auditor,
        via: &'static str,
        call: String,
        changes: bool,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Self {
        let from = extensions.get().copied();
        let forwarded_for = caller::behind(&auditor.trusted_proxies, from, headers);
        let forwarded_for = forwarded_for.map(|address| address.to_string());
        Self { via, call, changes, request: None, from, forwarded_for }
    }
}

/// Waits for the answer and records the call, if it is one to record; then the answer may go.
pub async fn watch(
    auditor: Arc<Auditor>,
    asked: Asked,
    trail: Trail,
    answer: impl Future<Output = Response>,
    outcome: impl FnOnce(&Response) -> (Outcome, String),
) -> Response {
    let mut open = Open { auditor, asked, trail, ended: false };
    let response = answer.await;
    open.ended = true;
    let (outcome, status) = outcome(&response);
    if (open.asked.changes || outcome == Outcome::Refused)
        && let Some(written) = open.write(outcome, Some(status))
    {
        // Fails only when the process ends.
        let _ended = written.await;
    }
    response
}

/// A call that has no answer yet. Dropped so, its caller has left.
struct Open {
    auditor: Arc<Auditor>,
    asked: Asked,
    trail: Trail,
    ended: bool,
}

impl Open {
    fn write(&self, outcome: Outcome, status: Option<String>) -> Option<tokio::sync::oneshot::Receiver<()>> {
        let seen = std::mem::take(&mut *self.trail.seen());
        let (caller, key, role) = match seen.caller {
            None => ("nobody", None, None),
            Some(Caller::Key { name, role, .. }) => ("key", Some(name.to_string()), Some(role.name())),
            Some(Caller::Link(_)) => ("link", None, None),
            Some(Caller::Local) => ("local", None, None),
            Some(Caller::Anyone) if self.auditor.open => ("anyone", None, None),
            // With keys, nobody changes anything without one but the sender of a signed event.
            Some(Caller::Anyone) => ("signature", None, None),
        };
        let Asked { via, call, request, from, forwarded_for, .. } = &self.asked;
        self.auditor.audit.write(Record {
            time: self.auditor.audit.now(),
            outcome,
            status,
            via,
            call: Short(call).to_string(),
            caller,
            key,
            role,
            from: from.map(|peer| peer.0.to_string()),
            forwarded_for: forwarded_for.clone(),
            hub: seen.hub,
            instance: seen.instance,
            made: seen.made,
            job: seen.job,
            about: seen.about,
            request: request.clone(),
            left_out: None,
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.ended && self.asked.changes {
            drop(self.write(Outcome::Unknown, None));
        }
    }
}

/// What hub a request names: as it is called, or as it was asked for if there is none of that name.
pub fn hub_called(manager: &Manager, name: Option<&str>) -> String {
    match manager.hub(name) {
        Ok(hub) => manager.hub_name(hub),
        Err(_) => name.unwrap_or_default().to_owned(),
    }
}
