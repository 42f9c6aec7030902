//! The URLs this server hands out, and the check-status answer that carries them. Every one of them works when requested
//! (after its placeholder, if it has one, is replaced).

use super::{HttpSettings, RPC_BASE, WEBHOOK_BASE, form, forwarded, route};
use crate::api::Peer;
use axum::{
    http::{HeaderMap, HeaderValue, Uri, header, uri::Authority},
    response::Response,
};
use serde::Serialize;

/// The query parameter that holds a key, or what a link carries instead of one.
pub const CODE: &str = "code";

/// Scheme, host and port (and prefix) in front of every path, without a slash at the end: the configured public base, else what
/// a trusted proxy says was called, else what the caller says it called.
pub fn origin(settings: &HttpSettings, peer: Option<Peer>, uri: &Uri, headers: &HeaderMap) -> String {
    if let Some(public) = &settings.public_base_url {
        return public.trim_end_matches('/').to_owned();
    }
    if let Some(told) = forwarded::origin(&settings.trusted_proxies, peer, headers) {
        return told;
    }
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    // HTTP/2 names the host in the URI instead. What is not a host name is not repeated.
    let host = uri.authority().map(Authority::as_str).or(named).filter(|host| is_host(host));
    let scheme = if settings.tls { "https" } else { "http" };
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}

/// A host name or address, perhaps with a port, and nothing else.
pub fn is_host(text: &str) -> bool {
    !text.contains('@') && text.parse::<Authority>().is_ok_and(|authority| !authority.host().is_empty())
}

/// The request's own address, for looking again: target and query as received, except that the second mount is not handed out,
/// because a proxy in front may publish the first one only. `code`: takes the place of the `code` in the query.
pub fn itself(origin: &str, uri: &Uri, code: Option<&str>) -> String {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let (base, rest) = match route::below(RPC_BASE, uri.path()) {
        Some(_) => (WEBHOOK_BASE, target.get(RPC_BASE.len()..).unwrap_or_default()),
        None => ("", target),
    };
    match code {
        Some(code) => format!("{origin}{base}{}", with_code(rest, code)),
        None => format!("{origin}{base}{rest}"),
    }
}

/// `target` with this `code` and no other, whatever the case and however it was encoded.
fn with_code(target: &str, code: &str) -> String {
    let bare = without_code(target);
    format!("{bare}{}{CODE}={code}", if bare.contains('?') { '&' } else { '?' })
}

/// `target` without any `code`, whatever the case and however it was encoded.
pub fn without_code(target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_code = |piece: &str| {
        let name = piece.split_once('=').map_or(piece, |(name, _)| name);
        form::decode_lossy(name.trim()).trim().eq_ignore_ascii_case(CODE)
    };
    let kept: Vec<_> = query.split('&').filter(|piece| !piece.is_empty() && !is_code(piece)).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// `response` with a `Link` to the next page: the request's own `address` with these parameters instead of what it had under their names.
pub fn to_next(address: &str, parameters: &[(&str, &str)], mut response: Response) -> Response {
    let next = format!("<{}>; rel=\"next\"", with_parameters(address, parameters));
    // Bytes, as with `Location`.
    if let Ok(link) = HeaderValue::from_bytes(next.as_bytes()) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

fn with_parameters(url: &str, parameters: &[(&str, &str)]) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let replaced = |piece: &str| {
        let name = form::decode_lossy(piece.split('=').next().unwrap_or_default().trim());
        parameters.iter().any(|(replaced, _)| name.eq_ignore_ascii_case(replaced))
    };
    let kept = query.split('&').filter(|piece| !piece.is_empty() && !replaced(piece)).map(str::to_owned);
    let added = parameters.iter().map(|(name, value)| format!("{name}={}", form::encode(value)));
    format!("{path}?{}", kept.chain(added).collect::<Vec<_>>().join("&"))
}

/// Body of the 202 that answers a start: where to look, and what else can be done. The fields are sent in this order.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckStatus {
    pub id: String,
    pub status_query_get_uri: String,
    pub send_event_post_uri: String,
    pub terminate_post_uri: String,
    pub purge_history_delete_uri: String,
    pub restart_post_uri: String,
    pub suspend_post_uri: String,
    pub resume_post_uri: String,
}

