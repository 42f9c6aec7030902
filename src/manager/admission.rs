//! How much new work is let in: starts, restarts, events and signals. What has been let in is carried through; what would be too much is refused
//! at once, with the time after which it is worth trying again, instead of being kept waiting in memory.
//!
//! Control (suspend, terminate, purge...) is never refused here: it is how somebody gets out of an overload. Nor is what orchestrations
//! themselves start.

use super::Error;
use crate::{
    clock::Clock,
    model::{HubName, Status, StatusExt as _, StatusSet, Timestamp},
    store::{self, Filter},
};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// When an answer to a request that was refused for its number may differ.
const SHORTLY: Duration = Duration::from_secs(1);
/// How often the room on the disk is looked at, if there is new work: after so long, or when what has come in since may have taken too much.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// What is stored is in the write-ahead log first, and then in the file, too.
const COPIES: u64 = 2;

/// How much is let in.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// Requests for new work that may be under way at a time, over all hubs.
    pub under_way: usize,
    /// Room on the disk that new work must leave.
    pub disk: Option<Disk>,
    /// By hub. Those that are not named have no limits of their own.
    pub hubs: Vec<(HubName, HubAllowance)>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { under_way: usize::MAX, disk: None, hubs: Vec::new() }
    }
}

/// Room on the disk, below which nothing new is taken in: what was taken in needs it to come to its end.
#[derive(Clone)]
pub struct Disk {
    /// Bytes that must be free.
    pub least: u64,
    /// How many are free where the data is; `None`: it cannot be told, and nothing is refused.
    pub free: Arc<dyn Fn() -> Option<u64> + Send + Sync>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("least", &self.least).finish_non_exhaustive()
    }
}

/// What one hub may take in. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HubAllowance {
    /// Starts, events and signals a second; as many may come at once after a second of silence.
    pub per_second: Option<u64>,
    /// Bytes of their payloads a second.
    pub bytes_per_second: Option<u64>,
    /// Instances that have not ended, at which no more are started. Entities do not count.
    pub live: Option<u64>,
}

/// How much new work was refused, by limit.
#[derive(Debug, Default)]
pub struct Refusals {
    new_work: AtomicU64,
    disk: AtomicU64,
    per_second: AtomicU64,
    bytes_per_second: AtomicU64,
    live: AtomicU64,
}

impl Refusals {
    /// By the setting that was in the way.
    fn by_limit(&self) -> [(&'static str, u64); 5] {
        [
            ("limits.new_work", &self.new_work),
            ("limits.free_disk_bytes", &self.disk),
            ("hubs.limits per_second", &self.per_second),
            ("hubs.limits bytes_per_second", &self.bytes_per_second),
            ("hubs.limits live", &self.live),
        ]
        .map(|(limit, count)| (limit, count.load(Ordering::Relaxed)))
    }
}

fn count(refused: &AtomicU64) {
    refused.fetch_add(1, Ordering::Relaxed);
}

/// Lets new work in.
#[derive(Debug)]
pub struct Admission {
    most: usize,
    under_way: Arc<AtomicUsize>,
    disk: Option<Disk>,
    /// How many bytes were free when that was looked at, less what has come in since.
    free: Mutex<Option<(Timestamp, u64)>>,
    /// By folded name.
    hubs: HashMap<String, Gauge>,
    refusals: Refusals,
}

/// Lets one request go on until it is dropped.
#[derive(Debug)]
pub struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Gauge {
    hub: HubName,
    allowance: HubAllowance,
    levels: Mutex<Levels>,
}

#[derive(Debug, Default)]
struct Levels {
    requests: Bucket,
    bytes: Bucket,
    live: Live,
}

impl Admission {
    /// One that keeps to `allowance`.
    pub fn new(allowance: Allowance) -> Self {
        let gauge =
            |hub: HubName, allowance| (hub.folded(), Gauge { hub, allowance, levels: Mutex::default() });
        let hubs = allowance.hubs.into_iter().map(|(hub, allowance)| gauge(hub, allowance)).collect();
        Self {
            most: allowance.under_way,
            under_way: Arc::default(),
            disk: allowance.disk,
            free: Mutex::default(),
            hubs,
            refusals: Refusals::default(),
        }
    }

    /// How much new work was refused since the start, by the setting that was in the way.
    pub fn refused(&self) -> [(&'static str, u64); 5] {
        self.refusals.by_limit()
    }

    /// Lets a request with so many bytes of payload in. `Overloaded`.
    pub fn request(
        &self,
        hub: impl FnOnce() -> String,
        bytes: usize,
        clock: &dyn Clock,
    ) -> Result<Permit, Error> {
        let permit = Permit(self.under_way.clone());
        if self.under_way.fetch_add(1, Ordering::Relaxed) >= self.most {
            count(&self.refusals.new_work);
            let most = self.most;
            let why = format!("{most} requests for new work are under way already (setting limits.new_work)");
            return Err(Error::Overloaded { why, again: SHORTLY });
        }
        self.check_disk(bytes, clock.now()).inspect_err(|_| count(&self.refusals.disk))?;
        if let Some(gauge) = self.gauge(hub) {
            gauge.request(bytes, clock.now(), &self.refusals)?;
        }
        Ok(permit)
    }

    /// `DiskLow`: there is too little room for anything new.
    fn check_disk(&self, bytes: usize, now: Timestamp) -> Result<(), Error> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let taken = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(COPIES);
        let mut last = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            last.filter(|(at, free)| at.until(now) < LOOK_AGAIN && *free >= disk.least.saturating_add(taken));
        let (at, free) = known.unwrap_or_else(|| (now, (disk.free)().unwrap_or(u64::MAX)));
        *last = Some((at, free.saturating_sub(taken)));
        if free < disk.least { Err(Error::DiskLow { free, least: disk.least }) } else { Ok(()) }
    }

