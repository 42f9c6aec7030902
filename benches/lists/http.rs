//! Plain HTTP/1.1 over kept connections, written by hand, so that the client costs next to nothing.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Where the API is.
pub const BASE: &str = "/runtime/webhooks/durabletask";

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
