//! What a browser might be made to do against the will of whoever uses it, and how that is refused. Around every route of this room, keys or
//! not. No page has business with gRPC, whose own door refuses them all.
//!
//! - A write from a page of another origin is refused, unless `http.cors_origins` names it.
//! - Without keys, a request for a host by which this server is not known is refused: a page of somebody else may have had its own name
//!   point here, and is then of the same origin as far as its browser knows.
//! - With `dashboard.read_only`, every write from a page is refused, whatever its origin.

use super::{Api, Error, forwarded, links};
use crate::api::{Peer, caller};
use axum::{
    extract::Request,
    http::{HeaderMap, Method, Uri, header, uri::Authority},
};
use std::net::IpAddr;

/// Asked by supervisors under whatever name; they tell nothing.
const NAMELESS: [&str; 2] = ["/healthz", "/readyz"];

/// Whether a request may go on; the refusals are 403.
pub fn guard(api: &Api, request: &Request) -> Result<(), Error> {
    let (uri, headers) = (request.uri(), request.headers());
    let host = host(uri, headers);
    if api.gate.is_open() && !NAMELESS.contains(&uri.path()) && !is_known(api, host) {
        return Err(Error::StrangeHost(host.unwrap_or_default().to_owned()));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let origin =
        headers.get(header::ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes()).into_owned());
    let site = headers.get(caller::FETCH_SITE).map(|site| site.as_bytes());
    if caller::is_page(headers) && api.settings.read_only {
        return Err(Error::ReadOnly);
    }
    match origin {
        Some(origin) if !is_own(api, request.extensions().get().copied(), host, headers, &origin) => {
            Err(Error::OtherOrigin(origin))
        }
        None if matches!(site, Some(b"cross-site" | b"same-site")) => {
            Err(Error::OtherOrigin("one that it does not name".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Whether the request is for a host by which this server is known.
pub fn calls_known_host(api: &Api, request: &Request) -> bool {
    is_known(api, host(request.uri(), request.headers()))
}

/// What the caller says it called. HTTP/2 names the host in the URI.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    // What is no text is no name, but it is not nothing either.
    let named = || headers.get(header::HOST).map(|host| host.to_str().unwrap_or("?"));
    uri.authority().map(Authority::as_str).or_else(named)
}

/// Whether no page can have brought this host about: an address, this machine, or a name from the settings. No browser leaves it out.
fn is_known(api: &Api, host: Option<&str>) -> bool {
    let Some(host) = host else { return true };
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
    let public = || {
        let base: Uri = api.settings.public_base_url.as_deref()?.parse().ok()?;
        Some(base.host()?.to_ascii_lowercase())
    };
    bare.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || public().is_some_and(|public| public == name)
        || api.settings.allowed_hosts.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(&name))
}

/// Whether a page of this origin may write: one that came from here, or one that the settings name.
fn is_own(api: &Api, peer: Option<Peer>, host: Option<&str>, headers: &HeaderMap, origin: &str) -> bool {
    let settings = &api.settings;
    let same = |base: &str| origin_of(base).is_some_and(|base| base.eq_ignore_ascii_case(origin));
    // A proxy may speak https to the browser and http to this server.
    let here = || {
        let (scheme, authority) = origin.split_once("://")?;
        Some(
            (scheme == "https" || scheme == "http" && !settings.tls)
                && authority.eq_ignore_ascii_case(host.filter(|host| links::is_host(host))?),
        )
    };
    here().unwrap_or(false)
        || settings.public_base_url.as_deref().is_some_and(same)
        || forwarded::origin(&settings.trusted_proxies, peer, headers).as_deref().is_some_and(same)
        || settings.cors_origins.iter().any(|one| one == "*" || one == origin)
}

/// Scheme and authority of an address.
fn origin_of(base: &str) -> Option<String> {
    let uri: Uri = base.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}
