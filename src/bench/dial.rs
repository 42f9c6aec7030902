//! Connections to the server, with TLS or without.

use std::{path::Path, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

/// Bytes to and from a server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Where a server is, and what it has to prove.
#[derive(Clone)]
pub struct Dial {
    /// Host and port.
    pub address: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Dial {
    /// Without TLS.
    pub fn plain(address: String) -> Self {
        Self { address, tls: None }
    }

    /// With TLS: `ca` is a PEM file with the certificates that may vouch for `host`. The error is for a person.
    pub fn secure(address: String, host: &str, ca: &Path) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("--ca {}: {error}", ca.display());
        let text = std::fs::read(ca).map_err(|error| failed(&error))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&text) {
            roots.add(certificate.map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
        }
        if roots.is_empty() {
            return Err(failed(&"there is no certificate in it"));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|error| format!("--target: {error}"))?;
        Ok(Self { address, tls: Some((Arc::new(config).into(), name)) })
    }

    /// One connection.
    pub async fn connect(&self) -> Result<Box<dyn Stream>, String> {
        let failed = |error: std::io::Error| format!("cannot connect to {}: {error}", self.address);
        let stream = TcpStream::connect(&self.address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((connector, name)) => {
                Ok(Box::new(connector.connect(name.clone(), stream).await.map_err(failed)?))
            }
        }
    }
}
