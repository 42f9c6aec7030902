//! The server that is measured.

use super::channel::Channel;
use crate::api::grpc::generated::task_hub_sidecar_service_client::TaskHubSidecarServiceClient;
use hyper::Uri;

/// A client of the protocol.
pub type Client = TaskHubSidecarServiceClient<Channel>;

/// Large enough for any work item.
const MESSAGE_BYTES: usize = 1 << 30;

/// A server, the connection that operations share, and what tells this run from others.
#[derive(Clone)]
pub struct Target {
    base: Uri,
    /// Host and port.
    pub address: String,
    headers: Vec<(&'static str, String)>,
    /// What to add to the query of an HTTP request.
    pub hub: Option<String>,
    /// How the ids of this run begin.
    pub run: String,
    client: Client,
}

impl Target {
    /// `url` is `http://HOST:PORT`. The error says what is wrong with it, or that nobody answers there.
    pub async fn connect(url: &str, key: Option<&str>, hub: Option<&str>) -> Result<Self, String> {
        let base: Uri =
            url.trim_end_matches('/').parse().map_err(|error| format!("--target {url}: {error}"))?;
        if base.scheme_str() != Some("http") || base.path() != "/" || base.query().is_some() {
            return Err(format!("--target {url}: give http://HOST:PORT; https and paths are not supported"));
        }
        let (Some(host), port) = (base.host(), base.port_u16().unwrap_or(80)) else {
            return Err(format!("--target {url}: there is no host in it"));
        };
        let address = format!("{host}:{port}");
        let mut headers = Vec::new();
        headers.extend(key.map(|key| ("x-functions-key", key.to_owned())));
        headers.extend(hub.map(|hub| ("taskhub", hub.to_owned())));
        let client = client(&base, &address, &headers).await?;
        let run = format!("bench-{:08x}", uuid::Uuid::new_v4().as_fields().0);
        Ok(Self { base, address, headers, hub: hub.map(str::to_owned), run, client })
    }

    /// A client on the connection that operations share.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client on a connection of its own.
    pub async fn other_client(&self) -> Result<Client, String> {
        client(&self.base, &self.address, &self.headers).await
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

async fn client(base: &Uri, address: &str, headers: &[(&'static str, String)]) -> Result<Client, String> {
    let channel = Channel::connect(base.clone(), address, headers).await?;
    let client = TaskHubSidecarServiceClient::with_origin(channel, base.clone());
    Ok(client.max_decoding_message_size(MESSAGE_BYTES).max_encoding_message_size(MESSAGE_BYTES))
}

/// What a refused call was told.
pub fn told(status: tonic::Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}
