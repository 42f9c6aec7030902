//! Instances that are parked: nothing is dispatched to them until an operator says so.

use super::{InstanceRef, Message, MessageId, Status, Timestamp};

/// Why an instance is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkedFor {
    /// Its next turn, or batch, was delivered too often without an answer.
    Deliveries = 0,
    /// What is stored of it cannot be used.
    Data = 1,
    /// Its history has grown beyond what the settings permit.
    History = 2,
}

impl ParkedFor {
    /// The cause with this number.
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::Deliveries, Self::Data, Self::History].into_iter().find(|cause| *cause as i64 == number)
    }
}

/// That an instance is parked. It lives with the instance, and ends with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parking {
    pub at: Timestamp,
    pub cause: ParkedFor,
    /// How many deliveries in a row came to nothing.
    pub deliveries: u32,
    /// A sentence for operators.
    pub reason: String,
}

/// A parked instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    pub instance: InstanceRef,
    pub status: Status,
    pub parking: Parking,
}

/// The part of an inbox that can be read, and the part that cannot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Legible {
    /// In arrival order.
    pub messages: Vec<Message>,
    pub illegible: Vec<MessageId>,
}
