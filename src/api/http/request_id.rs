//! A name for every request, so that what a caller saw and what the log says can be brought together.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

/// Where callers give the name, and where every answer repeats it.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A longer name is not worth a place in the log.
const LONGEST: usize = 128;

/// The name of a request, as the handlers find it among its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The caller's own name for it if that is sane, else a new one.
    fn of(request: &Request) -> Self {
        let own = request.headers().get(REQUEST_ID).filter(|own| is_sane(own.as_bytes()));
        let new = || {
            let new = Uuid::new_v4().simple().to_string();
            HeaderValue::try_from(new).expect("hex digits are a header value")
        };
        Self(own.cloned().unwrap_or_else(new))
    }

    /// As text, for the log.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Visible ASCII, so that it cannot break a line of the log, and not too much of it.
fn is_sane(name: &[u8]) -> bool {
    (1..=LONGEST).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic)
}

/// Gives the request its name, and the answer, too.
pub async fn tag(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(&request);
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id.0);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_visible_ascii_is_taken_over() {
        for (name, sane) in [
            ("a", true),
            ("4bf92f35-77b3:4da6/a3ce=~!\"", true),
            (&"x".repeat(128), true),
            (&"x".repeat(129), false),
            ("", false),
            ("a b", false),
            ("a\tb", false),
            ("ü", false),
        ] {
            assert_eq!(is_sane(name.as_bytes()), sane, "{name}");
        }
    }
}
