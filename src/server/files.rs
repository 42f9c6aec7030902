//! How many files the process may have open. Each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open besides connections, generously.
const OTHERS: u64 = 256;

/// Asks the system to permit as many open files as that many connections need, and says so in the log if it does not. For programs that are
/// a server and nothing else: it is a matter of the whole process. Systems often permit 1,024 unless a process asks for more.
pub fn permit_connections(connections: usize) {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None`: without limit.
    let Some(now) = current.filter(|now| *now < wanted) else { return };
    let most = maximum.map_or(wanted, |most| most.min(wanted)).max(now);
    let got = match setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum }) {
        Ok(()) => most,
        Err(error) => {
            tracing::debug!(%error, "the system does not permit more open files");
            now
        }
    };
    if got < wanted {
        tracing::warn!(
            permitted = got,
            wanted,
            "the system permits fewer open files than server.connections needs; raise its limit (ulimit -n, LimitNOFILE=), or lower the setting"
        );
    }
}
