//! The beginning of a connection: the handshake if there is a certificate, and a sentence for whoever speaks the wrong protocol.

use super::{tls::Tls, watched::Patience};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};
use tokio_rustls::server::TlsStream;

/// What every handshake begins with, and no request.
const HANDSHAKE: u8 = 0x16;
/// How long somebody who speaks the wrong protocol may take to hang up.
const FAREWELL: Duration = Duration::from_secs(2);
const SPEAK_TLS: &str = "this port speaks TLS: use https://";
const SPEAK_PLAIN: &str = "this port does not speak TLS: use http://, or give the server a certificate (settings tls.cert and tls.key)";

/// A connection on which requests may come.
pub(super) enum Greeted {
    /// As it is.
    Plain(TcpStream),
    /// Behind a handshake.
    Secure(Box<TlsStream<TcpStream>>),
}

/// Greets every connection.
pub(super) struct Greeter {
    tls: Option<Arc<Tls>>,
    patience: Patience,
    /// Whether the log has said already that somebody speaks the wrong protocol. Once is enough: anybody can.
    said: AtomicBool,
}

impl Greeter {
    /// `tls`: what to show; without it nothing is encrypted.
    pub fn new(tls: Option<Arc<Tls>>, patience: Patience) -> Self {
        Self { tls, patience, said: AtomicBool::new(false) }
    }

    /// `None`: there is nobody to talk to.
    pub async fn greet(&self, stream: TcpStream, peer: SocketAddr) -> Option<Greeted> {
        let mut first = [0];
        match timeout(self.patience.first_byte, stream.peek(&mut first)).await {
            Ok(Ok(1)) => {}
            other => {
                tracing::debug!(%peer, outcome = ?other, "a connection ended before it began");
                return None;
            }
        }
        match (&self.tls, first[0] == HANDSHAKE) {
            (None, false) => Some(Greeted::Plain(stream)),
            (Some(tls), true) => {
                let shaken = timeout(self.patience.head, tls.acceptor().accept(stream)).await;
                let shaken = shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
                let failed = |error: &io::Error| tracing::debug!(%peer, %error, "a TLS handshake failed");
                shaken.inspect_err(failed).ok().map(|stream| Greeted::Secure(Box::new(stream)))
            }
            (Some(_), false) => self.send_away(stream, peer, SPEAK_TLS).await,
            (None, true) => self.send_away(stream, peer, SPEAK_PLAIN).await,
        }
    }

    /// Says what to do instead: to the caller, as far as he can read it, and to the log.
    async fn send_away(&self, mut stream: TcpStream, peer: SocketAddr, why: &'static str) -> Option<Greeted> {
        if self.said.swap(true, Ordering::Relaxed) {
            tracing::debug!(%peer, why, "somebody speaks the wrong protocol");
        } else {
            tracing::warn!(%peer, why, "somebody speaks the wrong protocol (further ones at the level of debug)");
        }
        let answer = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{why}\n",
            why.len() + 1
        );
        let farewell = async {
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await?;
            // What is still to come is read, or the answer might be lost with the connection.
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
        };
        // Whether it arrives is the caller's affair.
        let _heard = timeout(FAREWELL, farewell).await;
        None
    }
}
