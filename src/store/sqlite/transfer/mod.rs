//! One hub in a file of its own, to be read by another durahub.
//!
//! The file is text: a JSON object on each line, [`record::Record`]. Numbers that only mean something within one database (keys of
//! instances, ids of messages) are not in it. An instance comes with all it has on the lines behind it; locks, which name two instances,
//! come behind all of them, and the last line says how much came before it and with which digest. Neither end holds more than a line in
//! memory.

mod export;
mod import;
mod record;
#[cfg(test)]
mod tests;

pub use export::{Exported, export};
pub use import::{Imported, OnExisting, import};
