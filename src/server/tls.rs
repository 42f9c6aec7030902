//! The certificate that the port shows, and its key. Both are files, read at the start and again when somebody says so; connections that are
//! open keep what they began with.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::ring,
        pki_types::{
            CertificateDer, PrivateKeyDer,
            pem::{self, PemObject as _},
        },
    },
};

/// What both ends may agree on, the better one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// Readable by everybody.
const WORLD_READABLE: u32 = 0o004;

/// Why a certificate cannot be used. The text names the setting.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or may not be read.
    #[error("cannot read {} (setting {setting}): {source}", path.display())]
    Unreadable {
        /// `tls.cert` or `tls.key`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} (setting {setting}) has {what}", path.display())]
    Unusable {
        /// `tls.cert` or `tls.key`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The two do not belong together.
    #[error("the key in {} (setting tls.key) is not that of the certificate in {} (setting tls.cert)", key.display(), cert.display())]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

/// The files, and what was read from them last.
#[derive(Debug)]
pub(super) struct Tls {
    cert: PathBuf,
    key: PathBuf,
    current: Mutex<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads both.
    pub fn open(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = Mutex::new(Arc::new(read(cert, key)?));
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), current })
    }

    /// Reads both again, for new connections. What cannot be used changes nothing.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(read(&self.cert, &self.key)?);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// For the next connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone().into()
    }
}

fn read(cert: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let unusable =
        |setting, path: &Path, what: String| TlsError::Unusable { setting, path: path.to_owned(), what };
    let text = |setting, path: &Path| {
        fs::read(path).map_err(|source| TlsError::Unreadable { setting, path: path.to_owned(), source })
    };
    let certs: Result<Vec<CertificateDer<'static>>, pem::Error> =
        CertificateDer::pem_slice_iter(&text("tls.cert", cert)?).collect();
    let certs = certs.map_err(|error| unusable("tls.cert", cert, format!("no valid PEM: {error}")))?;
    if certs.is_empty() {
        return Err(unusable(
            "tls.cert",
            cert,
            "no certificate: PEM that begins with BEGIN CERTIFICATE".to_owned(),
        ));
    }
    let private = PrivateKeyDer::from_pem_slice(&text("tls.key", key)?).map_err(|error| match error {
        pem::Error::NoItemsFound => unusable(
            "tls.key",
            key,
            "no private key: PEM that begins with BEGIN PRIVATE KEY, and no passphrase".to_owned(),
        ),
        other => unusable("tls.key", key, format!("no valid PEM: {other}")),
    })?;
    warn_if_open(key);
    let provider = Arc::new(ring::default_provider());
    let built = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certs, private));
    let mut config = built.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::Mismatch { cert: cert.to_owned(), key: key.to_owned() }
        }
        rustls::Error::InvalidCertificate(what) => {
            unusable("tls.cert", cert, format!("a certificate that cannot be used: {what:?}"))
        }
        other => unusable("tls.key", key, format!("a key that cannot be used: {other}")),
    })?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

fn warn_if_open(key: &Path) {
    // That it can be read has been seen.
    if fs::metadata(key).is_ok_and(|found| found.mode() & WORLD_READABLE != 0) {
        tracing::warn!(
            path = %key.display(),
            "everybody on this machine may read the private key (setting tls.key): chmod 600, or 640 with a group of its own"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_names_the_file_and_the_setting() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (one, other) = (made(), made());
        for (name, text) in [
            ("one.crt", one.cert.pem()),
            ("one.key", one.signing_key.serialize_pem()),
            ("other.key", other.signing_key.serialize_pem()),
            ("empty", String::new()),
            ("broken", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n".to_owned()),
            ("nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()),
        ] {
            fs::write(at(name), text).unwrap();
        }
        for (cert, key, why) in [
            ("missing", "one.key", "tls.cert"),
            ("one.crt", "missing", "tls.key"),
            ("empty", "one.key", "no certificate"),
            ("one.key", "one.key", "no certificate"),
            ("broken", "one.key", "no valid PEM"),
            ("nonsense", "one.key", "cannot be used"),
            ("one.crt", "empty", "no private key"),
            ("one.crt", "one.crt", "no private key"),
            ("one.crt", "other.key", "is not that of the certificate"),
        ] {
            let told = Tls::open(&at(cert), &at(key)).unwrap_err().to_string();
            assert!(
                told.contains(why) && told.contains("tls.") && told.contains('/'),
                "{cert} {key}: {told}"
            );
        }
        let tls = Tls::open(&at("one.crt"), &at("one.key")).unwrap();
        fs::copy(at("other.key"), at("one.key")).unwrap();
        assert!(tls.reload().is_err());
        fs::write(at("one.crt"), other.cert.pem()).unwrap();
        tls.reload().unwrap();
    }

    fn made() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
    }
}
