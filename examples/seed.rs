//! Fills a database with instances, for measuring and for trying out a dashboard: names, versions, tags, parents, ends, times and
//! payloads differ, but the same arguments make the same instances (times aside, which end now).
//!
//! ```sh
//! cargo run --release --example seed -- --db /tmp/many.db --count 1000000
//! durahub serve --store sqlite:/tmp/many.db
//! ```
//!
//! It writes through the store, as a server does, so what it makes is what a server would have made. No server may have the file open.

use clap::Parser;
use durahub::{
    clock::{Clock as _, SystemClock},
    model::{
        Chunk, Commit, HistoryChange, HubId, HubName, InstanceId, InstanceUpdate, MessageId, NewInstance,
        Pending, Status, StatusExt as _, StatusSet, Timestamp, event, failure,
        pb::{self, history_event::EventType},
    },
    store::{
        Created, Store,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Fills a database with instances.
#[derive(Clone, Debug, Parser)]
struct Arguments {
    /// The file; made if there is none.
    #[arg(long)]
    db: PathBuf,
    /// How many instances that have ended.
    #[arg(long, default_value_t = 100_000)]
    count: u64,
    /// How many that still run, waiting for an event, the newest of all.
    #[arg(long, default_value_t = 0)]
    live: u64,
    /// One more that has ended, called `long-history`, with so many events.
    #[arg(long, default_value_t = 0)]
    events: i64,
    /// Their task hub.
    #[arg(long, default_value = "default")]
    hub: String,
    /// What the choices are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Over how many days they spread, up to now.
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// How many are written at a time.
    #[arg(long, default_value_t = 512)]
    lanes: u64,
}

const NAMES: [&str; 12] = [
    "ProcessOrder",
    "ShipOrder",
    "SendInvoice",
    "Refund",
    "NightlyReport",
    "ImportCustomers",
    "ResizeImages",
    "Onboarding",
    "ApproveExpense",
    "RotateKeys",
    "CloseAccount",
    "Reindex",
];
/// One in ten thousand.
const RARE_NAME: &str = "DisasterRecovery";
const TEAMS: [&str; 4] = ["red", "green", "blue", "grey"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    // A seed that is cut short is made again: nothing here has been promised to anybody.
    let options = SqliteOptions { synchronous_full: false, ..SqliteOptions::file(&arguments.db) };
    // Nobody listens, so what waits for whom is not told.
    let (effects, _) = tokio::sync::mpsc::unbounded_channel();
    let store = Arc::new(SqliteStore::open(options, effects)?);
    let hub = store.hub_ensure(HubName::parse(&arguments.hub)?).await?;
    let plan = Arc::new(Plan { hub, now: SystemClock.now(), arguments });
    let (next, done, begun) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Instant::now());
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..plan.arguments.lanes.max(1) {
        let (store, plan, next, done) = (store.clone(), plan.clone(), next.clone(), done.clone());
        lanes.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= plan.total() {
                    return Ok(());
                }
                write(&*store, plan.instance(number)).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let mut tick = tokio::time::interval(Duration::from_secs(2));
    loop {
        tokio::select! {
            lane = lanes.join_next() => match lane {
                Some(lane) => lane?.map_err(|error: durahub::store::Error| error.to_string())?,
                None => break,
            },
            _ = tick.tick() => progress(&done, plan.total(), begun),
        }
    }
    if plan.arguments.events > 0 {
        write(&*store, plan.long_history()).await?;
    }
    progress(&done, plan.total(), begun);
    store.close().await?;
    Ok(())
}

fn progress(done: &AtomicU64, total: u64, begun: Instant) {
    let (done, seconds) = (done.load(Ordering::Relaxed), begun.elapsed().as_secs().max(1));
    eprintln!("{done} of {total} instances, {} per second", done / seconds);
}

/// Creates the instance and makes its one turn. What is there already stays as it is.
async fn write(store: &dyn Store, seeded: Seeded) -> Result<(), durahub::store::Error> {
    let Seeded { new, mut commit } = seeded;
    if let Created::New(key) = store.instance_create(new, StatusSet::NONE.into()).await? {
        commit.key = key;
        if !commit.update.status.is_terminal() {
            // Its start message has been dealt with, too; the inbox of an ended one is dropped as a whole.
            let inbox = store.instance_load(key).await?.map(|loaded| loaded.inbox).unwrap_or_default();
            commit.consumed = inbox.iter().map(|message| message.id).collect::<Vec<MessageId>>();
        }
        store.turn_commit(commit).await?;
    }
    Ok(())
}

struct Seeded {
    new: NewInstance,
    commit: Commit,
}

struct Plan {
    arguments: Arguments,
    hub: HubId,
    now: Timestamp,
}

/// What is drawn for one instance (splitmix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = self.below(choices.len() as u64);
        choices[usize::try_from(index).unwrap_or(0)]
    }
}

impl Plan {
    fn total(&self) -> u64 {
        self.arguments.count + self.arguments.live
    }

    fn draw(&self, number: u64) -> Draw {
        Draw(self.arguments.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ number.wrapping_mul(0x9e37_79b9))
    }

