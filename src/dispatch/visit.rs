//! Visits to the board: one at a time, each with everything the store has told before.

use super::{
    Dispatch,
    board::{Board, Job},
};
use crate::model::{Effect, HubId, InstanceId, Status};
use std::{
    future::poll_fn,
    mem,
    sync::PoisonError,
    task::{Context, Poll},
};
use tokio::sync::mpsc::UnboundedReceiver;

/// The board, and what the store tells it.
pub(super) struct Desk {
    board: Board,
    /// What the store tells, in the order of commits. It tells before it acknowledges: by taking in what is here, a visit sees whatever
    /// was acknowledged before it began.
    effects: UnboundedReceiver<Vec<Effect>>,
    /// What those who wait for changes have not been told yet.
    news: Vec<News>,
    /// How many groups of effects have been taken in.
    told: u64,
}

/// The instance has this status now; `None`: it is gone.
type News = (HubId, InstanceId, Option<Status>);

impl Desk {
    pub fn new(board: Board, effects: UnboundedReceiver<Vec<Effect>>) -> Self {
        Self { board, effects, news: Vec::new(), told: 0 }
    }

    /// Takes in what has been told.
    fn catch_up(&mut self) -> Vec<Job> {
        let before = self.told;
        while let Ok(group) = self.effects.try_recv() {
            self.take_in(group);
        }
        if self.told == before { Vec::new() } else { self.board.finish() }
    }

    fn take_in(&mut self, group: Vec<Effect>) {
        self.told += 1;
        self.news.extend(group.iter().filter_map(news));
        group.into_iter().for_each(|effect| self.board.effect(effect));
    }
}

fn news(effect: &Effect) -> Option<News> {
    match effect {
        Effect::Changed { hub, id, status, .. } => Some((*hub, id.clone(), Some(*status))),
        Effect::Gone { hub, id, .. } => Some((*hub, id.clone(), None)),
        Effect::Unparked { instance, status } => Some((instance.hub, instance.id.clone(), Some(*status))),
        Effect::Message { .. }
        | Effect::Activity(_)
        | Effect::Reopened { .. }
        | Effect::Unlocked { .. }
        | Effect::Altered { .. } => None,
    }
}

impl Dispatch {
    /// A visit to the board: `act`, then whatever work meets whatever worker, then the jobs that leaves. What the store has told is a visit
    /// of its own before, so that `act` never sees work beside a worker with room for it.
    pub(super) fn with_board<T>(&self, act: impl FnOnce(&mut Board) -> T) -> T {
        self.at_desk(|desk| {
            let mut jobs = desk.catch_up();
            let result = act(&mut desk.board);
            jobs.append(&mut desk.board.finish());
            (result, jobs)
        })
    }

    /// Takes in what no other visit has taken in, and tells those who wait for changes: here only, so that they hear of them in order.
    /// Ends when the store has been dropped. Goes on after a stop, so that commits under way are seen through.
    pub(super) async fn take_effects(self) {
        while let Some(news) = poll_fn(|context| self.poll_news(context)).await {
            for (hub, id, status) in news {
                self.shared.waiters.tell(hub, &id, status);
            }
        }
    }

    /// Woken whenever the store tells something, whoever takes it in. `None`: it will tell nothing any more.
    fn poll_news(&self, context: &mut Context<'_>) -> Poll<Option<Vec<News>>> {
        self.at_desk(|desk| {
            let rest = loop {
                match desk.effects.poll_recv(context) {
                    Poll::Ready(Some(group)) => desk.take_in(group),
                    rest => break rest,
                }
            };
            let news = mem::take(&mut desk.news);
            let told = if news.is_empty() { rest.map(|_| None) } else { Poll::Ready(Some(news)) };
            (told, desk.board.finish())
        })
    }

    /// How often the store has told something.
    pub(super) fn told(&self) -> u64 {
        self.at_desk(|desk| (desk.told, Vec::new()))
    }

    fn at_desk<T>(&self, act: impl FnOnce(&mut Desk) -> (T, Vec<Job>)) -> T {
        let now = self.shared.clock.now();
        let (result, jobs) = {
            let mut desk = self.shared.desk.lock().unwrap_or_else(PoisonError::into_inner);
            desk.board.at(now);
            act(&mut desk)
        };
        jobs.into_iter().for_each(|job| self.run(job));
        result
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        dispatch::{Interest, WorkItem, room::Room},
        model::{Status, StatusSet},
        store::conformance::new_instance,
    };

    #[tokio::test(start_paused = true)]
    async fn what_was_acknowledged_is_known_to_whoever_comes_next() {
        let room = Room::new().await;
        let id = new_instance(room.hub, "i").id;
        let mut waiter = room.dispatch.shared.waiters.subscribe(room.hub, id, Interest::Any);
        // The store does it at once, so that nothing else has run when the worker comes.
        room.store.instance_create(new_instance(room.hub, "i"), StatusSet::NONE.into()).await.unwrap();
        let WorkItem::Turn(turn) = room.join(&["Orchestrator"]).items.try_recv().unwrap() else {
            panic!("no turn")
        };
        assert_eq!(turn.instance.id.as_str(), "i");
        assert_eq!(waiter.next().await, Some(Status::Pending), "nobody has told it");
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_has_just_been_told_of_is_not_called_neglected() {
        let room = Room::new().await;
        let _seat = room.join(&["Orchestrator"]);
        room.store.instance_create(new_instance(room.hub, "i"), StatusSet::NONE.into()).await.unwrap();
        assert_eq!(room.dispatch.missing(), Vec::<String>::new());
    }
}
