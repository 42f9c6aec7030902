//! Equal questions are answered once. Twenty dashboards that look because something has changed ask the same things at the same moment.
//!
//! Nobody is given an answer that was begun before he asked: whoever comes while a question is being answered shares the next answer with all
//! others who come meanwhile. So a question costs at most what one asker costs who asks again and again.

use super::super::Error;
use axum::{
    body::Bytes,
    extract::Request,
    http::{HeaderMap, StatusCode},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Longest answer, in bytes; a page of instances is far below it.
const MAX_BYTES: usize = 64 << 20;

/// Where questions are asked, by method, path and query.
#[derive(Clone, Default)]
pub struct Desk(Arc<Mutex<HashMap<String, Asked>>>);

/// An answer that is being worked out, or waits for its turn; `None` if there is none: a handler has panicked.
type Answering = Shared<BoxFuture<'static, Option<Answer>>>;

/// A question that is being answered.
struct Asked {
    now: Answering,
    /// For those who came after that was begun.
    next: Option<Answering>,
}

#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Desk {
    /// Answers a request by what `next` answers to it, or to an equal one that came a little earlier.
    pub async fn ask(self, request: Request, next: Next) -> Response {
        let question = format!("{} {}", request.method(), request.uri());
        let answer = self.share(question, async move { Answer::of(next.run(request).await).await });
        match answer.await {
            Some(Answer { status, headers, body }) => (status, headers, body).into_response(),
            None => Error::Panicked.into_response(),
        }
    }

    fn share(
        &self,
        question: String,
        work: impl Future<Output = Option<Answer>> + Send + 'static,
    ) -> Answering {
        let mut desk = self.open();
        match desk.get_mut(&question) {
            Some(Asked { next: Some(next), .. }) => next.clone(),
            Some(asked) => {
                let next = self.begin(question, Some(asked.now.clone()), work);
                asked.next.insert(next).clone()
            }
            None => {
                let now = self.begin(question.clone(), None, work);
                desk.insert(question, Asked { now: now.clone(), next: None });
                now
            }
        }
    }

    /// In a task of its own: whoever asked first may hang up.
    fn begin(
        &self,
        question: String,
        before: Option<Answering>,
        work: impl Future<Output = Option<Answer>> + Send + 'static,
    ) -> Answering {
        let desk = self.clone();
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                before.await;
                if let Some(asked) = desk.open().get_mut(&question)
                    && let Some(next) = asked.next.take()
                {
                    asked.now = next;
                }
            }
            let answer = work.await;
            let mut desk = desk.open();
            if desk.get(&question).is_some_and(|asked| asked.next.is_none()) {
                desk.remove(&question);
            }
            answer
        });
        task.map(|done| done.ok().flatten()).boxed().shared()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    async fn of(response: Response) -> Option<Self> {
        let (parts, body) = response.into_parts();
        match axum::body::to_bytes(body, MAX_BYTES).await {
            Ok(body) => Some(Self { status: parts.status, headers: parts.headers, body }),
            Err(error) => {
                tracing::error!(%error, "an answer could not be collected");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    /// Work that ends when it is let go, and counts how often it was begun.
    struct Work {
        desk: Desk,
        begun: Arc<AtomicUsize>,
        go: Arc<Semaphore>,
    }

    impl Work {
        fn new() -> Self {
            Self { desk: Desk::default(), begun: Arc::default(), go: Arc::new(Semaphore::new(0)) }
        }

        fn ask(&self, question: &str) -> Answering {
            let (begun, go) = (self.begun.clone(), self.go.clone());
            self.desk.share(question.to_owned(), async move {
                let number = begun.fetch_add(1, Ordering::SeqCst) + 1;
                go.acquire().await.ok()?.forget();
                let body = Bytes::from(number.to_string());
                Some(Answer { status: StatusCode::OK, headers: HeaderMap::new(), body })
            })
        }

        async fn until_begun(&self, times: usize) {
            while self.begun.load(Ordering::SeqCst) < times {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn body(answer: Answering) -> String {
        String::from_utf8(answer.await.unwrap().body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn of_twenty_equal_questions_two_are_answered_and_none_by_what_was_begun_before() {
        let work = Work::new();
        let first = work.ask("counts");
        work.until_begun(1).await;
        let later: Vec<_> = (0..20).map(|_| work.ask("counts")).collect();
        work.go.add_permits(2);
        assert_eq!(body(first).await, "1");
        for answer in later {
            assert_eq!(body(answer).await, "2");
        }
        assert!(work.desk.open().is_empty(), "nothing is kept");
    }

    #[tokio::test]
    async fn another_question_does_not_wait() {
        let work = Work::new();
        let (_first, other) = (work.ask("counts"), work.ask("failures"));
        work.until_begun(2).await;
        work.go.add_permits(2);
        other.await.unwrap();
    }

    #[tokio::test]
    async fn who_asks_later_is_answered_although_the_one_before_hung_up_or_panicked() {
        let work = Work::new();
        drop(work.ask("counts"));
        work.until_begun(1).await;
        let next = work.ask("counts");
        work.go.add_permits(2);
        assert_eq!(body(next).await, "2");
        let panics = work.desk.share("failures".into(), async { panic!("told to panic") });
        assert!(panics.await.is_none());
        work.go.add_permits(1);
        assert!(work.ask("failures").await.is_some());
    }
}
