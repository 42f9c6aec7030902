//! How full the disk is.

use std::path::Path;

/// Bytes that are free for everybody where the file `path` is. `None`: the operating system does not say.
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(path).ok()?;
    Some(told.f_bavail.saturating_mul(told.f_frsize))
}
