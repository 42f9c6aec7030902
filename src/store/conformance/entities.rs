//! Entities and their locks.

use super::fixture::*;
use crate::{
    model::{
        Class, Commit, Effect, EntityChange, EntityId, InstanceId, InstanceKey, Lock, LockChange,
        NewExecution, Outgoing, Pending, Recipient, Status, StatusSet, Timestamp,
    },
    store::{EntityFilter, EntityLoaded, Error, Filter, Order, PageLimits, Purged, Read, Walk},
};

fn entity(text: &str) -> EntityId {
    EntityId::parse(text).unwrap()
}

fn lock(owner: &str, section: &str) -> Lock {
    Lock { owner: InstanceId::lookup(owner), execution_id: format!("{owner}-1"), section: section.into() }
}

impl StoreTest {
    async fn signal(&self, to: &str, operation: &str) {
        let message = message(Class::Event, operation);
        self.store.entity_signal(self.hub, entity(to), message, NOW).await.unwrap();
    }

    /// The key of an entity that gets its first message now.
    async fn make(&mut self, id: &str) -> InstanceKey {
        self.effects();
        self.signal(id, "first").await;
        match self.effects().as_slice() {
            [Effect::Message { to, status: Status::Pending, .. }] => to.key,
            other => panic!("{other:?}"),
        }
    }

    /// A turn that takes all messages.
    async fn batch(&self, key: InstanceKey, number: i64, change: EntityChange) -> Commit {
        let consumed = self.inbox_ids(key).await;
        Commit { consumed, entity: Some(change), ..self.turn(key, number) }
    }

    /// Locks an entity that has just been made; answers whether that was done.
    async fn lock(&self, key: InstanceKey, lock: Lock) -> bool {
        let then = Box::new(outgoing(Recipient::Instance(lock.owner.clone()), "granted"));
        let turn = self.load(key).await.record.turn + 1;
        let taken = LockChange::Take { lock: lock.clone(), then };
        // Without a state it vanishes unless the lock is taken.
        let vanishes = self.load(key).await.entity.unwrap().state.is_none();
        let change = EntityChange { lock: taken, vanishes, ..Default::default() };
        self.store.turn_commit(self.batch(key, turn, change).await).await.unwrap();
        self.locked(key).await == Some(lock)
    }

    async fn locked(&self, key: InstanceKey) -> Option<Lock> {
        self.store.instance_load(key).await.unwrap()?.entity.unwrap().lock
    }

    async fn ids(&self, filter: EntityFilter) -> Vec<String> {
        let listed = self.store.entity_list(self.hub, filter, None, false, limits(99)).await.unwrap();
        assert_eq!(listed.next, None);
        listed.entities.iter().map(|entity| entity.id.to_string()).collect()
    }
}

fn state(state: Option<&str>) -> EntityChange {
    EntityChange { state: Some(state.map(Into::into)), vanishes: state.is_none(), ..Default::default() }
}

fn limits(rows: usize) -> PageLimits {
    PageLimits { rows, bytes: usize::MAX, read: Read::All }
}

pub async fn an_entity_comes_with_its_first_message(cx: &mut StoreTest) {
    let key = cx.make("@counter@a").await;
    cx.signal("@counter@a", "second").await;
    assert_eq!(short(&cx.effects()), ["Message @counter@a second Running"]);
    assert_eq!(cx.inbox(key).await, ["first", "second"]);
    let loaded = cx.load(key).await;
    assert_eq!((&*loaded.record.name, loaded.record.turn), ("counter", 0));
    assert_eq!(loaded.entity, Some(EntityLoaded::default()));
    let ready = cx.store.ready_claim(NOW, InstanceKey(0), 9).await.unwrap();
    assert_eq!(ready.len(), 1);
    // From a turn, too, and in the order of the outbox.
    let sender = cx.create("a").await;
    let mut turn = cx.turn(sender, 1);
    turn.outbox = vec![
        outgoing(Recipient::Entity(entity("@counter@b")), "x"),
        outgoing(Recipient::Entity(entity("@counter@a")), "third"),
        outgoing(Recipient::Entity(entity("@counter@b")), "y"),
    ];
    cx.effects();
    cx.store.turn_commit(turn).await.unwrap();
    assert_eq!(
        short(&cx.effects()),
        [
            "Message @counter@b x Pending",
            "Message @counter@a third Running",
            "Message @counter@b y Running",
            "Changed a Running"
        ]
    );
}

