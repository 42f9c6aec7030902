//! What a committed change means for the rooms above the store.

use super::{ActivityTask, HubId, InstanceId, InstanceKey, InstanceRef, Lock, Message, Status};

/// A consequence of a change, told after its transaction has been committed, in commit order.
///
/// Effects are how work reaches workers without anybody polling. They are a convenience, never the truth: whoever missed them
/// reads the rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A message reached an inbox. `status` is the instance's at that moment: Pending if nothing has happened to it before, which of an
    /// entity is so for the message that makes it.
    Message { to: InstanceRef, status: Status, message: Message },
    /// An activity was queued.
    Activity(ActivityTask),
    /// The instance was created (turn 0), or its commit number `turn` was made.
    Changed { hub: HubId, id: InstanceId, key: InstanceKey, status: Status, turn: i64 },
    /// An ended instance is about to come alive again; its detached activities are gone. Its messages and `Changed` follow.
    Reopened { key: InstanceKey },
    /// The entity is not, or no longer, locked by this lock.
    Unlocked { entity: InstanceRef, lock: Lock },
    /// The entity was changed from outside: what is known of it must be read again.
    Altered { entity: InstanceRef },
    /// The instance is not parked any more: what waits for it is to be dispatched.
    Unparked { instance: InstanceRef, status: Status },
    /// The row with this key is gone: purged, or replaced by a new instance under the same id.
    Gone { hub: HubId, id: InstanceId, key: InstanceKey },
}
