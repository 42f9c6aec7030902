//! The server that is measured.

use super::{channel::Channel, dial::Dial};
use crate::api::grpc::generated::task_hub_sidecar_service_client::TaskHubSidecarServiceClient;
use hyper::Uri;
use std::path::Path;

/// A client of the protocol.
pub type Client = TaskHubSidecarServiceClient<Channel>;

/// Large enough for any work item.
const MESSAGE_BYTES: usize = 1 << 30;

/// A server, the connection that operations share, and what tells this run from others.
#[derive(Clone)]
pub struct Target {
    base: Uri,
    /// The way to it.
    pub dial: Dial,
    headers: Vec<(&'static str, String)>,
    /// What to add to the query of an HTTP request.
    pub hub: Option<String>,
    /// How the ids of this run begin.
    pub run: String,
    client: Client,
}

impl Target {
    /// `url` is `http://HOST:PORT`, or the same with https and the file with the certificates that may vouch for it, `ca`. The error says
    /// what is wrong with it, or that nobody answers there.
    pub async fn connect(
        url: &str,
        ca: Option<&Path>,
        key: Option<&str>,
        hub: Option<&str>,
    ) -> Result<Self, String> {
        let base: Uri =
            url.trim_end_matches('/').parse().map_err(|error| format!("--target {url}: {error}"))?;
        let secure = base.scheme_str() == Some("https");
        if !(secure || base.scheme_str() == Some("http")) || base.path() != "/" || base.query().is_some() {
            return Err(format!(
                "--target {url}: give http://HOST:PORT or https://HOST:PORT, without a path"
            ));
        }
        let (Some(host), port) = (base.host(), base.port_u16().unwrap_or(if secure { 443 } else { 80 }))
        else {
            return Err(format!("--target {url}: there is no host in it"));
        };
        let address = format!("{host}:{port}");
        let dial = match (secure, ca) {
            (true, Some(ca)) => Dial::secure(address, host, ca)?,
            (true, None) => {
                return Err(format!("--target {url}: https takes --ca FILE, the certificates to trust"));
            }
            (false, None) => Dial::plain(address),
            (false, Some(_)) => return Err(format!("--ca has no meaning for {url}, which is not https")),
        };
        let mut headers = Vec::new();
        headers.extend(key.map(|key| ("x-functions-key", key.to_owned())));
        headers.extend(hub.map(|hub| ("taskhub", hub.to_owned())));
        let client = client(&base, &dial, &headers).await?;
        let run = format!("bench-{:08x}", uuid::Uuid::new_v4().as_fields().0);
        Ok(Self { base, dial, headers, hub: hub.map(str::to_owned), run, client })
    }

    /// A client on the connection that operations share.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client on a connection of its own.
    pub async fn other_client(&self) -> Result<Client, String> {
        client(&self.base, &self.dial, &self.headers).await
    }

    /// The headers that requests need.
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// The id of instance `number`.
    pub fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.run)
    }
}

async fn client(base: &Uri, dial: &Dial, headers: &[(&'static str, String)]) -> Result<Client, String> {
    let channel = Channel::connect(base.clone(), dial, headers).await?;
    let client = TaskHubSidecarServiceClient::with_origin(channel, base.clone());
    Ok(client.max_decoding_message_size(MESSAGE_BYTES).max_encoding_message_size(MESSAGE_BYTES))
}

/// What a refused call was told.
pub fn told(status: tonic::Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}
