//! What both transports know about whoever calls: where he is, and what he shows.

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The header of the Azure Functions host for keys.
pub const KEY_HEADER: HeaderName = HeaderName::from_static("x-functions-key");

/// Where browsers say how the page that asks is related to this server.
pub const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The other end of the connection, which may be a proxy. In the extensions of every request that came over a socket.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl Peer {
    /// Its address; one of IPv4 as such, however it came.
    pub fn address(self) -> IpAddr {
        self.0.ip().to_canonical()
    }
}

/// The key in the headers, if one of them holds something: `x-functions-key` before `Authorization: Bearer`. Any other scheme of
/// `Authorization` is somebody else's.
pub fn credential(headers: &HeaderMap) -> Option<&[u8]> {
    let key = headers.get(KEY_HEADER).map(|key| key.as_bytes().trim_ascii());
    let bearer = || {
        let (scheme, token) = headers.get(header::AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
    };
    key.filter(|key| !key.is_empty()).or_else(bearer).filter(|key| !key.is_empty())
}

/// Whether a page in a browser made the request: no page can leave both out when it writes.
pub fn is_page(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) || headers.contains_key(FETCH_SITE)
}

/// The address behind a trusted proxy: the last one in `X-Forwarded-For` that is not of a trusted proxy, too.
pub fn behind(trusted: &[IpNet], peer: Option<Peer>, headers: &HeaderMap) -> Option<IpAddr> {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    peer.filter(|peer| is_trusted(&peer.address()))?;
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let mut named: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    while let Some(address) = named.pop() {
        // Nothing is known of what stands before something that cannot be read.
        let address = address.trim().parse::<IpAddr>().ok()?.to_canonical();
        if !is_trusted(&address) {
            return Some(address);
        }
    }
    None
}

/// Whether the request has passed a proxy that says so.
pub fn was_forwarded(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .map(HeaderName::as_str)
        .any(|name| matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_functions_header_comes_before_the_bearer() {
        for (lines, key) in [
            (&[("x-functions-key", "k")][..], Some("k")),
            (&[("x-functions-key", " k "), ("authorization", "Bearer b")], Some("k")),
            (&[("x-functions-key", ""), ("authorization", "Bearer b")], Some("b")),
            (&[("authorization", "bEARER  b ")], Some("b")),
            (&[("authorization", "Bearer")], None),
            (&[("authorization", "Bearer ")], None),
            (&[("authorization", "Basic dTpw")], None),
            (&[("authorization", "b")], None),
            (&[], None),
        ] {
            assert_eq!(credential(&headers(lines)), key.map(str::as_bytes), "{lines:?}");
        }
    }

    #[test]
    fn the_address_behind_proxies_is_the_last_that_is_not_trusted() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let told = |peer: &str, said: &'static str| {
            let peer = Some(Peer(peer.parse().unwrap()));
            behind(&trusted, peer, &headers(&[("x-forwarded-for", said)])).map(|it| it.to_string())
        };
        for (said, expected) in [
            ("1.2.3.4", Some("1.2.3.4")),
            ("6.6.6.6, 1.2.3.4", Some("1.2.3.4")),
            ("6.6.6.6, 1.2.3.4, 10.9.9.9", Some("1.2.3.4")),
            ("::ffff:1.2.3.4", Some("1.2.3.4")),
            ("10.1.1.1", None),
            ("6.6.6.6, nonsense", None),
            ("", None),
        ] {
            assert_eq!(told("10.0.0.1:9", said).as_deref(), expected, "{said}");
        }
        assert_eq!(told("11.0.0.1:9", "1.2.3.4"), None);
    }

    #[test]
    fn proxies_are_known_by_what_they_add() {
        for name in ["forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-anything"] {
            assert!(was_forwarded(&headers(&[(name, "x")])), "{name}");
        }
        assert!(!was_forwarded(&headers(&[("host", "h"), ("x-forward", "x")])));
    }
}
