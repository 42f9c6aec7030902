//! The one place that decides.

use super::{Grant, Keys, LinkSigner, Operation, Operations, Reach, Role, Scope};
use crate::{clock::Clock, model::Timestamp};
use std::{fmt, sync::Arc, time::Duration};

const MICROS: i64 = 1_000_000;

/// Whoever was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// There are no keys, so nobody was asked.
    Anyone,
    /// Somebody on this machine, at a door that is open to it.
    Local,
    /// The holder of a key.
    Key {
        /// The key's name.
        name: Arc<str>,
        /// What it is for.
        role: Role,
        /// Where it is good.
        reach: Reach,
    },
    /// The holder of a link.
    Link(Grant),
}

/// Where a request wants to do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the hub that it means, in any case, whether there is such a hub or not.
    pub hub: String,
    /// The id of the instance that it is about, if it is about one.
    pub instance: Option<String>,
}

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allowed(Caller),
    /// Nobody known: no credential, or a wrong one.
    Unauthenticated,
    /// Somebody known who may not do this.
    Forbidden(Caller),
}

impl Caller {
    /// Whether it may do what is not about one instance, or is about one that is only known from the body, in a hub that it is for. A
    /// link may not.
    pub fn permits(&self, operation: Operation) -> bool {
        match self {
            Self::Anyone | Self::Local => true,
            Self::Key { role, reach, .. } => {
                role.permits(operation) && (operation.scope() != Scope::Server || *reach == Reach::ALL)
            }
            Self::Link(_) => operation == Operation::Greet,
        }
    }

    /// Whether it may be told that there is a hub of this name.
    pub fn may_know(&self, hub: &str) -> bool {
        match self {
            Self::Anyone | Self::Local => true,
            Self::Key { reach, .. } => reach.covers(hub),
            Self::Link(grant) => grant.hub.eq_ignore_ascii_case(hub),
        }
    }
}

/// For logs: the key's name, never the key.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Local => f.write_str("local"),
            Self::Key { name, .. } => write!(f, "key {name}"),
            Self::Link(_) => f.write_str("link"),
        }
    }
}

/// Decides who may do what. Without keys everybody may do everything, and links carry nothing.
pub struct Gate {
    guard: Option<Guard>,
    clock: Arc<dyn Clock>,
}

struct Guard {
    keys: Keys,
    links: LinkSigner,
    /// How long a link is good; `None`: for ever.
    ttl: Option<Duration>,
}

impl Gate {
    /// Asks nobody.
    pub fn open(clock: Arc<dyn Clock>) -> Self {
        Self { guard: None, clock }
    }

    /// Asks everybody for one of `keys`, or for a link that `links` has signed. `ttl`: how long new links are good; zero means for
    /// ever. An empty list of keys lets nobody in.
    pub fn guarded(keys: Keys, links: LinkSigner, ttl: Duration, clock: Arc<dyn Clock>) -> Self {
        let ttl = Some(ttl).filter(|ttl| !ttl.is_zero());
        Self { guard: Some(Guard { keys, links, ttl }), clock }
    }

    /// Whether everybody may do everything.
    pub fn is_open(&self) -> bool {
        self.guard.is_none()
    }

    /// Whether whoever has this credential may do `operation`. `place`: where; asked only of those who may not do it everywhere.
    pub fn decide(
        &self,
        credential: Option<&[u8]>,
        operation: Operation,
        place: impl FnOnce() -> Place,
    ) -> Verdict {
        let Some(guard) = &self.guard else { return Verdict::Allowed(Caller::Anyone) };
        let Some(caller) = credential.and_then(|credential| guard.identify(credential)) else {
            return Verdict::Unauthenticated;
        };
        let allowed = match &caller {
            Caller::Link(grant) => self.covers(grant, operation, place),
            Caller::Anyone | Caller::Local => true,
            Caller::Key { reach, .. } => {
                let everywhere = *reach == Reach::ALL || operation.scope() != Scope::Hub;
                caller.permits(operation) && (everywhere || reach.covers(&place().hub))
            }
        };
        if allowed { Verdict::Allowed(caller) } else { Verdict::Forbidden(caller) }
    }

    fn covers(&self, grant: &Grant, operation: Operation, place: impl FnOnce() -> Place) -> bool {
        if grant.expires_at.is_some_and(|end| self.clock.now() >= end) {
            return false;
        }
        let here = || {
            let Place { hub, instance } = place();
            instance.is_some_and(|id| id == grant.instance) && hub.eq_ignore_ascii_case(&grant.hub)
        };
        operation == Operation::Greet || (grant.operations.contains(operation) && here())
    }

    /// The `code` of a link to this instance for `caller`, good for what the caller may do and no longer than the caller's own link. `None` if
    /// nobody is asked for one.
    pub fn link(&self, caller: &Caller, hub: &str, instance: String) -> Option<String> {
        let guard = self.guard.as_ref()?;
        let fresh = guard.ttl.map(|ttl| whole_seconds(self.clock.now().plus(ttl)));
        let (operations, expires_at) = match caller {
            Caller::Anyone | Caller::Local => (Operations::ALL, fresh),
            Caller::Key { role, .. } => (Operations::of(*role), fresh),
            Caller::Link(own) => (own.operations, fresh.into_iter().chain(own.expires_at).min()),
        };
        Some(guard.links.sign(&Grant { hub: hub.to_ascii_lowercase(), instance, operations, expires_at }))
    }
}

/// Rounded up, so that a link is never good for less than was promised.
fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp(at.0.saturating_add(MICROS - 1).div_euclid(MICROS).saturating_mul(MICROS))
}

impl Guard {
    fn identify(&self, credential: &[u8]) -> Option<Caller> {
        if let Some(grant) = self.links.read(credential) {
            return Some(Caller::Link(grant));
        }
        let key = self.keys.find(credential)?;
        Some(Caller::Key { name: key.name.clone(), role: key.role, reach: key.reach.clone() })
    }
}

/// Without keys and secrets.
impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("open", &self.is_open()).finish_non_exhaustive()
    }
}
