//! How many connections there may be at a time. Whoever comes when there are as many is told so, as far as that can be done at once, and is
//! not kept.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

/// So many are told why at the same time; the others find the connection closed.
const TOLD_AT_ONCE: usize = 100;
/// How long telling may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// The log says at most so often that there is no room.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The places there are.
pub(super) struct Crowd {
    most: usize,
    places: Arc<Semaphore>,
    telling: Arc<Semaphore>,
    logged: Mutex<Option<Instant>>,
}

impl Crowd {
    /// Has room for `most`.
    pub fn of(most: usize) -> Self {
        let (places, telling) = (Arc::new(Semaphore::new(most)), Arc::new(Semaphore::new(TOLD_AT_ONCE)));
        Self { most, places, telling, logged: Mutex::new(None) }
    }

    /// A place for one connection, until it is dropped. `None`: all are taken.
    pub fn enter(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// Sends somebody away. With TLS (`secure`) nobody could read why.
    pub fn turn_away(&self, stream: TcpStream, secure: bool) {
        self.log();
        if secure {
            return;
        }
        let Ok(turn) = self.telling.clone().try_acquire_owned() else { return };
        let text = refusal(self.most);
        tokio::spawn(async move {
            // Whoever has gone meanwhile need not be told.
            let _told = timeout(PATIENCE, tell(stream, &text)).await;
            drop(turn);
        });
    }

    fn log(&self) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
            *logged = Some(Instant::now());
            tracing::warn!(
                most = self.most,
                "connections are turned away: there are as many as server.connections permits"
            );
        }
    }
}

/// Answers what HTTP/1 has asked. HTTP/2 knows what it means when a connection is closed before anything was said.
async fn tell(mut stream: TcpStream, text: &str) -> std::io::Result<()> {
    // What has come is read, or closing would take the answer back.
    let mut asked = [0; 4096];
    let length = stream.read(&mut asked).await?;
    if !asked[..length].starts_with(b"PRI ") {
        stream.write_all(text.as_bytes()).await?;
    }
    stream.shutdown().await
}

/// As the API's own refusals look.
fn refusal(most: usize) -> String {
    let why = format!(
        "there are {most} connections already, as many as the setting server.connections permits; try again later"
    );
    let body = format!(
        r#"{{"Message":"{why}","ExceptionMessage":"{why}","ExceptionType":"System.Exception","StackTrace":null}}"#
    );
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}