pub async fn an_entity_goes_when_nothing_is_left_of_it(cx: &mut StoreTest) {
    let key = cx.make("@counter@a").await;
    cx.store.turn_commit(cx.batch(key, 1, state(Some("5"))).await).await.unwrap();
    assert_eq!(cx.load(key).await.entity.unwrap().state.as_deref(), Some("5"));
    // It would vanish, but for a message that came meanwhile.
    let end = cx.batch(key, 2, state(None)).await;
    cx.signal("@counter@a", "late").await;
    cx.store.turn_commit(end).await.unwrap();
    assert_eq!(cx.inbox(key).await, ["late"]);
    cx.effects();
    let nothing = EntityChange { vanishes: true, ..Default::default() };
    cx.store.turn_commit(cx.batch(key, 3, nothing).await).await.unwrap();
    assert_eq!(short(&cx.effects()), ["Changed @counter@a Running", "Gone @counter@a"]);
    assert_eq!(cx.store.instance_load(key).await.unwrap(), None);
    assert_ne!(cx.make("@counter@a").await, key);
}

pub async fn a_lock_is_given_to_the_living_only(cx: &mut StoreTest) {
    let (key, owner) = (cx.make("@account@1").await, cx.create("a").await);
    assert!(cx.lock(key, lock("a", "s1")).await);
    assert_eq!(cx.inbox(owner).await, ["start", "granted"]);
    cx.create_ended("b").await;
    for dead in ["b", "nobody"] {
        let id = format!("@account@{dead}");
        let key = cx.make(&id).await;
        assert!(!cx.lock(key, lock(dead, "s2")).await);
        let told = [format!("Changed {id} Running"), format!("Unlocked {id} s2"), format!("Gone {id}")];
        assert_eq!(short(&cx.effects()), told, "nobody else has a message for it");
    }
    // An earlier execution of an instance that lives is as dead as any.
    let key = cx.make("@account@2").await;
    assert!(!cx.lock(key, Lock { execution_id: "a-0".into(), ..lock("a", "s3") }).await);
    assert_eq!(cx.inbox(owner).await, ["start", "granted"]);
}

pub async fn a_lock_goes_with_the_execution_that_holds_it(cx: &mut StoreTest) {
    for (end, name) in [(Pending::DropAll, "a"), (Pending::DropExecution, "b")] {
        let owner = cx.create(name).await;
        let (free, kept) = (format!("@account@{name}"), format!("@vault@{name}"));
        let (first, second) = (cx.make(&free).await, cx.make(&kept).await);
        cx.store.turn_commit(cx.batch(second, 1, state(Some("5"))).await).await.unwrap();
        assert!(cx.lock(first, lock(name, "s")).await && cx.lock(second, lock(name, "s")).await);
        let mut turn = cx.turn(owner, 1);
        turn.pending = end;
        match end {
            Pending::DropAll => {
                turn.update.status = Status::Failed;
                turn.update.completed_at = Some(NOW);
            }
            _ => {
                let next = NewExecution { execution_id: "next".into(), version: None, input: None };
                turn.update.execution = Some(next);
            }
        }
        cx.effects();
        cx.store.turn_commit(turn).await.unwrap();
        let told = short(&cx.effects());
        let unlocked = format!("Unlocked {free} s");
        assert_eq!(told[..3], [unlocked, format!("Gone {free}"), format!("Unlocked {kept} s")]);
        assert_eq!(cx.locked(second).await, None);
    }
}

pub async fn a_lock_goes_when_its_owner_is_removed(cx: &mut StoreTest) {
    cx.create("a").await;
    let key = cx.make("@account@1").await;
    cx.store.turn_commit(cx.batch(key, 1, state(Some("5"))).await).await.unwrap();
    assert!(cx.lock(key, lock("a", "s")).await);
    cx.effects();
    cx.store.instance_create(cx.new_instance("a"), StatusSet::ALL.into()).await.unwrap();
    let told = short(&cx.effects());
    assert_eq!(told[..2], ["Unlocked @account@1 s", "Gone a"]);
    assert!(cx.lock(key, lock("a", "t")).await);
    while cx.store.hub_clear(cx.hub, 1).await.unwrap() > 0 {}
    assert!(cx.store.hub_remove(cx.hub).await.unwrap());
}

