//! How large a message may be, and what the caller hears when one is larger.

use axum::{body::Body, http::HeaderMap, response::Response};
use http_body_util::BodyExt as _;
use tonic::{Code, Status};

/// The largest messages, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// That the server takes: `limits.grpc_message_bytes`.
    pub received: usize,
    /// That the server sends: `limits.grpc_sent_bytes`.
    pub sent: usize,
}

/// Like every other limit, these are RESOURCE_EXHAUSTED and named in the text. tonic, which does the counting, says OUT_OF_RANGE, for
/// nothing else, and knows the numbers only. A request is refused before there is an answer, so its status is in the head; an answer is
/// refused while it is sent, so its status comes after it.
pub(super) fn refusals_named(mut response: Response) -> Response {
    name(response.headers_mut(), "limits.grpc_message_bytes");
    response.map(|body| {
        Body::new(body.map_frame(|mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                name(trailers, "limits.grpc_sent_bytes");
            }
            frame
        }))
    })
}

fn name(fields: &mut HeaderMap, limit: &str) {
    if let Some(status) = Status::from_header_map(fields).filter(|it| it.code() == Code::OutOfRange) {
        let refusal = Status::resource_exhausted(format!("{} ({limit})", status.message()));
        refusal.add_header(fields).expect("tonic escapes what a header cannot hold");
    }
}
