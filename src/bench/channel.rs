//! gRPC on one HTTP/2 connection, with nothing between a call and the connection: a generator shares the machine with what it measures.

use super::dial::Dial;
use hyper::{
    Uri,
    client::conn::http2::SendRequest,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::body::Body;

/// Bytes under way that nobody has acknowledged: more than any workload has.
const WINDOW: u32 = 16 << 20;

/// A service for generated clients; clones share the connection.
#[derive(Clone)]
pub struct Channel {
    sender: SendRequest<Body>,
    base: Uri,
    headers: HeaderMap,
}

impl Channel {
    /// Connects to `base`, a URL without a path, and sends `headers` with each call.
    pub async fn connect(base: Uri, dial: &Dial, headers: &[(&'static str, String)]) -> Result<Self, String> {
        let stream = dial.connect().await?;
        let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| format!("cannot connect to {}: {error}", dial.address))?;
        // What goes wrong with it is told to whoever is calling.
        tokio::spawn(async move { drop(connection.await) });
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let value =
                HeaderValue::from_str(value).map_err(|_| format!("{name} cannot be sent in a header"))?;
            map.insert(HeaderName::from_static(name), value);
        }
        Ok(Self { sender, base, headers: map })
    }
}

impl tower::Service<hyper::Request<Body>> for Channel {
    type Response = hyper::Response<hyper::body::Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.sender.poll_ready(context)
    }

    fn call(&mut self, mut request: hyper::Request<Body>) -> Self::Future {
        let mut parts = self.base.clone().into_parts();
        parts.path_and_query = request.uri().path_and_query().cloned();
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
        request.headers_mut().extend(self.headers.clone());
        Box::pin(self.sender.send_request(request))
    }
}