    /// Few names are frequent, most are not.
    fn name(&self, number: u64) -> &'static str {
        let mut draw = self.draw(number);
        if draw.below(10_000) == 0 {
            return RARE_NAME;
        }
        let half = draw.below(NAMES.len() as u64) + 1;
        NAMES[usize::try_from(draw.below(half)).unwrap_or(0)]
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{}-{number:07}", self.name(number).to_lowercase(), self.arguments.seed)
    }

    fn instance(&self, number: u64) -> Seeded {
        let mut draw = Draw(self.draw(number).below(u64::MAX));
        let live = number >= self.arguments.count;
        let status = match draw.below(1_000) {
            0..900 if live => Status::Running,
            _ if live => Status::Suspended,
            0..930 => Status::Completed,
            930..980 => Status::Failed,
            980..999 => Status::Terminated,
            _ => Status::Canceled,
        };
        let span = i64::from(self.arguments.days.max(1)) * 86_400_000_000;
        let part = i128::from(span) * i128::from(number) / i128::from(self.total().max(1));
        let created = self.now.0 - span + i64::try_from(part).unwrap_or(0);
        let took = 20_000 + i64::try_from(draw.below(20_000_000)).unwrap_or(0);
        let changed = Timestamp((created + took).min(self.now.0));
        let input = format!(r#"{{"order":{number},"note":"{}"}}"#, "x".repeat(usize_of(draw.below(200))));
        let mut started = pb::ExecutionStartedEvent {
            name: self.name(number).to_owned(),
            version: [None, Some("1.0"), Some("1.1"), Some("2.0")][usize_of(draw.below(4))]
                .map(str::to_owned),
            input: Some(input),
            ..Default::default()
        };
        if draw.below(3) == 0 {
            started.tags.insert("team".into(), draw.one_of(&TEAMS).into());
            started.tags.insert("tenant".into(), format!("t{}", draw.below(5_000)));
        }
        if draw.below(20_000) == 0 {
            started.tags.insert("vip".into(), "true".into());
        }
        // Each hundredth has up to twenty children.
        if !number.is_multiple_of(100) && draw.below(5) == 0 {
            started.parent_instance = Some(pb::ParentInstanceInfo {
                task_scheduled_id: i32::try_from(number % 100).unwrap_or(0),
                orchestration_instance: Some(pb::OrchestrationInstance {
                    instance_id: self.id(number - number % 100),
                    execution_id: Some("seed".into()),
                }),
                ..Default::default()
            });
        }
        self.seeded(self.id(number), Timestamp(created), started, status, changed, 3)
    }

    fn long_history(&self) -> Seeded {
        let started = pb::ExecutionStartedEvent { name: "LongHistory".into(), ..Default::default() };
        let activities = (self.arguments.events - 4).max(0) / 2;
        let created = Timestamp(self.now.0 - 1_000_000);
        self.seeded("long-history".into(), created, started, Status::Completed, self.now, activities)
    }

    fn seeded(
        &self,
        id: String,
        created_at: Timestamp,
        mut started: pb::ExecutionStartedEvent,
        status: Status,
        changed: Timestamp,
        activities: i64,
    ) -> Seeded {
        started.orchestration_instance = Some(pb::OrchestrationInstance {
            instance_id: id.clone(),
            execution_id: Some(format!("{:032x}", self.draw(created_at.0.unsigned_abs()).below(u64::MAX))),
        });
        let mut events = vec![
            event::orchestrator_started(created_at),
            event::server_event(created_at, EventType::ExecutionStarted(started.clone())),
        ];
        // The first half one after another, the others side by side.
        let tasks = i32::try_from(activities).unwrap_or(i32::MAX);
        let mut completions = Vec::new();
        for task in 0..tasks {
            let scheduled = pb::TaskScheduledEvent {
                name: "Step".into(),
                input: Some(format!(r#""item {task}""#)),
                ..Default::default()
            };
            events.push(event::with_id(task, created_at, EventType::TaskScheduled(scheduled)));
            completions.push(event::task_completed(changed, task, Some(r#"{"done":true}"#.into())));
            if task < tasks / 2 {
                events.append(&mut completions);
            }
        }
        events.append(&mut completions);
        let ended = status.is_terminal();
        let failure =
            (status == Status::Failed).then(|| failure("PaymentError", "the card was declined", false));
        let output = match status {
            Status::Completed => Some(r#"{"total":12.5,"currency":"EUR"}"#.to_owned()),
            Status::Terminated => Some(r#""no longer wanted""#.to_owned()),
            _ => None,
        };
        if ended {
            events.push(event::execution_completed(-1, changed, status, output.clone(), failure.clone()));
            events.push(event::orchestrator_completed(changed));
        }
        let update = InstanceUpdate {
            status,
            updated_at: changed,
            reopens: false,
            completed_at: ended.then_some(changed),
            custom_status: Some(Some(r#"{"step":3,"of":3}"#.to_owned())),
            trace: None,
            output,
            failure,
            execution: None,
        };
        let commit = Commit {
            hub: self.hub,
            key: durahub::model::InstanceKey(0),
            turn: 1,
            consumed: Vec::new(),
            history: HistoryChange::Append(Chunk::encode(0, events)),
            update,
            pending: if ended { Pending::DropAll } else { Pending::Keep },
            children: Vec::new(),
            activities: Vec::new(),
            outbox: Vec::new(),
            entity: None,
        };
        let new =
            NewInstance { hub: self.hub, id: InstanceId::lookup(id), created_at, start_at: None, started };
        Seeded { new, commit }
    }
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0)
}