pub async fn a_locked_entity_goes_when_it_is_free_and_has_nothing_else(cx: &mut StoreTest) {
    let nothing = || EntityChange { vanishes: true, ..Default::default() };
    let (key, _) = (cx.make("@account@1").await, cx.create("a").await);
    assert!(cx.lock(key, lock("a", "s")).await);
    cx.signal("@account@1", "inside").await;
    let inside = cx.batch(key, 2, nothing()).await;
    cx.store.turn_commit(inside).await.unwrap();
    assert_eq!(cx.locked(key).await, Some(lock("a", "s")));
    cx.signal("@account@1", "last").await;
    let last = cx.batch(key, 3, nothing()).await;
    cx.store.instance_create(cx.new_instance("a"), StatusSet::ALL.into()).await.unwrap();
    assert_eq!(cx.inbox(key).await, ["last"], "its message keeps it");
    cx.effects();
    cx.store.turn_commit(last).await.unwrap();
    assert_eq!(short(&cx.effects()), ["Changed @account@1 Running", "Gone @account@1"]);
}

pub async fn a_released_lock_can_be_taken_again(cx: &mut StoreTest) {
    let (key, _) = (cx.make("@account@1").await, cx.create("a").await);
    assert!(cx.lock(key, lock("a", "s1")).await);
    let free = EntityChange { lock: LockChange::Release, ..Default::default() };
    cx.store.turn_commit(cx.batch(key, 2, free).await).await.unwrap();
    assert_eq!(cx.locked(key).await, None);
    assert!(cx.lock(key, lock("a", "s2")).await);
}

pub async fn a_purged_entity_keeps_what_waits_and_its_lock(cx: &mut StoreTest) {
    let id = entity("@counter@a");
    assert_eq!(cx.store.entity_purge(cx.hub, id.clone()).await.unwrap(), Purged::NotFound);
    let key = cx.make("@counter@a").await;
    cx.store.turn_commit(cx.batch(key, 1, state(Some("5"))).await).await.unwrap();
    cx.signal("@counter@a", "waits").await;
    let stale = cx.batch(key, 2, state(Some("6"))).await;
    cx.effects();
    assert_eq!(cx.store.entity_purge(cx.hub, id).await.unwrap(), Purged::Deleted);
    assert_eq!(short(&cx.effects()), ["Altered @counter@a"]);
    assert!(matches!(cx.store.turn_commit(stale).await, Err(Error::Fenced)));
    let loaded = cx.load(key).await;
    assert_eq!((loaded.entity.unwrap().state, cx.inbox(key).await), (None, vec!["waits".to_owned()]));
    // Nothing waits for this one.
    let key = cx.make("@counter@b").await;
    cx.store.turn_commit(cx.batch(key, 1, state(Some("5"))).await).await.unwrap();
    cx.effects();
    assert_eq!(cx.store.entity_purge(cx.hub, entity("@counter@b")).await.unwrap(), Purged::Deleted);
    assert_eq!(short(&cx.effects()), ["Gone @counter@b"]);
}

pub async fn an_entity_is_read_as_callers_see_it(cx: &mut StoreTest) {
    let id = InstanceId::lookup("@counter@a");
    assert_eq!(cx.store.entity_get(cx.hub, id.clone(), true).await.unwrap(), None);
    cx.create("a").await;
    let key = cx.make("@counter@a").await;
    cx.store.turn_commit(cx.batch(key, 1, state(Some("5"))).await).await.unwrap();
    assert!(cx.lock(key, lock("a", "s")).await);
    cx.signal("@counter@a", "waits").await;
    let found = cx.store.entity_get(cx.hub, id.clone(), true).await.unwrap().unwrap();
    assert_eq!((found.state_bytes, found.backlog, found.state.as_deref()), (Some(1), 1, Some("5")));
    assert_eq!((found.locked_by, found.modified_at), (Some(InstanceId::lookup("a")), Timestamp(NOW.0 + 2)));
    assert_eq!(cx.store.entity_get(cx.hub, id, false).await.unwrap().unwrap().state, None);
    let orchestration = cx.store.entity_get(cx.hub, InstanceId::lookup("a"), true).await.unwrap();
    assert_eq!(orchestration, None);
}

