//! Whatever order completions arrive in, and however they are cut into turns, a replay asks for the same things.

use super::{future::*, history::*, *};
use proptest::prelude::*;

/// A bit of everything: joins, races, retries, time limits, events, children.
async fn busy(ctx: OrchestrationContext) -> Result<String, TaskError> {
    let policy = RetryPolicy::new(3, SECOND);
    let retried = |n: u8| ctx.activity::<u8>("Flaky", &n).retry(policy.clone());
    let group = join_all((0..3).map(retried));
    let guarded = ctx.timeout(SECOND, group);
    let race = select(ctx.activity::<u8>("Left", &()), ctx.sub_orchestration::<u8>("Right", &()).id("right"));
    let (group, race) = join(guarded, race).await;
    let mut text = format!("{} {}", group.is_ok(), matches!(race, Either::Left(_)));
    drop(race);

    let mut many: FuturesUnordered<_> = (0..4u8).map(|n| ctx.activity::<u8>("Many", &n)).collect();
    while let Some(result) = many.next().await {
        let result = result.unwrap_or(99);
        if result % 2 == 0 {
            ctx.activity::<()>("Even", &result).await.ok();
        }
        text = format!("{text} {result}");
    }
    let (even, odd) = tokio::join!(ctx.activity::<u8>("Even", &0), ctx.activity::<u8>("Odd", &1));
    let first = tokio::select! {
        biased;
        _ = ctx.timer(SECOND) => 0,
        odd = ctx.activity::<u8>("Odd", &odd.is_ok()) => odd.unwrap_or(1),
    };
    text = format!("{text} {} {first}", even.is_ok());
    let event = ctx.event::<u8>("Go").timeout(SECOND).await?;
    ctx.send_event("other", "Done", &event);
    ctx.set_custom_status(&text);
    ctx.activity::<()>("Last", &text).await.ok();
    Ok(format!("{text} {event:?} {}", ctx.new_uuid()))
}

/// Entities called, signalled and locked; locks that are given up; failures caught.
async fn with_entities(ctx: OrchestrationContext) -> Result<String, TaskError> {
    let [one, two, three] = ["1", "2", "3"].map(|key| EntityId::new("E", key).unwrap());
    let mut text = String::new();
    for round in 0..4u8 {
        let early = ctx.call_entity::<u8>(&three, "early", &round).start();
        let section = match ctx.timeout(SECOND, ctx.lock_entities([&two, &one])).await {
            Ok(section) => section?,
            Err(_) => {
                ctx.signal_entity(&three, "late", &round);
                text = format!("{text} late {:?}", early.await.ok());
                continue;
            }
        };
        let calls = [&one, &two].map(|entity| ctx.call_entity::<u8>(entity, "get", &round));
        let race = select(join_all(calls), ctx.event::<u8>("Go")).await;
        if let Either::Left((results, _)) = race {
            let good = results.iter().flatten().count();
            ctx.activity::<()>("Good", &good).await.ok();
            text = format!("{text} {good}");
        }
        section.unlock();
        text = format!("{text} {:?}", early.await.map_err(|error| error.error_type().to_owned()));
    }
    Ok(text)
}

/// Plays a turn for each batch until the end; each turn's actions become part of the history. Returns all that was asked for.
fn play(registry: &Registry, batches: &[Vec<HistoryEvent>]) -> Vec<pb::OrchestratorAction> {
    let mut past = Vec::new();
    let mut asked = Vec::new();
    for batch in batches {
        let new = [vec![turn(1)], batch.clone()].concat();
        let actions = registry.run_orchestrator(request(&past, &new)).actions;
        past.extend(new);
        past.extend(actions.iter().filter_map(record));
        let ended = actions.last().is_some_and(|last| record(last).is_none());
        asked.extend(actions);
        if ended {
            break;
        }
    }
    asked
}

fn record(action: &pb::OrchestratorAction) -> Option<HistoryEvent> {
    Some(match action.orchestrator_action_type.as_ref()? {
        Action::ScheduleTask(it) => scheduled(action.id, &it.name),
        Action::CreateTimer(_) => timer(action.id),
        Action::CreateSubOrchestration(it) => child(action.id, &it.name, &it.instance_id),
        Action::SendEvent(it) => sent(action.id, &it.name, &it.instance.as_ref()?.instance_id),
        Action::SendEntityMessage(it) => {
            let kind = match it.entity_message_type.clone()? {
                Sent::EntityOperationSignaled(it) => EventType::EntityOperationSignaled(it),
                Sent::EntityOperationCalled(it) => EventType::EntityOperationCalled(it),
                Sent::EntityLockRequested(it) => EventType::EntityLockRequested(it),
                Sent::EntityUnlockSent(it) => EventType::EntityUnlockSent(it),
            };
            event::with_id(action.id, Timestamp(0), kind)
        }
        _ => return None,
    })
}

/// The answer to `action`, if there is one.
fn reply(action: &pb::OrchestratorAction, luck: u8) -> Option<HistoryEvent> {
    let (id, good) = (action.id, !luck.is_multiple_of(3));
    Some(match action.orchestrator_action_type.as_ref()? {
        Action::ScheduleTask(_) if good => done(id, &luck.to_string()),
        Action::ScheduleTask(_) => failed(id, "Unlucky"),
        Action::CreateSubOrchestration(_) if good => child_done(id, "1"),
        Action::CreateSubOrchestration(_) => child_failed(id, "Unlucky"),
        Action::CreateTimer(_) => fired(id),
        Action::SendEntityMessage(it) => match it.entity_message_type.as_ref()? {
            Sent::EntityOperationCalled(it) if good => call_done(&it.request_id, &luck.to_string()),
            Sent::EntityOperationCalled(it) => call_failed(&it.request_id, "Unlucky"),
            Sent::EntityLockRequested(it) => granted(&it.critical_section_id),
            _ => return None,
        },
        _ => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replay_does_not_depend_on_how_events_were_cut_into_turns(
        choices in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 80),
        sizes in prop::collection::vec(1usize..6, 80),
        entities: bool,
    ) {
        let registry = if entities { main(with_entities) } else { main(busy) };
        // One event per turn: whatever is outstanding may be next.
        let mut batches = vec![vec![started("")]];
        let mut open = Vec::new();
        let mut answered = 0;
        for (index, luck) in choices {
            let asked = play(&registry, &batches);
            open.extend(asked[answered..].iter().cloned());
            answered = asked.len();
            open.retain(|action| reply(action, luck).is_some());
            let event = match luck {
                0..20 => raised("go", "1"),
                _ if open.is_empty() => break,
                _ => reply(&open.swap_remove(index.index(open.len())), luck).unwrap(),
            };
            batches.push(vec![event]);
        }
        let one_by_one = play(&registry, &batches);
        prop_assert!(!one_by_one.iter().any(|action| words(action).contains("NonDeterminism")), "{one_by_one:#?}");
        let mut events = batches.concat().into_iter();
        let mut cut: Vec<Vec<_>> = sizes.iter().map(|&size| events.by_ref().take(size).collect()).collect();
        cut.push(events.collect());
        let in_words = |actions: Vec<_>| actions.iter().map(words).collect::<Vec<_>>();
        prop_assert_eq!(in_words(play(&registry, &cut)), in_words(one_by_one));
    }
}
