//! Who may do what: named keys with roles, and links that are good for one instance.
//!
//! Edges find a credential in a request and the [`Operation`] that it asks for; the [`Gate`] decides. Nothing here knows HTTP or
//! gRPC, and nothing here does I/O. How it is meant, and why: docs/decisions/0008-keys-and-links.md.
//!
//! What always holds:
//! - A plain key is never kept: only its SHA-256, and what is shown of that is its beginning.
//! - A credential is compared with every digest there is, in constant time, whoever it belongs to.
//! - A link can do no more than whoever it was made for, at one instance of one hub.
//! - A key that names task hubs is refused at every other, whether there is one of that name or not, and at what concerns them all.
//! - What nobody has given a permission is refused. An operation is named in [`Role::permits`], which has no catch-all arm.
#![warn(missing_docs)]

#[cfg(test)]
mod fuzz;
mod gate;
mod keys;
mod operation;
mod reach;
mod role;
#[cfg(test)]
mod tests;
mod token;

pub use gate::{Caller, Gate, Place, Verdict};
pub use keys::{Digest, Keys, MAX_DIGESTS, NamedKey, new_key};
pub use operation::{Operation, Operations, Scope};
pub use reach::Reach;
pub use role::Role;
pub use token::{Grant, LinkSigner};
