//! Processes: each has a dispatch and a manager of its own on the data that the one before has left, and dies with all that is in memory.

use super::{programs::LOG, world::World};
use crate::{
    dispatch::{self, ConcurrencyLimit, Dispatch, Kind, Waiters},
    manager::{Hubs, Limits, Manager},
    model::{Effect, HubId, HubName},
    store::{
        Store,
        faulty::{FaultyStore, Script, Told},
        sqlite::SqliteStore,
    },
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How long a silent worker may hold a turn.
pub const TURN_LEASE: Duration = Duration::from_secs(40);

/// The data, which outlives the processes.
pub struct Disk {
    pub store: Arc<SqliteStore>,
    told: Told,
}

/// What a process has.
#[derive(Clone)]
pub struct Process {
    pub dispatch: Dispatch,
    pub manager: Manager,
    pub hub: HubId,
}

/// How a process ends.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// All that was in memory is gone.
    Died,
    /// It has done what it had to.
    Done,
}

impl Disk {
    pub fn new() -> Self {
        let (effects, told) = unbounded_channel();
        let store = Arc::new(SqliteStore::here(effects).expect("a database in memory can be opened"));
        Self { store, told: Arc::new(Mutex::new(told)) }
    }

    /// Starts process after process until one of them has done with `act`.
    pub fn live(
        &self,
        world: &Arc<World>,
        script: &Arc<dyn Script>,
        mut act: impl AsyncFnMut(&Process) -> End,
    ) {
        loop {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            let runtime = runtime.expect("a runtime needs nothing");
            let end = runtime.block_on(async {
                world.born();
                let (process, death) = self.start(world, script.clone()).await;
                let end = tokio::select! {
                    biased;
                    () = death.cancelled() => End::Died,
                    end = act(&process) => end,
                };
                world.died();
                end
            });
            drop(runtime);
            if end == End::Done {
                return;
            }
            world.tell(|| "the process dies".to_owned());
            self.store.crash().expect("it can be opened again");
        }
    }

    async fn start(
        &self,
        world: &Arc<World>,
        script: Arc<dyn Script>,
    ) -> (Process, tokio_util::sync::CancellationToken) {
        let name = HubName::parse("default").expect("it is a name");
        let hubs = Hubs::open(&*self.store, &[name], false).await.expect("nothing fails here");
        let hub = hubs.find(None).expect("it is there");
        let (effects, mut told) = unbounded_channel();
        if world.plan.late_effects {
            let (late, arriving) = unbounded_channel();
            tokio::spawn(hold_up(world.clone(), std::mem::replace(&mut told, arriving), late));
        }
        let store = FaultyStore::new(self.store.clone(), self.told.clone(), effects, script);
        let death = store.death();
        let store: Arc<dyn Store> = Arc::new(store);
        let waiters = Arc::new(Waiters::default());
        let limits = Limits { payload_bytes: 1 << 20, idempotency: Duration::from_secs(60 * 60) };
        let manager = Manager::new(store.clone(), waiters.clone(), world.clone(), Arc::new(hubs), limits);
        let settings = dispatch::Settings {
            cache_bytes: world.plan.cache_bytes,
            window: world.plan.window,
            window_bytes: world.plan.window_bytes,
            payload_bytes: 1 << 20,
            work_item_bytes: 4 << 20,
            history: dispatch::Longest { events: 0, bytes: 0 },
            max_backoff: Duration::from_secs(2),
            turn_lease: TURN_LEASE,
            activity_lease: Duration::from_secs(50),
            watchdog: Duration::from_secs(10),
            // Bad luck is no poison.
            activity_deliveries: 0,
            turn_deliveries: 0,
            concurrency: concurrency(world.plan.concurrency),
        };
        let dispatch = Dispatch::start(store, told, world.clone(), waiters, settings);
        (Process { dispatch, manager, hub }, death)
    }
}

/// Of one name of each kind at most this much is out at a time; 0: without limit.
fn concurrency(most: usize) -> Vec<ConcurrencyLimit> {
    let names = [(Kind::Turn, "Gather"), (Kind::Turn, "Part"), (Kind::Activity, "Work"), (Kind::Batch, LOG)];
    let limit = |(kind, name): (Kind, &str)| ConcurrencyLimit { kind, name: name.into(), most };
    names.into_iter().filter(|_| most > 0).map(limit).collect()
}

/// Effects that arrive a little later than they were told, in their order.
async fn hold_up(
    world: Arc<World>,
    mut told: UnboundedReceiver<Vec<Effect>>,
    late: UnboundedSender<Vec<Effect>>,
) {
    while let Some(effects) = told.recv().await {
        if !world.state().calm {
            let millis = world.draw(|rng| rng.pick(&[0, 0, 0, 1, 10]));
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        let _nobody = late.send(effects);
    }
}
