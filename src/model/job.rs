//! Bulk jobs: one action on many instances, which the server carries out by itself, slice by slice.

use super::{HubId, InstanceKey, Timestamp};

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It goes on, also after a restart of the server.
    Running = 0,
    /// It has been through all its instances.
    Completed = 1,
    /// Somebody has stopped it.
    Stopped = 2,
    /// It could not go on.
    Failed = 3,
}

impl JobState {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Running, Self::Completed, Self::Stopped, Self::Failed];

    /// The state with this number.
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|place| Self::ALL.get(place)).copied()
    }

    /// As answers call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// A job that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Unique among all jobs.
    pub id: String,
    pub hub: HubId,
    pub created_at: Timestamp,
    /// What is done to each instance, in one word.
    pub action: String,
    /// Who asked for it, if that is known.
    pub by: Option<String>,
    /// Which instances, in the words of who asked. `None`: a list of ids.
    pub filter: Option<String>,
    pub reason: Option<String>,
    /// How many instances there were to begin with, if that could be counted.
    pub total: Option<u64>,
    /// All that is needed to carry it out. Means nothing to a store.
    pub request: String,
}

/// A job as it is known to whoever looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: String,
    pub hub: HubId,
    pub created_at: Timestamp,
    /// When it ended, however that was.
    pub ended_at: Option<Timestamp>,
    pub state: JobState,
    pub action: String,
    pub by: Option<String>,
    pub filter: Option<String>,
    pub reason: Option<String>,
    pub total: Option<u64>,
    pub done: u64,
    pub skipped: u64,
    pub failed: u64,
    /// Why it could not go on.
    pub error: Option<String>,
    /// The newest instance there was when the job was made. Later ones are none of its business, also not under the same id.
    pub newest: InstanceKey,
}

/// What a job goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobWork {
    pub job: Job,
    /// As it was made with.
    pub request: String,
    /// What the last step left; empty before the first.
    pub position: String,
}

/// An instance that an action failed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFailure {
    /// The instance's id, in the words of whoever named it.
    pub instance: String,
    pub why: String,
}

/// What a slice of a job has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobStep {
    /// So many more.
    pub done: u64,
    pub skipped: u64,
    pub failures: Vec<JobFailure>,
    /// Where to go on.
    pub position: String,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobEnd {
    pub state: JobState,
    pub at: Timestamp,
    pub error: Option<String>,
}
