//! Bulk jobs.

use super::fixture::*;
use crate::model::{
    HubId, HubName, InstanceId, InstanceKey, Job, JobEnd, JobFailure, JobState, JobStep, NewJob, Timestamp,
};

const LATER: Timestamp = Timestamp(NOW.0 + 9);

fn new_job(hub: HubId, id: &str) -> NewJob {
    NewJob {
        id: id.into(),
        hub,
        created_at: NOW,
        action: "purge".into(),
        by: Some("ops".into()),
        filter: Some("name=a".into()),
        reason: Some("enough".into()),
        total: Some(7),
        request: format!("what {id} does"),
    }
}

/// A job of the hub under test.
pub async fn make(cx: &StoreTest, id: &str) -> Job {
    cx.store.job_create(new_job(cx.hub, id), 99).await.unwrap()
}

fn ended(state: JobState) -> JobEnd {
    JobEnd { state, at: LATER, error: Some("why".into()).filter(|_| state == JobState::Failed) }
}

fn failures(ids: &[&str]) -> Vec<JobFailure> {
    let failure = |id: &&str| JobFailure { instance: (*id).to_owned(), why: format!("{id} would not") };
    ids.iter().map(failure).collect()
}

async fn listed(cx: &StoreTest, hub: HubId) -> Vec<String> {
    cx.store.job_list(hub, 99).await.unwrap().into_iter().map(|job| job.id).collect()
}

async fn get(cx: &StoreTest, id: &str) -> Option<Job> {
    cx.store.job_get(cx.hub, id.into()).await.unwrap()
}

async fn end(cx: &StoreTest, id: &str, state: JobState) -> bool {
    cx.store.job_end(id.into(), ended(state)).await.unwrap()
}

pub async fn a_job_is_listed_from_its_making_to_its_end(cx: &mut StoreTest) {
    let made = make(cx, "a").await;
    let expected = Job {
        id: "a".into(),
        hub: cx.hub,
        created_at: NOW,
        ended_at: None,
        state: JobState::Running,
        action: "purge".into(),
        by: Some("ops".into()),
        filter: Some("name=a".into()),
        reason: Some("enough".into()),
        total: Some(7),
        done: 0,
        skipped: 0,
        failed: 0,
        error: None,
        newest: InstanceKey(0),
    };
    assert_eq!(made, expected);
    let bare = NewJob { by: None, filter: None, reason: None, total: None, ..new_job(cx.hub, "b") };
    let bare = cx.store.job_create(bare, 99).await.unwrap();
    assert_eq!((&bare.by, &bare.filter, &bare.reason, bare.total), (&None, &None, &None, None));
    assert_eq!(cx.store.job_list(cx.hub, 99).await.unwrap(), [bare.clone(), expected]);
    assert_eq!(cx.store.job_list(cx.hub, 1).await.unwrap(), [bare]);
    let other = cx.store.hub_ensure(HubName::parse("other").unwrap()).await.unwrap();
    assert_eq!(cx.store.job_get(other, "a".into()).await.unwrap(), None, "it is another hub's");
    assert_eq!(listed(cx, other).await, [""; 0]);

    assert!(end(cx, "a", JobState::Failed).await);
    let seen = get(cx, "a").await.unwrap();
    assert_eq!((seen.state, seen.ended_at, seen.error), (JobState::Failed, Some(LATER), Some("why".into())));
    assert!(!end(cx, "a", JobState::Stopped).await, "it has ended");
    assert!(!end(cx, "nobody", JobState::Stopped).await);
    assert_eq!(get(cx, "a").await.unwrap().state, JobState::Failed);
    assert_eq!(cx.effects(), []);
}

pub async fn steps_add_up_and_so_do_their_failures(cx: &mut StoreTest) {
    make(cx, "a").await;
    let step = |done, skipped, ids: &[&str], position: &str| JobStep {
        done,
        skipped,
        failures: failures(ids),
        position: position.into(),
    };
    assert!(cx.store.job_advance("a".into(), step(3, 1, &["x", "y"], "one"), None, 9).await.unwrap());
    let last = step(4, 0, &["z"], "two");
    assert!(!cx.store.job_advance("a".into(), last, Some(ended(JobState::Completed)), 9).await.unwrap());
    let job = get(cx, "a").await.unwrap();
    assert_eq!((job.done, job.skipped, job.failed), (7, 1, 3));
    assert_eq!((job.state, job.ended_at), (JobState::Completed, Some(LATER)));
    assert_eq!(cx.store.job_failures("a".into()).await.unwrap(), failures(&["x", "y", "z"]));
    assert!(!cx.store.job_advance("nobody".into(), step(1, 1, &[], ""), None, 9).await.unwrap());
}