impl CheckStatus {
    /// The links of instance `id`. `{eventName}` and `{text}` in them are for the caller to replace. `code`: what they carry, if they
    /// need to.
    pub fn new(origin: &str, id: &str, hub: &str, connection: &str, code: Option<&str>) -> Self {
        let instance = format!("{origin}{WEBHOOK_BASE}/instances/{}", form::encode(id));
        let mut query = format!("taskHub={}&connection={}", form::encode(hub), form::encode(connection));
        if let Some(code) = code {
            query.push_str(&format!("&{CODE}={}", form::encode(code)));
        }
        Self {
            id: id.to_owned(),
            status_query_get_uri: format!("{instance}?{query}"),
            send_event_post_uri: format!("{instance}/raiseEvent/{{eventName}}?{query}"),
            terminate_post_uri: format!("{instance}/terminate?reason={{text}}&{query}"),
            purge_history_delete_uri: format!("{instance}?{query}"),
            restart_post_uri: format!("{instance}/restart?{query}"),
            suspend_post_uri: format!("{instance}/suspend?reason={{text}}&{query}"),
            resume_post_uri: format!("{instance}/resume?reason={{text}}&{query}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn links_come_in_the_documented_order_with_encoded_ids() {
        let links = CheckStatus::new("http://h:7071", "a b@c", "default", "Storage", None);
        expect![[r#"
            {
              "id": "a b@c",
              "statusQueryGetUri": "http://h:7071/runtime/webhooks/durabletask/instances/a+b%40c?taskHub=default&connection=Storage",
              "sendEventPostUri": "http://h:7071/runtime/webhooks/durabletask/instances/a+b%40c/raiseEvent/{eventName}?taskHub=default&connection=Storage",
              "terminatePostUri": "http://h:7071/runtime/webhooks/durabletask/instances/a+b%40c/terminate?reason={text}&taskHub=default&connection=Storage",
              "purgeHistoryDeleteUri": "http://h:7071/runtime/webhooks/durabletask/instances/a+b%40c?taskHub=default&connection=Storage",
              "restartPostUri": "http://h:7071/runtime/webhooks/durabletask/instances/a+b%40c/restart?taskHub=default&connection=Storage",
              "suspendPostUri": "http://h:7071/runtime/webhooks/durabletask/instances/a+b%40c/suspend?reason={text}&taskHub=default&connection=Storage",
              "resumePostUri": "http://h:7071/runtime/webhooks/durabletask/instances/a+b%40c/resume?reason={text}&taskHub=default&connection=Storage"
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&links).unwrap());
    }

    #[test]
    fn the_next_page_has_the_same_query_but_for_what_is_replaced() {
        for (url, expected) in [
            ("http://h/a", "http://h/a?token=1+2"),
            ("http://h/a?top=2&Token=0&x=%20&to%6ben=3", "http://h/a?top=2&x=%20&token=1+2"),
            ("http://h/a?&token", "http://h/a?token=1+2"),
        ] {
            assert_eq!(with_parameters(url, &[("token", "1 2")]), expected);
        }
    }

    #[test]
    fn the_origin_is_configured_or_what_the_caller_called() {
        let public =
            |base: &str| HttpSettings { public_base_url: Some(base.into()), ..HttpSettings::default() };
        let silent = HttpSettings::default();
        for (settings, uri, host, expected) in [
            (&public("https://x.example/"), "/a", "127.0.0.1:1", "https://x.example"),
            (&public("https://x.example/durahub"), "/a", "127.0.0.1:1", "https://x.example/durahub"),
            (&silent, "/a", "127.0.0.1:7071", "http://127.0.0.1:7071"),
            (&silent, "/a", "[::1]:7071", "http://[::1]:7071"),
            (&silent, "http://h2:1/a", "", "http://h2:1"),
            (&silent, "/a", "", "http://localhost"),
            (&HttpSettings { tls: true, ..HttpSettings::default() }, "/a", "h:7071", "https://h:7071"),
            (&silent, "/a", "evil/\"<path>", "http://localhost"),
            (&silent, "/a", "user:secret@host", "http://localhost"),
        ] {
            let mut headers = HeaderMap::new();
            if !host.is_empty() {
                headers.insert(header::HOST, HeaderValue::from_static(host));
            }
            assert_eq!(origin(settings, None, &uri.parse().unwrap(), &headers), expected);
        }
    }

    #[test]
    fn every_code_in_a_query_gives_way_to_one() {
        for (target, expected) in [
            ("/a", "/a?code=T"),
            ("/a?", "/a?code=T"),
            ("/a?x=%20y&code=k&z", "/a?x=%20y&z&code=T"),
            ("/a?Code=k&code=k&c%6Fde=k& code =k&code", "/a?code=T"),
            ("/a?decode=k&xcode=1", "/a?decode=k&xcode=1&code=T"),
        ] {
            assert_eq!(with_code(target, "T"), expected);
        }
        let uri = "/DurableTask/instances/a?code=k".parse().unwrap();
        let expected = format!("http://h{WEBHOOK_BASE}/instances/a?code=T");
        assert_eq!(itself("http://h", &uri, Some("T")), expected);
        assert_eq!(itself("http://h", &uri, None), expected.replace("code=T", "code=k"));
    }
}
