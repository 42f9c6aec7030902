//! One port for everything: HTTP/1.1 and HTTP/2 with prior knowledge, told apart by their first bytes; within TLS, if there is a certificate.

use super::{
    crowd::Crowd,
    greet::{Greeted, Greeter},
    tls::Tls,
    watched::{Given, Watch, Watched},
};
use crate::api::Peer;
use axum::Router;
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(super) use super::watched::Patience;

/// By how much hyper's own deadline for a request's head is longer than ours.
const BACKSTOP: Duration = Duration::from_secs(5);
/// Pause between HTTP/2 keep-alive pings, and how long a client may take to answer one. A client that vanished without a word is
/// noticed within the sum of both, and what it held goes back.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_PATIENCE: Duration = Duration::from_secs(20);
/// HTTP/2 flow control, in bytes: histories and payloads come in megabytes.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
/// Pause after the system refuses to accept (out of file descriptors, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that may wait to be accepted. The usual 128 overflow when a fleet of clients comes back at once: some of them then wait a
/// second for their next try, and some are reset.
const BACKLOG: u32 = 4096;

/// Takes the address.
pub(super) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that a restart need not wait for what is left of old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What every connection to the port shares.
pub(super) struct Port {
    /// Answers requests.
    pub router: Router,
    /// How long what may take.
    pub patience: Patience,
    /// How many connections there may be.
    pub crowd: Crowd,
    /// How many requests one HTTP/2 connection may have open.
    pub streams: u32,
    /// The certificate. `None`: nothing is encrypted.
    pub tls: Option<Arc<Tls>>,
    /// Cancelled: no new connections, and the open ones end after their requests.
    pub closing: CancellationToken,
}

/// Serves until `closing`, then lets open connections finish what they are answering.
pub(super) async fn serve(listener: TcpListener, port: Port) {
    let graceful = GracefulShutdown::new();
    let port = Arc::new(port);
    let builder = builder(port.patience, port.streams);
    let greeter = Arc::new(Greeter::new(port.tls.clone(), port.patience));
    loop {
        let (stream, peer) = tokio::select! {
            () = port.closing.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let Some(place) = port.crowd.enter() else {
            port.crowd.turn_away(stream, port.tls.is_some());
            continue;
        };
        no_delay(&stream);
        let (port, greeter, builder, watcher) =
            (port.clone(), greeter.clone(), builder.clone(), graceful.watcher());
        tokio::spawn(async move {
            let greeted = tokio::select! {
                () = port.closing.cancelled() => return,
                greeted = greeter.greet(stream, peer) => greeted,
            };
            match greeted {
                Some(Greeted::Plain(stream)) => speak(stream, peer, &port, &builder, watcher).await,
                Some(Greeted::Secure(stream)) => speak(*stream, peer, &port, &builder, watcher).await,
                None => {}
            }
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// Answers what is asked on one connection.
async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    port: &Port,
    builder: &Builder<TokioExecutor>,
    watcher: Watcher,
) {
    let (watch, router) = (Watch::new(port.patience), port.router.clone());
    let stream = TokioIo::new(Watched::new(stream, watch.clone()));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let answering = watch.begin();
        let answer = router.clone().oneshot(request);
        async move { answer.await.map(|response| response.map(|body| Given::new(body, answering))) }
    });
    let connection = builder.serve_connection(stream, service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended badly");
    }
}

fn builder(patience: Patience, streams: u32) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // Whoever is silent is turned away by `Watched`, and this comes never before it. It must be there all the same: without a deadline
    // hyper does not look at an idle connection again, and nobody would notice that the time is over.
    let backstop = patience.idle + patience.head + BACKSTOP;
    builder.http1().timer(TokioTimer::new()).header_read_timeout(backstop);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE)
        .max_concurrent_streams(streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    builder
}

/// Small answers must not wait for more to come.
fn no_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY refused");
    }
}
