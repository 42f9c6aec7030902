//! Waiting for the end of an instance: how long the caller is ready to, and doing it.
//!
//! Two ways to ask: `timeout` in the query, as the Durable Functions extension knows it, and the header `Prefer: wait=N` (RFC 7240).
//! The former wins.

use super::{Call, Error, Query, prefer};
use crate::{
    manager::{self, Instance, WaitFor},
    model::{HubId, InstanceId},
};
use axum::{
    http::{HeaderMap, HeaderValue, header::HeaderName},
    response::Response,
};
use std::time::Duration;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How long a caller is ready to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    limit: Duration,
    /// Asked for as a preference, so the answer says that it was heard.
    preferred: bool,
}

/// The patience of the caller; `None` without a wish to wait. `pollingInterval` has no effect, because nothing is polled; but one that
/// is longer than the wait is a mistake worth telling.
pub fn patience(call: &Call) -> Result<Option<Patience>, Error> {
    patience_of(&call.query, &call.headers, call.api.settings.wait_cap)
}

fn patience_of(query: &Query, headers: &HeaderMap, cap: Duration) -> Result<Option<Patience>, Error> {
    let (asked, source, preferred) = match (query.seconds("timeout"), prefer::wait(headers)) {
        (Some(timeout), _) => (timeout, "timeout", false),
        // Rounding does not matter: such numbers are capped.
        (None, Some(wait)) => (Duration::from_secs(wait).as_secs_f64(), "the wait in Prefer", true),
        (None, None) => return Ok(None),
    };
    match query.seconds("pollingInterval") {
        Some(interval) if interval > asked => Err(Error::Invalid(format!(
            "pollingInterval ({interval} s) must not be longer than {source} ({asked} s)"
        ))),
        _ if asked <= 0.0 => Ok(Some(Patience { limit: Duration::ZERO, preferred })),
        _ => {
            let limit = Duration::try_from_secs_f64(asked).unwrap_or(Duration::MAX).min(cap);
            Ok(Some(Patience { limit, preferred }))
        }
    }
}

/// Says in `response` for how long the preference was honoured, if the patience came from one.
pub fn acknowledged(patience: Option<Patience>, mut response: Response) -> Response {
    if let Some(Patience { limit, preferred: true }) = patience
        && let Ok(applied) = HeaderValue::try_from(format!("wait={}", limit.as_secs()))
    {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    response
}

/// Waits for the end and answers the instance as it is then, or as it is when patience runs out or the server shuts down. `None` if
/// there is no such instance, at once, or if it is purged meanwhile. `payloads` as for [`manager::Manager::get`].
pub async fn until_ended(
    call: &Call,
    hub: HubId,
    id: &InstanceId,
    patience: Patience,
    payloads: bool,
) -> Result<Option<Instance>, manager::Error> {
    let manager = &call.api.manager;
    if patience.limit.is_zero() {
        return manager.get(hub, id, payloads).await;
    }
    tokio::select! {
        found = manager.wait(hub, id, WaitFor::End, payloads) => found,
        // One last look.
        () = tokio::time::sleep(patience.limit) => manager.get(hub, id, payloads).await,
        () = call.api.leaving.cancelled() => manager.get(hub, id, payloads).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: Duration = Duration::from_secs(230);

    fn limit(query: &str, asked: Option<&'static str>) -> Option<Option<(Duration, bool)>> {
        let headers = asked.map(|value| (prefer::PREFER, HeaderValue::from_static(value)));
        let patience = patience_of(&Query::parse(query), &headers.into_iter().collect(), CAP).ok()?;
        Some(patience.map(|patience| (patience.limit, patience.preferred)))
    }

    #[test]
    fn patience_needs_only_a_timeout_and_is_capped() {
        for (query, expected) in [
            ("", Some(None)),
            ("pollingInterval=5", Some(None)),
            ("timeout=soon", Some(None)),
            ("timeout=nan", Some(None)),
            ("timeout=1.5", Some(Some(Duration::from_millis(1500)))),
            ("timeout=10&pollingInterval=1", Some(Some(Duration::from_secs(10)))),
            ("timeout=10&pollingInterval=10", Some(Some(Duration::from_secs(10)))),
            ("timeout=0&pollingInterval=0", Some(Some(Duration::ZERO))),
            ("timeout=-5", Some(Some(Duration::ZERO))),
            ("timeout=1e300", Some(Some(CAP))),
            ("timeout=infinity", Some(Some(CAP))),
            ("timeout=1&pollingInterval=2", None),
        ] {
            assert_eq!(limit(query, None), expected.map(|it| it.map(|limit| (limit, false))), "{query}");
        }
    }

    #[test]
    fn a_preference_does_the_same_unless_there_is_a_timeout() {
        let secs = Duration::from_secs;
        for (query, prefer, expected) in [
            ("", "wait=10", Some(Some((secs(10), true)))),
            ("", "wait=0", Some(Some((secs(0), true)))),
            ("", "wait=99999999999999999999", Some(Some((CAP, true)))),
            ("", "wait=soon", Some(None)),
            ("", "respond-async", Some(None)),
            ("timeout=3", "wait=10", Some(Some((secs(3), false)))),
            ("timeout=soon", "wait=10", Some(Some((secs(10), true)))),
            ("pollingInterval=10", "wait=10", Some(Some((secs(10), true)))),
            ("pollingInterval=11", "wait=10", None),
        ] {
            assert_eq!(limit(query, Some(prefer)), expected, "{query} {prefer}");
        }
    }
}
