//! What is done to every gRPC request before and after the rpc: refusals of the transport in the codes that callers expect.

use super::{permit, size};
use crate::{
    api::{caller, http},
    auth::Gate,
    manager::Manager,
};
use axum::{
    extract::{Request, State},
    http::{StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;
use tonic::{Code, Status};

/// Who decides, and who knows which hub is meant.
#[derive(Clone)]
pub struct Porter {
    /// Decides.
    pub gate: Arc<Gate>,
    /// Knows the hubs.
    pub manager: Manager,
}

const GRPC: &str = "application/grpc";

/// UNAUTHENTICATED and PERMISSION_DENIED for callers who may not do what they ask for; see `permit`. 415 for what does not call itself
/// gRPC, as the protocol asks: a web page may send `text/plain` to any address without being asked. A page whose name was made to point
/// here may send what it likes, as to a server of its own, but it cannot leave out that it is a page, nor speak HTTP/2 without TLS: both
/// are refused.
/// A message over the size limit is RESOURCE_EXHAUSTED like every other limit; see `size`.
pub async fn door(State(porter): State<Porter>, mut request: Request, next: Next) -> Response {
    let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (grpc, judged) =
        (declared.is_some_and(is_grpc), permit::judge(&porter.gate, &porter.manager, &request));
    match judged {
        Err(refusal) if refusal.code() == Code::Unauthenticated && !grpc => {
            return http::Error::Unauthenticated.into_response();
        }
        _ if !grpc => return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response(),
        _ if request.version() < Version::HTTP_2 => {
            return (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC is spoken over HTTP/2\n").into_response();
        }
        _ if caller::is_page(request.headers()) => {
            let refusal = Status::permission_denied("pages in a browser may use the HTTP API, and not gRPC");
            return refusal.into_http();
        }
        Err(refusal) => return refusal.into_http(),
        Ok(caller) => request.extensions_mut().insert(caller),
    };
    size::refusals_named(next.run(request).await)
}

/// `application/grpc`, with or without a format and parameters; not gRPC-Web, which is another protocol.
fn is_grpc(declared: &str) -> bool {
    let essence = declared.split(';').next().unwrap_or_default().trim();
    let begins = essence.get(..GRPC.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(GRPC));
    begins && matches!(essence.as_bytes().get(GRPC.len()), None | Some(b'+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_may_name_its_format() {
        for (declared, grpc) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("Application/gRPC; charset=x", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("text/plain", false),
            ("", false),
        ] {
            assert_eq!(is_grpc(declared), grpc, "{declared}");
        }
    }
}
