//! TLS on the one port: HTTP and gRPC behind it, certificates that change, and whoever speaks the wrong protocol.

use crate::support::{Binary, Data, Inside, eventually, in_hub, run, soon, start_request};
use durahub::{
    api::grpc::generated::task_hub_sidecar_service_client::TaskHubSidecarServiceClient, model::pb, samples,
};
use rcgen::{CertifiedKey, KeyPair};
use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer},
};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

fn made() -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap()
}

/// Writes certificate and key to files that only their owner may read.
fn write(folder: &Path, made: &CertifiedKey<KeyPair>) -> (PathBuf, PathBuf) {
    let (cert, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    (cert, key)
}

/// A server with samples that shows `made`.
async fn secure(made: &CertifiedKey<KeyPair>) -> Inside {
    patient(made, 30).await
}

/// The same, that waits so many seconds for a handshake.
async fn patient(made: &CertifiedKey<KeyPair>, head_secs: u64) -> Inside {
    Inside::serving(samples::registry(), |config| {
        let folder = config.store.url.to_string();
        let folder = Path::new(folder.strip_prefix("sqlite:").unwrap()).parent().unwrap().to_owned();
        (config.tls.cert, config.tls.key) = write(&folder, made);
        config.tls.hsts_secs = 60;
        config.server.head_secs = head_secs;
    })
    .await
}

/// A connection that trusts `made` and speaks `protocol`.
async fn connect(
    address: SocketAddr,
    made: &CertifiedKey<KeyPair>,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await
}

/// The whole answer to one request.
async fn ask(address: SocketAddr, made: &CertifiedKey<KeyPair>, method: &str, path: &str) -> String {
    let mut stream = soon("a handshake", connect(address, made, b"http/1.1")).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

async fn channel(url: &str, made: &CertifiedKey<KeyPair>) -> Channel {
    let trust = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(made.cert.pem()))
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(url.to_owned()).unwrap().tls_config(trust).unwrap();
    soon("a gRPC connection", endpoint.connect()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn http_and_grpc_are_served_behind_one_certificate_and_links_say_https() {
    let made = made();
    let server = secure(&made).await;
    let address = server.server.address();
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    eventually("readiness", async || {
        ask(address, &made, "GET", "/readyz").await.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
    let start = "/runtime/webhooks/durabletask/orchestrators/HumanApproval/i";
    let started = ask(address, &made, "POST", start).await;
    assert!(started.starts_with("HTTP/1.1 202"), "{started}");
    assert!(
        started.contains("location: https://localhost/runtime/") && !started.contains("http://"),
        "{started}"
    );
    assert!(started.contains("strict-transport-security: max-age=60"), "{started}");

    let mut client = TaskHubSidecarServiceClient::new(channel(&server.url, &made).await);
    client.start_instance(in_hub("default", start_request("HelloCities", "g"))).await.unwrap();
    let wait = pb::GetInstanceRequest { instance_id: "g".into(), get_inputs_and_outputs: true };
    let ended = client.wait_for_instance_completion(in_hub("default", wait)).await.unwrap().into_inner();
    assert!(ended.orchestration_state.unwrap().output.unwrap().contains("Tokyo"));
    // Streams, too.
    let request = in_hub("default", pb::GetWorkItemsRequest::default());
    let mut stream = client.get_work_items(request).await.unwrap().into_inner();
    client.start_instance(in_hub("default", start_request("NobodyElse", "w"))).await.unwrap();
    let item = soon("a work item", stream.message()).await.unwrap().unwrap();
    assert!(!item.completion_token.is_empty() || item.request.is_some());
    // Who does not know the certificate is not talked into anything.
    let stranger = self::made();
    assert!(connect(address, &stranger, b"h2").await.is_err());
    let Inside { server, .. } = server;
    soon("the shutdown", server.shutdown()).await;
}

/// What comes back for these bytes, until the other side hangs up.
async fn heard(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    drop(soon("the end", stream.read_to_end(&mut answer)).await);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_protocol_is_answered_with_what_to_do() {
    let made = made();
    let server = secure(&made).await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for bytes in
        [&b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"[..], preface, b"\x00\x01\x02", b"\x80\x2e\x01"]
    {
        let told = heard(server.server.address(), bytes).await;
        assert!(told.starts_with("HTTP/1.1 400 Bad Request") && told.contains("https://"), "{told}");
    }
    let data = Data::new();
    let plain = data.serve().await;
    let address = plain.url.strip_prefix("http://").unwrap().parse().unwrap();
    let told = heard(address, &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).await;
    assert!(told.starts_with("HTTP/1.1 400 Bad Request") && told.contains("tls.cert"), "{told}");
    assert!(connect(address, &made, b"h2").await.is_err());
    let log = plain.log();
    assert_eq!(
        log.lines().filter(|line| line.contains("WARN") && line.contains("tls.cert")).count(),
        1,
        "{log}"
    );
    plain.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_end_is_hung_up_on() {
    let server = patient(&made(), 1).await;
    let mut stream = TcpStream::connect(server.server.address()).await.unwrap();
    stream.write_all(&[0x16, 3, 1, 2, 0]).await.unwrap();
    let mut rest = Vec::new();
    drop(soon("the end of patience", stream.read_to_end(&mut rest)).await);
    // And one that is under way does not delay the end of the server.
    let mut other = TcpStream::connect(server.server.address()).await.unwrap();
    other.write_all(&[0x16]).await.unwrap();
    let Inside { server, .. } = server;
    let begin = tokio::time::Instant::now();
    soon("the shutdown", server.shutdown()).await;
    assert!(begin.elapsed() < Duration::from_secs(10));
}

/// The certificate that the server shows.
async fn shown(server: &Binary, trusted: &CertifiedKey<KeyPair>) -> Option<CertificateDer<'static>> {
    let address = server.url.strip_prefix("https://").unwrap().parse().unwrap();
    let stream = connect(address, trusted, b"h2").await.ok()?;
    Some(stream.get_ref().1.peer_certificates()?[0].clone().into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_read_again_on_sighup_and_a_broken_one_is_not_taken() {
    let data = Data::new();
    let (first, second) = (made(), made());
    let (cert, key) = write(&data.path(""), &first);
    let config = data.path("tls.toml");
    fs::write(&config, format!("[tls]\ncert = {cert:?}\nkey = {key:?}\n")).unwrap();
    let mut server = data.serve_with(&["--config", config.to_str().unwrap()]).await;
    assert_eq!(shown(&server, &first).await.as_ref(), Some(first.cert.der()));
    // A connection that is open stays so.
    let address = server.url.strip_prefix("https://").unwrap().parse().unwrap();
    let mut open = connect(address, &first, b"http/1.1").await.unwrap();

    fs::write(&cert, "nonsense").unwrap();
    server.signal("HUP");
    eventually("a complaint", async || server.log().contains("tls.cert").then_some(())).await;
    assert_eq!(shown(&server, &first).await.as_ref(), Some(first.cert.der()));
    write(&data.path(""), &second);
    server.signal("HUP");
    eventually("the new certificate", async || shown(&server, &second).await).await;
    assert_eq!(shown(&server, &first).await, None);
    open.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    soon("an answer", open.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!server.log().contains("may read the private key"));
    server.signal("TERM");
    assert_eq!(server.ended().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_are_refused_at_the_start() {
    let data = Data::new();
    let (one, other) = (made(), made());
    let (cert, key) = write(&data.path(""), &one);
    let (cert, key) = (cert.to_str().unwrap().to_owned(), key.to_str().unwrap().to_owned());
    let store = data.store();
    let start = |cert: &str, key: &str| {
        let environment = [("DURAHUB__TLS__CERT", cert), ("DURAHUB__TLS__KEY", key)];
        let output = run(&["--listen", "127.0.0.1:0", "--store", &store], &environment);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (cert, key, code, why) in [
        (cert.as_str(), "", 2, "tls.key is not"),
        ("", key.as_str(), 2, "tls.cert is not"),
        ("/no/such/file", &key, 1, "tls.cert"),
        (&key, &key, 1, "no certificate"),
        (&cert, &cert, 1, "no private key"),
    ] {
        let (status, told) = start(cert, key);
        assert!(status == Some(code) && told.contains(why), "{status:?} {told}");
    }
    fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    let (status, told) = start(&cert, &key);
    assert!(status == Some(1) && told.contains("is not that of the certificate"), "{told}");
    // A load generator that trusts it measures it, over both protocols.
    fs::write(&key, one.signing_key.serialize_pem()).unwrap();
    let server = data.serve_env(&[("DURAHUB__TLS__CERT", &cert), ("DURAHUB__TLS__KEY", &key)]).await;
    for workload in ["sequence", "start"] {
        let done =
            run(&["bench", workload, "--json", "--count", "5", "--target", &server.url, "--ca", &cert], &[]);
        assert_eq!(done.status.code(), Some(0), "{done:?}");
    }
    let refused = run(&["bench", "start", "--count", "1", "--target", &server.url], &[]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--ca"), "{refused:?}");
    drop(server);
    // A key that everybody may read is used, and said to be so.
    fs::write(&key, one.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let server = data.serve_env(&[("DURAHUB__TLS__CERT", &cert), ("DURAHUB__TLS__KEY", &key)]).await;
    assert!(server.log().contains("may read the private key"), "{}", server.log());
}
