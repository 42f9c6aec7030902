//! What a look at everything that is stored finds.

use crate::model::InstanceKey;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the hub and the id of the instance that it is about, as far as that is known.
    pub hub: Option<String>,
    pub instance: Option<String>,
    /// In which part of what is stored: `file`, `history`, `payload`...
    pub part: &'static str,
    /// What is wrong, as a sentence.
    pub problem: String,
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckPlace {
    /// The files themselves, as the backend checks them.
    File,
    /// The instances behind this one.
    Instances(InstanceKey),
    /// All that belongs to no instance.
    Others,
}

/// Answer of [`Store::check`](super::Store::check): one slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub findings: Vec<Finding>,
    /// How many instances were looked at.
    pub instances: u64,
    /// How many there are; told with the first slice.
    pub total: Option<u64>,
    /// Where to go on.
    pub next: Option<CheckPlace>,
}
