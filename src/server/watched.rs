//! A connection that is not waited on for ever. Whoever connects has to begin with something, to end the head of a request that was
//! begun, and, in HTTP/1, to send another one soon or leave. While a request is being answered nothing is counted here: callers may
//! wait long, and what counts for its body is the route's business. HTTP/2 has pings of its own instead.
//!
//! hyper's own deadline for heads cannot tell a slow head from an idle connection, and does not run before the first bytes are there.

use hyper::body::{Body, Frame, SizeHint};
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// What an HTTP/2 connection begins with, and nothing else does.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the connection to its first byte.
    pub first_byte: Duration,
    /// From the first byte of a request's head to the last.
    pub head: Duration,
    /// From the end of an answer to the next request.
    pub idle: Duration,
}

/// What the connection is waited on for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Its first byte.
    Silent,
    /// The rest of a head.
    Head,
    /// Nothing: it is we who have to answer.
    Busy,
    /// Another request.
    Idle,
    /// Nothing here: HTTP/2 looks after itself.
    Http2,
}

struct State {
    phase: Phase,
    since: Instant,
    /// How much of the preface has come; `None` once it is something else.
    preface: Option<usize>,
}

/// What the connection and its requests share.
pub struct Watch {
    patience: Patience,
    state: Mutex<State>,
}

impl Watch {
    /// For a connection that has just been accepted.
    pub fn new(patience: Patience) -> Arc<Self> {
        let state = State { phase: Phase::Silent, since: Instant::now(), preface: Some(0) };
        Arc::new(Self { patience, state: Mutex::new(state) })
    }

    /// A request is being answered until the guard is dropped.
    pub fn begin(self: &Arc<Self>) -> Answering {
        self.enter(|phase| (phase != Phase::Http2).then_some(Phase::Busy));
        Answering(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, next: impl FnOnce(Phase) -> Option<Phase>) {
        let mut state = self.state();
        if let Some(next) = next(state.phase) {
            (state.phase, state.since) = (next, Instant::now());
        }
    }

    /// Tells whether the connection turns out to be HTTP/2.
    fn heard(&self, bytes: &[u8]) -> bool {
        let mut state = self.state();
        if let Some(seen) = state.preface {
            let rest = &PREFACE[seen..];
            let common = rest.len().min(bytes.len());
            state.preface = (rest[..common] == bytes[..common]).then_some(seen + common);
            if state.preface == Some(PREFACE.len()) {
                state.phase = Phase::Http2;
                return true;
            }
        }
        if matches!(state.phase, Phase::Silent | Phase::Idle) {
            (state.phase, state.since) = (Phase::Head, Instant::now());
        }
        false
    }

    /// Until when the other side has to send something, and what that is.
    fn deadline(&self) -> Option<(Instant, &'static str)> {
        let state = self.state();
        match state.phase {
            Phase::Silent => {
                Some((state.since + self.patience.first_byte, "nothing was sent after connecting"))
            }
            Phase::Head => Some((state.since + self.patience.head, "the head of a request did not end")),
            Phase::Idle => Some((state.since + self.patience.idle, "no other request followed")),
            Phase::Busy | Phase::Http2 => None,
        }
    }
}

/// Held while a request is being answered.
pub struct Answering(Arc<Watch>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.enter(|phase| (phase == Phase::Busy).then_some(Phase::Idle));
    }
}

/// The stream of a watched connection.
pub struct Watched<S> {
    stream: S,
    watch: Arc<Watch>,
    timer: Option<Pin<Box<Sleep>>>,
    http2: bool,
}

