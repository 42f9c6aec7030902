//! The words every room speaks: ids, hubs, status, messages, and what one turn changes.
//!
//! History events and actions are the protocol's own protobuf messages ([`pb`]), so there is one vocabulary from the
//! wire to the disk. Nothing here is async, touches SQL or knows HTTP; nothing here decides anything.

mod commit;
mod effect;
mod entity;
pub mod event;
mod failure;
#[cfg(test)]
mod fuzz;
mod history;
mod id;
mod instance;
mod job;
mod message;
mod open;
mod parked;
mod revision;
mod short;
mod status;
mod time;

/// Most bytes of what travels with a payload: name, version, tags and trace context of an activity, names and ids in a message to an
/// entity. SDKs receive 4 MiB at most, and an item
/// above that would end the stream of every worker it is given to.
pub const MAX_BESIDE_PAYLOAD: usize = 64 * 1024;

/// The Durable Task messages, generated from `proto/durabletask.proto`.
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
pub mod pb {
    include!(concat!(env!("OUT_DIR"), "/messages/_.rs"));
}

pub use commit::{
    Commit, HistoryChange, InstanceUpdate, NewActivity, NewChild, NewExecution, Outgoing, Pending, Recipient,
};
pub use effect::Effect;
pub use entity::{EntityChange, EntityId, EntityRecord, Lock, LockChange};
pub use failure::{FailureBrief, bounded, error_type, failure};
pub use history::{Chunk, CorruptHistory, decode_events, encode_events};
pub use id::{ActivityKey, HubId, HubName, IdError, InstanceId, InstanceKey, MAX_NAME_CHARS, MessageId};
pub use instance::{InstanceRecord, InstanceRef, NewInstance, ParentRef, Payloads, Tags, parent_of};
pub use job::{Job, JobEnd, JobFailure, JobState, JobStep, JobWork, NewJob};
pub use message::{ActivityTask, Class, Message, NewMessage};
#[cfg(test)]
pub use open::answered_action;
pub use open::{FIRE_AND_FORGET, OpenTask, OpenTasks};
pub use parked::{Legible, Parked, ParkedFor, Parking};
pub use revision::{Revision, Rewrite};
pub use short::Short;
pub use status::{Status, StatusExt, StatusSet};
pub use time::Timestamp;
