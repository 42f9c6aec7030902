//! Answers that name no delivery. Some SDKs return no completion token: their answers name an instance, and the task of an activity.
//!
//! Such an answer can be taken only if it is plain what it answers: exactly one delivery of its subject is out. After a turn was taken
//! back, or when task ids begin anew, more can be out, and an answer may be any one's. Then all answers are thrown away until every
//! delivery has had one, and what is still wanted is handed out afresh, alone.

use super::worker::WorkerId;
use crate::model::{HubId, InstanceId, Timestamp};
use std::collections::HashMap;

/// What an answer without a token is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    pub hub: HubId,
    pub instance: InstanceId,
    /// The task id of an activity; `None`: a turn.
    pub task: Option<i32>,
}

/// The deliveries of one subject that nobody has answered, as far as is known.
#[derive(Debug, Default)]
struct Out {
    tokens: Vec<String>,
    /// Answers thrown away because they could have been any one's. Never as many as there are tokens.
    answers: usize,
    /// Something that may have belonged to any of them was thrown away: no answer can be trusted until none is out.
    tainted: bool,
}

/// A turn that was taken out of a worker's hands, who does not know of it and will answer.
#[derive(Debug)]
struct TakenBack {
    subject: Subject,
    worker: WorkerId,
    /// From when on its answer is waited for.
    since: Timestamp,
}

/// All deliveries that may still be answered, by what they are about.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    by_subject: HashMap<Subject, Out>,
    /// By token. Only what is no lease any more.
    taken_back: HashMap<String, TakenBack>,
    /// Tokens of deliveries whose answers are among those thrown away.
    spent: Vec<String>,
}

impl Deliveries {
    /// A delivery goes out.
    pub fn sent(&mut self, subject: Subject, token: String) {
        self.by_subject.entry(subject).or_default().tokens.push(token);
    }

    /// A turn is taken out of its worker's hands; its answer is still to come.
    pub fn took_back(&mut self, subject: Subject, token: String, worker: WorkerId, since: Timestamp) {
        self.taken_back.insert(token, TakenBack { subject, worker, since });
    }

    /// The token of the delivery that an answer without one belongs to; `last`: nothing more follows this piece of it. `None`: there is
    /// none, or it cannot be told which.
    pub fn token_for(&mut self, subject: &Subject, last: bool) -> Option<String> {
        let out = self.by_subject.get_mut(subject)?;
        match out.tokens.as_slice() {
            [only] if !out.tainted => return Some(only.clone()),
            _ => {}
        }
        out.tainted = true;
        if last {
            out.answers += 1;
            self.end_if_spent(subject);
        }
        None
    }

    /// A delivery was answered under its token.
    pub fn answered(&mut self, subject: &Subject, token: &str) {
        self.remove(subject, token);
        self.end_if_spent(subject);
    }

    /// An answer came under a token that is no lease's: perhaps that of a turn that was taken back.
    pub fn answered_stale(&mut self, hub: HubId, token: &str) {
        if self.taken_back.get(token).is_some_and(|back| back.subject.hub == hub)
            && let Some(TakenBack { subject, .. }) = self.taken_back.remove(token)
        {
            self.answered(&subject, token);
        }
    }

    /// A delivery will not be answered any more: its worker is gone, or was silent too long. If answers were thrown away, one of them may
    /// have been its own, so that the others owe one more than it seemed.
    pub fn lost(&mut self, subject: &Subject, token: &str) {
        self.remove(subject, token);
        if let Some(out) = self.by_subject.get_mut(subject) {
            out.answers = out.answers.saturating_sub(1);
        }
        self.end_if_spent(subject);
    }

    /// Turns taken back from this worker will not be answered any more.
    pub fn worker_left(&mut self, worker: WorkerId) {
        self.lose_taken_back(|back| back.worker == worker);
    }

    /// Turns handed out before this and taken back, or taken back before this from silent workers, are not waited for any longer.
    pub fn expire(&mut self, turns: Timestamp) {
        self.lose_taken_back(|back| back.since < turns);
    }

    /// From when on the answers of turns that were taken back are waited for.
    pub fn times(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.taken_back.values_mut().map(|back| &mut back.since)
    }

    /// Tokens of deliveries that have been answered, though it cannot be told which answer was whose. Each is told once.
    pub fn take_spent(&mut self) -> Vec<String> {
        std::mem::take(&mut self.spent)
    }

    fn lose_taken_back(&mut self, which: impl Fn(&TakenBack) -> bool) {
        let lost: Vec<_> = self.taken_back.extract_if(|_, back| which(back)).collect();
        for (token, back) in lost {
            self.lost(&back.subject, &token);
        }
    }

