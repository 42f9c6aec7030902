//! The lines of an export. Fields of later versions of the format get another [`VERSION`].

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt::Write as _};

/// The version of the format.
pub const VERSION: u32 = 1;
/// What the first line calls the format.
pub const FORMAT: &str = "durahub-hub";

/// A digest as text.
pub fn hex(digest: Sha256) -> String {
    digest.finalize().iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes, in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        STANDARD.decode(text.as_bytes()).map(Self).map_err(D::Error::custom)
    }
}

/// One line. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Record {
    /// The first line.
    Header(Header),
    /// An instance, orchestration or entity. What follows belongs to it, until the next one.
    Instance(Box<Instance>),
    Payload {
        kind: PayloadKind,
        body: Blob,
    },
    /// `count` events from number `first` on, as one encoded `HistoryChunk`.
    History {
        first: i64,
        count: i64,
        events: Blob,
    },
    /// A history that a rewind has put aside.
    Revision(Revision),
    /// A message in the inbox, in the order of arrival. `class` as in `model::Class`, `events` an encoded `HistoryChunk`.
    Message {
        class: i64,
        due: Option<i64>,
        events: Blob,
    },
    /// An activity that no worker has completed; `request` is an encoded `ActivityRequest`.
    Activity(Activity),
    /// Nothing is dispatched to the instance. `cause` as in `model::ParkedFor`.
    Parked {
        #[serde(rename = "parkedAt")]
        parked_at: i64,
        cause: i64,
        deliveries: i64,
        reason: String,
    },
    /// An entity that an orchestration has locked.
    Lock {
        entity: String,
        owner: String,
        #[serde(rename = "executionId")]
        execution_id: String,
        section: String,
    },
    /// What a request with an idempotency key was answered.
    Answered(Answered),
    /// The last line: what was before it. `sha256` is over all bytes before this line, in hexadecimal.
    End {
        instances: u64,
        records: u64,
        sha256: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    pub format: String,
    pub version: u32,
    pub hub: String,
    /// The version of the program that wrote it.
    pub durahub: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PayloadKind {
    /// Of an entity: its state.
    Input,
    Output,
    CustomStatus,
    /// An encoded `TaskFailureDetails`; the others are text.
    Failure,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Instance {
    pub id: String,
    pub name: String,
    pub version: Option<String>,
    pub execution_id: String,
    pub status: String,
    pub turn: i64,
    /// How many events its history has.
    pub events: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub completed_at: Option<i64>,
    pub scheduled_at: Option<i64>,
    pub parent: Option<Parent>,
    pub tags: BTreeMap<String, String>,
    pub trace: Option<Blob>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parent {
    pub id: String,
    pub execution_id: String,
    pub task_id: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revision {
    pub number: i64,
    pub rewound_at: i64,
    pub reason: Option<String>,
    pub events: i64,
    pub execution_id: String,
    pub kept: i64,
    pub history: Blob,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Activity {
    pub name: String,
    pub version: Option<String>,
    pub task_id: i32,
    pub detached: bool,
    pub request: Blob,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answered {
    pub key: String,
    pub fingerprint: Blob,
    pub instance: String,
    pub created: bool,
    pub made_at: i64,
}