    /// The hub's limits, if it has some.
    fn gauge(&self, hub: impl FnOnce() -> String) -> Option<&Gauge> {
        if self.hubs.is_empty() {
            return None;
        }
        self.hubs.get(&HubName::parse(&hub()).ok()?.folded())
    }

    /// Lets an instance be started, as far as the number of live ones goes: it may be exceeded by those whose starts are under way. `counting`
    /// counts those of the hub. `Overloaded`.
    pub async fn start(
        &self,
        hub: impl FnOnce() -> String,
        clock: &dyn Clock,
        counting: impl AsyncFnOnce(Filter) -> Result<u64, store::Error>,
    ) -> Result<(), Error> {
        let Some(gauge) = self.gauge(hub) else { return Ok(()) };
        let Some(most) = gauge.allowance.live else { return Ok(()) };
        let full = || {
            count(&self.refusals.live);
            let hub = &gauge.hub;
            let why =
                format!("{most} instances of task hub {hub} have not ended (setting hubs.limits, live)");
            Error::Overloaded { why, again: SHORTLY }
        };
        match gauge.levels(|levels| levels.live.take(most, clock.now())) {
            Room::Yes => Ok(()),
            Room::No => Err(full()),
            Room::Count => {
                let counted = counting(live()).await?;
                let room = gauge.levels(|levels| levels.live.counted(counted, most, clock.now()));
                if room { Ok(()) } else { Err(full()) }
            }
        }
    }
}

/// Orchestrations that have not ended.
fn live() -> Filter {
    let live = Status::ALL.into_iter().filter(|status| !status.is_terminal());
    Filter { statuses: live.fold(StatusSet::NONE, StatusSet::with), entities: false, ..Filter::default() }
}

impl Gauge {
    fn levels<T>(&self, look: impl FnOnce(&mut Levels) -> T) -> T {
        look(&mut self.levels.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn request(&self, bytes: usize, now: Timestamp, refusals: &Refusals) -> Result<(), Error> {
        let HubAllowance { per_second, bytes_per_second, .. } = self.allowance;
        let hub = &self.hub;
        let refused = |limit: u64, what: &str, again| Error::Overloaded {
            why: format!("task hub {hub} takes in {limit} {what} a second (setting hubs.limits)"),
            again,
        };
        self.levels(|levels| {
            if let Some(limit) = per_second {
                levels
                    .requests
                    .take(1, limit, now)
                    .map_err(|again| refused(limit, "starts, events and signals", again))
                    .inspect_err(|_| count(&refusals.per_second))?;
            }
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            if let Some(limit) = bytes_per_second {
                levels
                    .bytes
                    .take(bytes, limit, now)
                    .map_err(|again| refused(limit, "bytes", again))
                    .inspect_err(|_| count(&refusals.bytes_per_second))?;
            }
            Ok(())
        })
    }
}

/// So much a second, and no more than a second's worth at once. One that is larger than that is let in when the bucket is full, and what
/// follows waits until it is paid for.
#[derive(Debug, Default)]
struct Bucket {
    /// When it is full again.
    full_at: Timestamp,
}

impl Bucket {
    /// Takes `amount`; the error says how long to wait.
    fn take(&mut self, amount: u64, per_second: u64, now: Timestamp) -> Result<(), Duration> {
        let second = Duration::from_secs(1);
        let cost = u128::from(amount) * second.as_micros() / u128::from(per_second.max(1));
        let cost = Duration::from_micros(u64::try_from(cost).unwrap_or(u64::MAX));
        let missing = now.until(self.full_at);
        let allowed = second.saturating_sub(cost);
        if missing > allowed {
            return Err(missing - allowed);
        }
        self.full_at = self.full_at.max(now).plus(cost);
        Ok(())
    }
}

/// How many instances are live, as of the last count and what was started since. What has ended since is seen by the next count.
#[derive(Debug, Default)]
struct Live {
    at_most: Option<u64>,
    counted_at: Timestamp,
}

#[derive(Debug, PartialEq, Eq)]
enum Room {
    Yes,
    No,
    /// Not known: count.
    Count,
}

impl Live {
    /// A count is good for so long, if it leaves no room.
    const GOOD_FOR: Duration = Duration::from_millis(250);

    fn take(&mut self, most: u64, now: Timestamp) -> Room {
        match self.at_most {
            Some(live) if live < most => {
                self.at_most = Some(live + 1);
                Room::Yes
            }
            Some(_) if self.counted_at.until(now) < Self::GOOD_FOR => Room::No,
            _ => Room::Count,
        }
    }

    /// Takes over a count, and the one for whom it was made, if there is room.
    fn counted(&mut self, live: u64, most: u64, now: Timestamp) -> bool {
        let room = live < most;
        self.at_most = Some(live + u64::from(room));
        self.counted_at = now;
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicI64;

    #[derive(Debug, Default)]
    struct Hands(AtomicI64);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }
    }

    impl Hands {
        fn pass(&self, ms: i64) {
            self.0.fetch_add(ms * 1_000, Ordering::Relaxed);
        }
    }

    fn hub() -> String {
        "Busy".to_owned()
    }

    fn limited(allowance: HubAllowance) -> Admission {
        let hubs = vec![(HubName::parse("busy").unwrap(), allowance)];
        Admission::new(Allowance { hubs, ..Allowance::default() })
    }

    fn wait(refused: Result<impl Sized, Error>) -> Option<Duration> {
        match refused {
            Ok(_) => None,
            Err(Error::Overloaded { again, .. }) => Some(again),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn so_many_at_a_time_and_a_place_is_free_when_one_is_done() {
        let (admission, clock) =
            (Admission::new(Allowance { under_way: 2, ..Allowance::default() }), Hands::default());
        let first = admission.request(hub, 1, &clock).unwrap();
        let _second = admission.request(hub, 1, &clock).unwrap();
        assert_eq!(wait(admission.request(hub, 1, &clock)), Some(SHORTLY));
        assert_eq!(
            wait(admission.request(hub, 1, &clock)),
            Some(SHORTLY),
            "one that is refused takes no place"
        );
        drop(first);
        assert_eq!(wait(admission.request(hub, 1, &clock)), None);
    }

    #[test]
    fn a_hub_takes_in_a_seconds_worth_at_once_and_then_as_it_comes() {
        let (admission, clock) =
            (limited(HubAllowance { per_second: Some(4), ..HubAllowance::default() }), Hands::default());
        for _ in 0..4 {
            assert_eq!(wait(admission.request(hub, 1, &clock)), None);
        }
        assert_eq!(wait(admission.request(hub, 1, &clock)), Some(Duration::from_millis(250)));
        clock.pass(250);
        assert_eq!(wait(admission.request(hub, 1, &clock)), None);
        assert!(wait(admission.request(hub, 1, &clock)).is_some());
        assert_eq!(
            wait(admission.request(|| "other".to_owned(), 1, &clock)),
            None,
            "other hubs have no limit"
        );
    }

    #[test]
    fn one_payload_larger_than_a_seconds_worth_is_let_in_and_paid_for() {
        let allowance = HubAllowance { bytes_per_second: Some(1_000), ..HubAllowance::default() };
        let (admission, clock) = (limited(allowance), Hands::default());
        assert_eq!(wait(admission.request(hub, 3_000, &clock)), None);
        assert_eq!(wait(admission.request(hub, 1, &clock)), Some(Duration::from_millis(2_001)));
        clock.pass(2_001);
        assert_eq!(wait(admission.request(hub, 1, &clock)), None);
    }

    #[test]
    fn a_disk_that_fills_up_takes_nothing_new_until_there_is_room_again() {
        let (free, clock) = (Arc::new(AtomicUsize::new(1_000)), Hands::default());
        let told = free.clone();
        let disk = Disk { least: 500, free: Arc::new(move || Some(told.load(Ordering::Relaxed) as u64)) };
        let admission = Admission::new(Allowance { disk: Some(disk), ..Allowance::default() });
        admission.request(hub, 1, &clock).unwrap();
        free.store(499, Ordering::Relaxed);
        admission.request(hub, 1, &clock).unwrap();
        clock.pass(250);
        admission.request(hub, 1, &clock).unwrap_err();
        free.store(1_000, Ordering::Relaxed);
        clock.pass(250);
        admission.request(hub, 250, &clock).unwrap();
        free.store(499, Ordering::Relaxed);
        let refused = admission.request(hub, 1, &clock);
        assert!(matches!(refused, Err(Error::DiskLow { free: 499, least: 500 })), "{refused:?}");
        free.store(500, Ordering::Relaxed);
        clock.pass(250);
        admission.request(hub, 1, &clock).unwrap();
    }

    #[tokio::test]
    async fn live_instances_are_counted_when_the_limit_seems_to_be_reached_and_not_before() {
        let (admission, clock) =
            (limited(HubAllowance { live: Some(3), ..HubAllowance::default() }), Hands::default());
        let start = async |live| admission.start(hub, &clock, async |_| Ok(live)).await;
        assert_eq!(wait(start(1).await), None);
        assert_eq!(wait(start(u64::MAX).await), None, "it is the third, and nobody looked");
        assert_eq!(wait(start(0).await), Some(SHORTLY), "not counted again at once");
        clock.pass(250);
        assert_eq!(wait(start(3).await), Some(SHORTLY));
        clock.pass(250);
        assert_eq!(wait(start(2).await), None);
    }
}