    fn remove(&mut self, subject: &Subject, token: &str) {
        if let Some(out) = self.by_subject.get_mut(subject) {
            out.tokens.retain(|other| other != token);
            if out.tokens.is_empty() {
                self.by_subject.remove(subject);
            }
        }
    }

    fn end_if_spent(&mut self, subject: &Subject) {
        if self.by_subject.get(subject).is_some_and(|out| out.answers >= out.tokens.len())
            && let Some(out) = self.by_subject.remove(subject)
        {
            for token in out.tokens {
                if self.taken_back.remove(&token).is_none() {
                    self.spent.push(token);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(task: Option<i32>) -> Subject {
        Subject { hub: HubId(1), instance: InstanceId::lookup("A"), task }
    }

    fn out(tokens: &[&str]) -> Deliveries {
        let mut out = Deliveries::default();
        tokens.iter().for_each(|token| out.sent(subject(Some(1)), (*token).to_owned()));
        out
    }

    #[test]
    fn the_only_delivery_of_its_subject_is_known_without_a_token() {
        let mut all = out(&["a"]);
        all.sent(subject(Some(2)), "b".into());
        all.sent(subject(None), "t".into());
        assert_eq!(all.token_for(&subject(Some(1)), true).as_deref(), Some("a"));
        assert_eq!(all.token_for(&subject(Some(2)), true).as_deref(), Some("b"));
        assert_eq!(all.token_for(&subject(None), true).as_deref(), Some("t"));
        assert_eq!(all.token_for(&subject(Some(3)), true), None);
        all.answered(&subject(Some(1)), "a");
        assert_eq!(all.token_for(&subject(Some(1)), true), None);
        assert!(all.take_spent().is_empty());
    }

    #[test]
    fn of_two_none_is_known_until_both_are_answered() {
        let mut both = out(&["a", "b"]);
        assert_eq!(both.token_for(&subject(Some(1)), true), None);
        assert!(both.take_spent().is_empty());
        assert_eq!(both.token_for(&subject(Some(1)), true), None);
        assert_eq!(both.take_spent(), ["a", "b"]);
        assert!(both.take_spent().is_empty() && both.by_subject.is_empty());
    }

    #[test]
    fn an_answer_under_a_token_leaves_the_other_known_unless_one_was_thrown_away() {
        let mut both = out(&["a", "b"]);
        both.answered(&subject(Some(1)), "a");
        assert_eq!(both.token_for(&subject(Some(1)), true).as_deref(), Some("b"));
        let mut both = out(&["a", "b"]);
        both.token_for(&subject(Some(1)), true);
        both.answered(&subject(Some(1)), "a");
        assert_eq!(both.take_spent(), ["b"], "the answer thrown away was its");
    }

    #[test]
    fn whose_answer_was_thrown_away_is_not_guessed_when_a_worker_leaves() {
        let mut both = out(&["a", "b"]);
        both.token_for(&subject(Some(1)), true);
        both.lost(&subject(Some(1)), "a");
        assert!(both.take_spent().is_empty(), "the answer may have been that of a");
        assert_eq!(both.token_for(&subject(Some(1)), true), None, "or that of b, which then gives no other");
        assert_eq!(both.take_spent(), ["b"]);
    }

    #[test]
    fn a_piece_thrown_away_spoils_the_answer_it_belongs_to_and_counts_for_none() {
        let mut both = out(&["a", "b"]);
        assert_eq!(both.token_for(&subject(Some(1)), false), None);
        both.lost(&subject(Some(1)), "a");
        assert!(both.take_spent().is_empty());
        assert_eq!(both.token_for(&subject(Some(1)), true), None);
        assert_eq!(both.take_spent(), ["b"]);
    }

    #[test]
    fn a_turn_taken_back_is_owed_until_it_is_answered_or_lost() {
        let ends: [fn(&mut Deliveries); 4] = [
            |all| all.answered_stale(HubId(1), "a"),
            |all| all.worker_left(WorkerId(1)),
            |all| all.expire(Timestamp(6)),
            |all| {
                assert_eq!(all.token_for(&subject(None), true).as_deref(), Some("a"), "a stale token");
                all.answered_stale(HubId(1), "a");
            },
        ];
        for end in ends {
            let mut all = Deliveries::default();
            all.sent(subject(None), "a".into());
            all.took_back(subject(None), "a".into(), WorkerId(1), Timestamp(5));
            all.answered_stale(HubId(2), "a");
            all.worker_left(WorkerId(2));
            all.expire(Timestamp(5));
            assert_eq!(all.taken_back.len(), 1);
            end(&mut all);
            assert!(all.taken_back.is_empty() && all.by_subject.is_empty() && all.spent.is_empty());
        }
    }
}