pub async fn entities_are_listed_in_pages(cx: &mut StoreTest) {
    cx.create("a").await;
    for (id, has_state) in
        [("@b@1", true), ("@a@2", true), ("@b@2", false), ("@a@1", true), ("@a@10", false), ("@ab@1", true)]
    {
        let key = cx.make(id).await;
        if has_state {
            cx.store.turn_commit(cx.batch(key, 1, state(Some("5"))).await).await.unwrap();
        }
    }
    let prefix = |prefix: &str, transient: bool| EntityFilter {
        prefix: Some(prefix.into()),
        has_state: (!transient).then_some(true),
        ..EntityFilter::default()
    };
    assert_eq!(
        cx.ids(EntityFilter { has_state: Some(true), ..Default::default() }).await,
        ["@a@1", "@a@2", "@ab@1", "@b@1"]
    );
    assert_eq!(cx.ids(prefix("@a@", true)).await, ["@a@1", "@a@10", "@a@2"]);
    assert_eq!(cx.ids(prefix("@a@1", false)).await, ["@a@1"]);
    assert_eq!(cx.ids(prefix("@a", true)).await, ["@a@1", "@a@10", "@a@2", "@ab@1"]);
    assert_eq!(cx.ids(prefix("a", true)).await, [""; 0]);
    let late = EntityFilter { modified_from: Some(Timestamp(NOW.0 + 1)), ..Default::default() };
    assert_eq!(cx.ids(late).await, ["@a@1", "@a@2", "@ab@1", "@b@1"]);
    let early = EntityFilter { modified_to: Some(NOW), ..Default::default() };
    assert_eq!(cx.ids(early).await, ["@a@10", "@b@2"]);
    let without = EntityFilter { has_state: Some(false), ..Default::default() };
    assert_eq!(cx.ids(without).await, ["@a@10", "@b@2"]);
    let (mut met, mut after) = (Vec::new(), None);
    loop {
        let page =
            cx.store.entity_list(cx.hub, EntityFilter::default(), after, true, limits(4)).await.unwrap();
        assert!(!page.entities.is_empty(), "a page with a token before it has something");
        met.extend(page.entities.into_iter().map(|entity| entity.id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(met, ["@a@1", "@a@10", "@a@2", "@ab@1", "@b@1", "@b@2"]);
}

pub async fn an_orchestration_that_an_entity_starts_replaces_nobody(cx: &mut StoreTest) {
    let key = cx.make("@counter@a").await;
    let (old, new) = (cx.create_ended("x").await, cx.new_instance("x"));
    let mut turn = cx.batch(key, 1, state(Some("5"))).await;
    let fresh = cx.new_instance("y");
    turn.children = [new, fresh]
        .map(|instance| crate::model::NewChild { instance, replaces: false, otherwise: None })
        .into();
    cx.store.turn_commit(turn).await.unwrap();
    assert_eq!(cx.load(old).await.record.status, Status::Completed);
    let (made, _) = cx.store.instance_get(cx.hub, InstanceId::lookup("y"), false).await.unwrap().unwrap();
    assert_eq!(made.status, Status::Pending);
}

pub async fn messages_of_one_turn_to_oneself_stay_with_oneself(cx: &mut StoreTest) {
    let key = cx.make("@counter@a").await;
    let mut turn = cx.batch(key, 1, EntityChange { vanishes: true, ..Default::default() }).await;
    let to = Recipient::Entity(entity("@counter@a"));
    turn.outbox = vec![Outgoing { to, message: message_at(Class::Event, "again", Timestamp(NOW.0 + 9)) }];
    cx.effects();
    cx.store.turn_commit(turn).await.unwrap();
    assert_eq!(short(&cx.effects()), ["Message @counter@a again Running", "Changed @counter@a Running"]);
    assert_eq!(cx.inbox(key).await, ["again"]);
}

pub async fn lists_leave_entities_out_if_asked(cx: &mut StoreTest) {
    cx.create("a").await;
    cx.make("@counter@a").await;
    for (entities, expected) in [(true, vec!["@counter@a", "a"]), (false, vec!["a"])] {
        let filter = Filter { entities, ..Filter::default() };
        for order in [Order::Created, Order::Updated, Order::Id] {
            let page =
                cx.store.instance_list(cx.hub, filter.clone(), Walk::first(order), limits(9)).await.unwrap();
            let mut ids: Vec<_> = page.instances.iter().map(|(record, _)| record.id.to_string()).collect();
            ids.sort();
            assert_eq!(ids, expected, "{order:?}");
        }
        let counts = cx.store.instance_count(cx.hub, filter).await.unwrap();
        assert_eq!(counts.total(), expected.len() as u64);
    }
}
