//! The dashboard: a page in the browser that uses the API like everybody else. Here its files are served, which are part of the program
//! if they were built (see `ui/` and `build.rs`). Nobody needs a key for them: they hold no data.

use super::{Api, Error, HttpSettings};
use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
    routing::get,
};

/// Where the dashboard is.
pub const BASE: &str = "/dashboard";
const INDEX: &str = "index.html";
/// Files below here have a hash of what is in them in their names.
const HASHED: &str = "assets/";
/// Served in place of the index if the dashboard was not built.
const NOT_BUILT: &str = include_str!("dashboard/not_built.html");

/// Path below [`BASE`] and content, sorted by path.
static FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// Everything comes from this server, nobody may frame the page, and there are no scripts or styles but in files.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const UNCHANGING: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The files, and the way to them from `/`.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/", get(from_root))
        .route(BASE, get(serve))
        .route("/dashboard/", get(serve))
        .route("/dashboard/{*path}", get(serve))
        .method_not_allowed_fallback(async || Error::NoRoute)
}

/// Whether `path` belongs to the dashboard or leads there.
pub fn is_file(path: &str) -> bool {
    path == "/" || path.strip_prefix(BASE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn from_root(State(api): State<Api>) -> Response {
    let to = format!("{}{BASE}", prefix(&api.settings));
    match HeaderValue::try_from(to) {
        Ok(to) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response(),
        Err(_) => Error::NoRoute.into_response(),
    }
}

async fn serve(State(api): State<Api>, uri: Uri) -> Response {
    let path = uri.path().strip_prefix(BASE).unwrap_or_default().trim_matches('/');
    answer(FILES, &api.settings, path)
}

/// A file, or the index for the address of a page: those are the script's to understand, and have no file extension.
fn answer(files: &[(&str, &'static [u8])], settings: &HttpSettings, path: &str) -> Response {
    let file = |name: &str| files.iter().find(|(own, _)| *own == name).map(|(_, content)| *content);
    if path != INDEX
        && let Some(content) = file(path)
    {
        let keep = if path.starts_with(HASHED) { UNCHANGING } else { ASK_AGAIN };
        return with_headers(content_type(path), keep, content.into_response());
    }
    let is_page = path == INDEX || !path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    if !is_page || path.starts_with(HASHED) {
        return Error::NoRoute.into_response();
    }
    let index = file(INDEX).map_or(NOT_BUILT.into(), String::from_utf8_lossy);
    // A proxy may serve this server below a path of its own.
    let index = index.replace("=\"/dashboard/", &format!("=\"{}{BASE}/", prefix(settings)));
    with_headers(content_type(INDEX), ASK_AGAIN, index.into_response())
}

/// The path of the public address, if it has one.
fn prefix(settings: &HttpSettings) -> String {
    let base = settings.public_base_url.as_deref().and_then(|base| base.parse::<Uri>().ok());
    base.map_or_else(String::new, |base| base.path().trim_end_matches('/').to_owned())
}

fn with_headers(kind: &'static str, keep: HeaderValue, body: Response) -> Response {
    let headers: [(HeaderName, HeaderValue); 6] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, keep),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ];
    (headers, body).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
