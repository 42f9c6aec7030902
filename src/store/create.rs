//! On what terms an instance is made, and what came of it.

use crate::model::{InstanceId, InstanceKey, Status, StatusSet, Timestamp};

/// On what terms [`crate::store::Store::instance_create`] makes an instance. Plain [`StatusSet`]s convert: they are `replace`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// An instance that holds the id is replaced if its status is among these; a live one only if it has no parent, because that waits
    /// for it.
    pub replace: StatusSet,
    /// An instance that holds the id and has one of these statuses is left alone and answers the request in place of a new one.
    /// `replace` goes first.
    pub keep: StatusSet,
    /// Make the instance only if this one holds the id still: for replacing what one has read.
    pub only: Option<InstanceKey>,
    /// Answer a repeated request as the first one was answered.
    pub idempotency: Option<Idempotency>,
}

impl From<StatusSet> for Terms {
    fn from(replace: StatusSet) -> Self {
        Self { replace, ..Self::default() }
    }
}

/// What makes a request recognisable when it is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key, unique within the hub.
    pub key: String,
    /// A digest of what was asked for. Another one under the same key is another request.
    pub fingerprint: Vec<u8>,
    /// Records that were made before this time count no more, and some of them are removed on the way.
    pub valid_from: Timestamp,
}

/// The record of an answered request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Of the request that was answered.
    pub fingerprint: Vec<u8>,
    /// The instance it was answered with.
    pub id: InstanceId,
    /// Whether the request made the instance; `false`: it was there already and was kept.
    pub created: bool,
}

/// Answer of [`crate::store::Store::instance_create`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// A new instance; whatever instance held the id is gone with its history.
    New(InstanceKey),
    /// The id is held by an instance of this status, which was kept, as the terms say.
    Kept(Status),
    /// The id is held by an instance of this status, which the terms do not permit to replace. Nothing was changed.
    Exists(Status),
    /// The instance that was to be replaced does not hold the id any more. Nothing was changed.
    Overtaken,
    /// There is a record under the key. Nothing was changed; whether it is the same request is for the caller to compare.
    Recorded(Recorded),
}
