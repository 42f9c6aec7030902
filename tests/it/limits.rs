//! What the settings say about connections and messages is what callers meet.

use crate::support::{Data, Inside, code_of, eventually, get_request, soon, start_request};
use durahub::model::pb;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::Code;

const KIB: usize = 1024;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: u8 = 4;
const MAX_CONCURRENT_STREAMS: u16 = 3;

/// How many requests a server says that one HTTP/2 connection may have open: its settings are its first frame.
async fn streams_allowed(server: &Inside) -> Option<u32> {
    let mut connection = TcpStream::connect(server.server.address()).await.unwrap();
    let no_settings = [0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];
    connection.write_all(&[PREFACE, &no_settings].concat()).await.unwrap();
    let mut head = [0; 9];
    soon("the first frame", connection.read_exact(&mut head)).await.unwrap();
    assert_eq!(head[3], SETTINGS);
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut settings = vec![0; usize::try_from(length).unwrap()];
    soon("the settings", connection.read_exact(&mut settings)).await.unwrap();
    settings
        .chunks_exact(6)
        .find(|setting| setting[..2] == MAX_CONCURRENT_STREAMS.to_be_bytes())
        .map(|setting| u32::from_be_bytes(setting[2..].try_into().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_have_as_many_requests_open_as_the_setting_says() {
    assert_eq!(streams_allowed(&Inside::start().await).await, Some(10_000));
    let server = Inside::with(|config| config.server.streams_per_connection = 12).await;
    assert_eq!(streams_allowed(&server).await, Some(12));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connection_has_no_room_for_waits_in_the_client() {
    let server = Inside::with(|config| config.server.streams_per_connection = 10).await;
    let (mut full, mut other) = (server.grpc().await, server.grpc().await);
    other.start_instance(start_request("HumanApproval", "i")).await.unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..25 {
        let mut client = full.clone();
        waiting.spawn(async move { client.wait_for_instance_completion(get_request("i")).await });
    }
    // The other connection has room.
    let end = pb::TerminateRequest { instance_id: "i".into(), output: None, recursive: false };
    soon("an answer on the other connection", other.terminate_instance(end)).await.unwrap();
    for answer in soon("all 25 answers", waiting.join_all()).await {
        assert!(answer.unwrap().into_inner().exists);
    }
    assert_eq!(code_of(&full.get_instance(get_request("i")).await), Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_above_the_limit_is_refused_with_its_name() {
    let server = Inside::with(|config| {
        config.limits.payload_bytes = 48 * KIB;
        config.limits.grpc_sent_bytes = 64 * KIB;
    })
    .await;
    let mut client = server.grpc().await;
    let payload = format!("\"{}\"", "x".repeat(40 * KIB));
    let start = pb::CreateInstanceRequest { input: Some(payload.clone()), ..start_request("Unserved", "i") };
    client.start_instance(start).await.unwrap();
    assert_eq!(code_of(&client.get_instance(get_request("i")).await), Code::Ok);
    let end = pb::TerminateRequest { instance_id: "i".into(), output: Some(payload), recursive: false };
    client.terminate_instance(end).await.unwrap();

    let refused = client.wait_for_instance_completion(get_request("i")).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    assert!(refused.message().contains("65536 bytes (limits.grpc_sent_bytes)"), "{refused}");
    let without = pb::GetInstanceRequest { instance_id: "i".into(), get_inputs_and_outputs: false };
    assert!(client.get_instance(without).await.unwrap().into_inner().exists);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_no_place_is_told_so_and_finds_one_when_somebody_has_left() {
    let data = Data::new();
    let server = data.serve_env(&[("DURAHUB__SERVER__CONNECTIONS", "10")]).await;
    let address = server.url.strip_prefix("http://").unwrap();
    let mut held = Vec::new();
    let refused = eventually("a refusal", async || {
        held.push(TcpStream::connect(address).await.unwrap());
        let newest = held.last_mut().unwrap();
        newest.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut heard = [0; 1024];
        let length = soon("an answer", newest.read(&mut heard)).await.unwrap();
        let heard = String::from_utf8_lossy(&heard[..length]).into_owned();
        heard.starts_with("HTTP/1.1 503").then_some(heard)
    })
    .await;
    assert!(refused.contains("retry-after: 1") && refused.contains("server.connections"), "{refused}");
    assert!(held.len() <= 13, "{}", held.len());
    assert!(server.log().contains("connections are turned away"), "{}", server.log());
    // Those who have a place are served all the same, and whoever speaks HTTP/2 finds the connection closed.
    held.truncate(5);
    eventually("a place", async || {
        let mut late = TcpStream::connect(address).await.unwrap();
        late.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut heard = [0; 12];
        let read = soon("an answer", late.read_exact(&mut heard)).await;
        (read.is_ok() && &heard == b"HTTP/1.1 200").then_some(())
    })
    .await;
}
