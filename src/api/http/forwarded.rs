//! What a proxy says about the address that its caller used. Believed only if the settings name the proxy: the links that follow from
//! it carry what is as good as a key for their instance.

use super::links::is_host;
use crate::api::Peer;
use axum::http::{HeaderMap, header};
use ipnet::IpNet;

/// Scheme, host and port as the proxy was asked for them, if `peer` is trusted and says both. `X-Forwarded-Host` and
/// `X-Forwarded-Proto` come first; `Forwarded` counts where one of them is missing. What is not a host or not a scheme of the web counts
/// as not said.
pub fn origin(trusted: &[IpNet], peer: Option<Peer>, headers: &HeaderMap) -> Option<String> {
    let address = peer?.address();
    if !trusted.iter().any(|network| network.contains(&address)) {
        return None;
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(first);
    let (host, scheme) = match (text("x-forwarded-host"), text("x-forwarded-proto")) {
        (Some(host), Some(scheme)) => (host.to_owned(), scheme.to_owned()),
        _ => standard(headers.get(header::FORWARDED)?.to_str().ok()?)?,
    };
    let scheme = scheme.to_ascii_lowercase();
    (is_host(&host) && matches!(scheme.as_str(), "http" | "https")).then(|| format!("{scheme}://{host}"))
}

/// The first of a list: what the proxy nearest to the caller said.
fn first(list: &str) -> &str {
    list.split(',').next().unwrap_or_default().trim()
}

/// `host` and `proto` of the first element of a `Forwarded` header (RFC 7239).
fn standard(forwarded: &str) -> Option<(String, String)> {
    let (mut host, mut scheme) = (None, None);
    for pair in split(split(forwarded, ',').first()?, ';') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let value = unquoted(value.trim());
        match name.trim().to_ascii_lowercase().as_str() {
            "host" => host = Some(value),
            "proto" => scheme = Some(value),
            _ => {}
        }
    }
    Some((host?, scheme?))
}

/// At every `separator` outside quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|c: char| {
        let here = !quoted && c == separator;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && c == '\\' && !escaped;
        here
    })
    .collect()
}

fn unquoted(value: &str) -> String {
    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(inside) => inside.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn told(peer: &str, lines: &[(&'static str, &'static str)]) -> Option<String> {
        let trusted = ["10.0.0.0/8", "fd00::/8", "127.0.0.1/32"].map(|network| network.parse().unwrap());
        let headers = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        origin(&trusted, Some(Peer(peer.parse().unwrap())), &headers)
    }

    #[test]
    fn only_named_proxies_are_believed() {
        let said = [("x-forwarded-host", "flows.example.com"), ("x-forwarded-proto", "https")];
        for near in ["10.1.2.3:9", "127.0.0.1:9", "[fd00::1]:9", "[::ffff:10.0.0.1]:9"] {
            assert_eq!(told(near, &said).as_deref(), Some("https://flows.example.com"), "{near}");
        }
        for far in ["11.0.0.1:9", "127.0.0.2:9", "[::1]:9", "[::ffff:11.0.0.1]:9"] {
            assert_eq!(told(far, &said), None, "{far}");
        }
        assert_eq!(origin(&["0.0.0.0/0".parse().unwrap()], None, &HeaderMap::new()), None);
    }

    #[test]
    fn both_are_needed_and_nonsense_is_not_repeated() {
        for (host, scheme, expected) in [
            ("h", "https", Some("https://h")),
            ("h:8443", "HTTPS", Some("https://h:8443")),
            ("[::1]:1", "http", Some("http://[::1]:1")),
            ("first.example, second", "https,http", Some("https://first.example")),
            ("h", "ftp", None),
            ("h", "", None),
            ("", "https", None),
            ("user:secret@h", "https", None),
            ("h/path", "https", None),
            ("h\" onload=", "https", None),
        ] {
            let said = [("x-forwarded-host", host), ("x-forwarded-proto", scheme)];
            assert_eq!(told("10.0.0.1:9", &said).as_deref(), expected, "{host} {scheme}");
            assert_eq!(told("10.0.0.1:9", &said[..1]), None);
            assert_eq!(told("10.0.0.1:9", &said[1..]), None);
        }
    }

    #[test]
    fn the_standard_header_counts_where_the_others_are_not_both_there() {
        for (said, expected) in [
            ("host=h;proto=https", Some("https://h")),
            (
                "for=1.2.3.4; Host=\"[::1]:8443\"; Proto=https;by=x, host=other;proto=http",
                Some("https://[::1]:8443"),
            ),
            ("for=\"a,b;c\";host=h;proto=http", Some("http://h")),
            ("host=h", None),
            ("proto=https", None),
            ("for=1.2.3.4, host=h;proto=https", None),
            ("host=\"h\\\"\";proto=https", None),
            ("", None),
        ] {
            assert_eq!(told("10.0.0.1:9", &[("forwarded", said)]).as_deref(), expected, "{said}");
        }
        let pair =
            [("x-forwarded-host", "x"), ("x-forwarded-proto", "http"), ("forwarded", "host=h;proto=https")];
        assert_eq!(told("10.0.0.1:9", &pair).as_deref(), Some("http://x"));
        assert_eq!(told("10.0.0.1:9", &pair[1..]).as_deref(), Some("https://h"));
    }
}
