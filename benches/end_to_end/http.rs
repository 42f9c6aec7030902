//! Plain HTTP/1.1 over kept connections, written by hand so that the client costs next to nothing.

use crate::{
    report::{self, Tally},
    server::Server,
};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// Where the API is.
pub const BASE: &str = "/runtime/webhooks/durabletask";

/// Starts orchestrations that nobody serves: what a durable start costs by itself.
pub async fn starts(workload: &str, connections: u32, time: Duration) {
    let server = Server::start();
    let request = format!(
        "POST {BASE}/orchestrators/Nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n{{\"a\":1}}"
    );
    hammer(workload, &server, &request, "HTTP/1.1 202", connections, time).await;
}

/// Reads the status of one finished instance.
pub async fn status(workload: &str, connections: u32, time: Duration) {
    let server = Server::start();
    let mut connection = TcpStream::connect(&server.address).await.unwrap();
    let start = format!(
        "POST {BASE}/orchestrators/HelloCities/one?timeout=10 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    );
    exchange(&mut connection, &start, "HTTP/1.1 200", &mut Vec::new()).await;
    let request = format!("GET {BASE}/instances/one HTTP/1.1\r\nHost: x\r\n\r\n");
    hammer(workload, &server, &request, "HTTP/1.1 200", connections, time).await;
}

async fn hammer(
    workload: &str,
    server: &Server,
    request: &str,
    expected: &'static str,
    connections: u32,
    time: Duration,
) {
    let begin = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..connections {
        let (address, request) = (server.address.clone(), request.to_owned());
        callers.spawn(async move {
            let mut connection = TcpStream::connect(address).await.unwrap();
            connection.set_nodelay(true).unwrap();
            let (mut tally, mut buffer) = (Tally::default(), Vec::new());
            while begin.elapsed() < time {
                let start = Instant::now();
                exchange(&mut connection, &request, expected, &mut buffer).await;
                tally.done(start);
            }
            tally
        });
    }
    let mut tally = Tally::default();
    while let Some(caller) = callers.join_next().await {
        tally.merge(caller.unwrap());
    }
    report::line(workload, tally, begin.elapsed());
}

/// One request, one whole response.
pub async fn exchange(connection: &mut TcpStream, request: &str, expected: &str, buffer: &mut Vec<u8>) {
    connection.write_all(request.as_bytes()).await.unwrap();
    buffer.clear();
    loop {
        assert!(connection.read_buf(buffer).await.unwrap() > 0, "the server hung up");
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end]).unwrap();
        assert!(head.starts_with(expected), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if buffer.len() >= end + 4 + length.map_or(0, |length| length.parse().unwrap()) {
            return;
        }
    }
}