pub async fn only_so_many_failures_are_kept_and_all_are_counted(cx: &mut StoreTest) {
    make(cx, "a").await;
    for ids in [&["1", "2"][..], &["3", "4"], &["5"]] {
        let step = JobStep { failures: failures(ids), ..JobStep::default() };
        assert!(cx.store.job_advance("a".into(), step, None, 3).await.unwrap());
    }
    assert_eq!(get(cx, "a").await.unwrap().failed, 5);
    assert_eq!(cx.store.job_failures("a".into()).await.unwrap(), failures(&["1", "2", "3"]));
}

pub async fn what_was_under_way_when_a_job_was_stopped_is_counted(cx: &mut StoreTest) {
    make(cx, "a").await;
    assert!(end(cx, "a", JobState::Stopped).await);
    let step = JobStep { done: 5, failures: failures(&["x"]), ..JobStep::default() };
    assert!(!cx.store.job_advance("a".into(), step, Some(ended(JobState::Completed)), 9).await.unwrap());
    let job = get(cx, "a").await.unwrap();
    assert_eq!((job.state, job.done, job.failed), (JobState::Stopped, 5, 1));
}

pub async fn running_jobs_of_all_hubs_are_found_with_all_that_is_needed(cx: &mut StoreTest) {
    let other = cx.store.hub_ensure(HubName::parse("other").unwrap()).await.unwrap();
    cx.store.job_create(new_job(other, "first"), 99).await.unwrap();
    make(cx, "ended").await;
    make(cx, "second").await;
    assert!(end(cx, "ended", JobState::Completed).await);
    let step = JobStep { position: "half".into(), ..JobStep::default() };
    assert!(cx.store.job_advance("second".into(), step, None, 9).await.unwrap());
    let running = cx.store.job_running().await.unwrap();
    let seen: Vec<_> = running
        .iter()
        .map(|work| (work.job.id.as_str(), work.job.hub, work.request.as_str(), work.position.as_str()))
        .collect();
    assert_eq!(
        seen,
        [("first", other, "what first does", ""), ("second", cx.hub, "what second does", "half")]
    );
}

pub async fn only_ended_jobs_are_deleted(cx: &mut StoreTest) {
    make(cx, "a").await;
    make(cx, "b").await;
    let step = JobStep { failures: failures(&["x"]), ..JobStep::default() };
    cx.store.job_advance("a".into(), step, None, 9).await.unwrap();
    assert!(!cx.store.job_delete("a".into()).await.unwrap());
    assert!(end(cx, "a", JobState::Stopped).await);
    assert!(cx.store.job_delete("a".into()).await.unwrap());
    assert!(!cx.store.job_delete("a".into()).await.unwrap());
    assert_eq!(cx.store.job_failures("a".into()).await.unwrap(), []);
    assert_eq!(listed(cx, cx.hub).await, ["b"]);
}

pub async fn old_ended_jobs_make_room_for_new_ones(cx: &mut StoreTest) {
    let other = cx.store.hub_ensure(HubName::parse("other").unwrap()).await.unwrap();
    cx.store.job_create(new_job(other, "elsewhere"), 2).await.unwrap();
    assert!(end(cx, "elsewhere", JobState::Completed).await);
    for id in ["runs", "a", "b", "c"] {
        cx.store.job_create(new_job(cx.hub, id), 2).await.unwrap();
        if id != "runs" {
            assert!(end(cx, id, JobState::Completed).await);
        }
    }
    cx.store.job_create(new_job(cx.hub, "d"), 2).await.unwrap();
    assert_eq!(listed(cx, cx.hub).await, ["d", "c", "b", "runs"]);
    assert_eq!(listed(cx, other).await, ["elsewhere"]);
}

pub async fn a_job_knows_the_newest_instance_of_its_beginning(cx: &mut StoreTest) {
    cx.create("a").await;
    let newest = cx.create_ended("b").await;
    assert_eq!(make(cx, "j").await.newest, newest);
    assert!(cx.create("c").await > newest);
    assert_eq!(get(cx, "j").await.unwrap().newest, newest);
    cx.store.instance_purge(cx.hub, InstanceId::lookup("b")).await.unwrap();
    assert!(cx.create("b").await > newest);
}

pub async fn a_cleared_hub_has_no_jobs(cx: &mut StoreTest) {
    let other = cx.store.hub_ensure(HubName::parse("other").unwrap()).await.unwrap();
    cx.store.job_create(new_job(other, "elsewhere"), 9).await.unwrap();
    cx.create("i").await;
    for id in ["a", "b"] {
        make(cx, id).await;
    }
    for removed in [2, 1, 0] {
        assert_eq!(cx.store.hub_clear(cx.hub, 2).await.unwrap(), removed);
    }
    assert_eq!(listed(cx, cx.hub).await, [""; 0]);
    assert_eq!(listed(cx, other).await, ["elsewhere"]);
    let step = JobStep { done: 1, ..JobStep::default() };
    assert!(!cx.store.job_advance("a".into(), step, None, 9).await.unwrap(), "it is gone");
}
