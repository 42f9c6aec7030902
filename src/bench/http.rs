//! HTTP/1.1 on a kept connection.

use super::{dial::Dial, target::Target};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode, client::conn::http1::SendRequest, header};
use hyper_util::rt::TokioIo;

/// One connection, made anew when it has been closed.
pub struct Connection {
    target: Target,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// Connects at the first request.
    pub fn new(target: &Target) -> Self {
        Self { target: target.clone(), sender: None }
    }

    /// Sends a request and reads the whole answer. The error is for no answer at all.
    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: &'static [u8],
    ) -> Result<(StatusCode, Bytes), String> {
        let mut request =
            Request::builder().method(method).uri(path).header(header::HOST, &self.target.dial.address);
        for (name, value) in self.target.headers() {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from_static(body))).map_err(|error| error.to_string())?;
        let sender = match &mut self.sender {
            Some(sender) if !sender.is_closed() => sender,
            other => other.insert(connect(&self.target.dial).await?),
        };
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    }
}

async fn connect(dial: &Dial) -> Result<SendRequest<Full<Bytes>>, String> {
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(dial.connect().await?)).await;
    let (sender, connection) =
        shaken.map_err(|error| format!("cannot connect to {}: {error}", dial.address))?;
    // What goes wrong with it is told to whoever asks.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}
