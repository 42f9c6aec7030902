//! The description of this API: as it stands in `openapi.yaml`, and as a page to read. Both are part of the program; the page needs
//! nothing from anywhere else and no script.

mod page;
mod prose;
mod schemas;
pub mod spec;
#[cfg(test)]
mod tests;

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use spec::Spec;
use std::sync::LazyLock;

/// The contract.
pub const DESCRIPTION: &str = include_str!("../../../../openapi.yaml");
const STYLE: &str = include_str!("style.css");

/// Written when somebody first asks for it.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let spec = Spec::parse(DESCRIPTION).expect("openapi.yaml is YAML, as the tests have seen");
    page::page(&spec, STYLE)
});

/// Nothing but the one style in the page itself: no script, no image, no frame, nothing from elsewhere.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("base64 is a header value")
});

/// `GET /openapi.yaml`
pub async fn description() -> Response {
    ([(header::CONTENT_TYPE, "application/yaml"), NO_SNIFFING], DESCRIPTION).into_response()
}

/// `GET /docs`
pub async fn reference() -> Response {
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (headers, [NO_SNIFFING], PAGE.as_str()).into_response()
}

const NO_SNIFFING: (HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");