impl<S> Watched<S> {
    /// Reads from it fail when the other side has been waited for long enough.
    pub fn new(stream: S, watch: Arc<Watch>) -> Self {
        Self { stream, watch, timer: None, http2: false }
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some((deadline, why)) = self.watch.deadline() else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.http2 {
            return polled;
        }
        match polled {
            Poll::Pending => self.poll_patience(cx),
            Poll::Ready(outcome) => {
                let new = buf.filled().get(before..).unwrap_or_default();
                if !new.is_empty() && self.watch.heard(new) {
                    (self.http2, self.timer) = (true, None);
                }
                Poll::Ready(outcome)
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.moved();
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.moved();
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> Watched<S> {
    /// Whoever still reads the end of a long answer is not idle.
    fn moved(&self) {
        if !self.http2 {
            self.watch.enter(|phase| (phase == Phase::Idle).then_some(Phase::Idle));
        }
    }
}

/// The body of an answer, which is being given as long as this exists.
pub struct Given<B> {
    body: B,
    _answering: Answering,
}

impl<B> Given<B> {
    /// Drops `answering` together with the body.
    pub fn new(body: B, answering: Answering) -> Self {
        Self { body, _answering: answering }
    }
}

impl<B: Body + Unpin> Body for Given<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    const PATIENCE: Patience = Patience {
        first_byte: Duration::from_secs(10),
        head: Duration::from_secs(20),
        idle: Duration::from_secs(30),
    };

    fn connection() -> (DuplexStream, Watched<DuplexStream>, Arc<Watch>) {
        let (client, server) = tokio::io::duplex(1024);
        let watch = Watch::new(PATIENCE);
        (client, Watched::new(server, watch.clone()), watch)
    }

    /// How many seconds a read takes to fail; the clock moves by itself when nothing else can happen.
    async fn gives_up_after(stream: &mut Watched<DuplexStream>) -> u64 {
        let begin = Instant::now();
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        begin.elapsed().as_secs()
    }

    async fn hear(client: &mut DuplexStream, stream: &mut Watched<DuplexStream>, bytes: &[u8]) {
        client.write_all(bytes).await.unwrap();
        stream.read_exact(&mut vec![0; bytes.len()]).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_own_patience() {
        let (mut client, mut stream, watch) = connection();
        assert_eq!(gives_up_after(&mut stream).await, 10);

        hear(&mut client, &mut stream, b"G").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        // More of the head does not buy more time for it.
        hear(&mut client, &mut stream, b"ET").await;
        assert_eq!(gives_up_after(&mut stream).await, 15);

        let answering = watch.begin();
        let waited = tokio::time::timeout(Duration::from_secs(86_400), stream.read_u8()).await;
        assert!(waited.is_err(), "a request that is being answered has no deadline");
        drop(answering);
        assert_eq!(gives_up_after(&mut stream).await, 30);
        hear(&mut client, &mut stream, b"G").await;
        assert_eq!(gives_up_after(&mut stream).await, 20);
    }

    #[tokio::test(start_paused = true)]
    async fn reading_the_end_of_an_answer_is_not_idle() {
        let (mut client, mut stream, watch) = connection();
        hear(&mut client, &mut stream, b"G").await;
        drop(watch.begin());
        tokio::time::sleep(Duration::from_secs(25)).await;
        stream.write_all(b"the rest").await.unwrap();
        assert_eq!(gives_up_after(&mut stream).await, 30);
    }

    #[tokio::test(start_paused = true)]
    async fn http2_is_left_alone_from_the_end_of_its_preface_on() {
        let (mut client, mut stream, watch) = connection();
        let (most, last) = PREFACE.split_at(PREFACE.len() - 1);
        hear(&mut client, &mut stream, most).await;
        assert_eq!(gives_up_after(&mut stream).await, 20);
        hear(&mut client, &mut stream, last).await;
        drop(watch.begin());
        let waited = tokio::time::timeout(Duration::from_secs(86_400), stream.read_u8()).await;
        assert!(waited.is_err(), "HTTP/2 has pings of its own");
    }

    #[tokio::test(start_paused = true)]
    async fn the_preface_counts_only_at_the_beginning() {
        let (mut client, mut stream, _watch) = connection();
        hear(&mut client, &mut stream, b"P").await;
        hear(&mut client, &mut stream, b"OST").await;
        hear(&mut client, &mut stream, PREFACE).await;
        assert_eq!(gives_up_after(&mut stream).await, 20);
    }
}
