//! From text to values and back, for fields whose type alone does not say what is allowed.
//!
//! The errors are short because `Error::BadValue` already names the key, where the value came from, and what is allowed.

use super::{Concurrency, HubLimits};
use crate::model::HubName;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serializer, de};
use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

/// `localhost` means 127.0.0.1 here: a name that stands for two addresses would make the port's owner a matter of luck.
pub(super) fn listen_address<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(from)?;
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text,
    };
    numeric.parse().map_err(de::Error::custom)
}

pub(super) fn base_url<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '@' | '"' | '<' | '>');
    match host {
        Some(host) if !host.is_empty() && !host.starts_with(['/', ':']) && !host.contains(odd) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        None if text.is_empty() => Ok(text),
        _ => Err(de::Error::custom("not a base URL")),
    }
}

/// Origins as browsers send them: scheme, host and perhaps a port, or `*` and nothing else.
pub(super) fn origins<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let origins = Vec::<String>::deserialize(from)?;
    let plain =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let good = |origin: &String| {
        let (_, host) = origin.split_once("://").filter(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_lowercase())
                && scheme.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        })?;
        (!host.is_empty() && host.chars().all(plain)).then_some(())
    };
    if origins == ["*"] || origins.iter().all(|origin| good(origin).is_some()) {
        return Ok(origins);
    }
    Err(de::Error::custom("not an origin"))
}

/// Each hub once.
pub(super) fn hub_limits<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<HubLimits>, D::Error> {
    let limits = Vec::<HubLimits>::deserialize(from)?;
    let hubs: HashSet<_> = limits.iter().map(|limits| limits.hub.folded()).collect();
    if hubs.len() < limits.len() {
        return Err(de::Error::custom("a hub is named twice"));
    }
    Ok(limits)
}

/// Each name once.
pub(super) fn concurrency<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Concurrency>, D::Error> {
    let limits = Vec::<Concurrency>::deserialize(from)?;
    let subjects: HashSet<_> = limits.iter().map(Concurrency::subject).collect();
    if subjects.len() < limits.len() {
        return Err(de::Error::custom("a name is limited twice"));
    }
    Ok(limits)
}

/// Names without scheme and port, in lower case; or `*` alone.
pub(super) fn host_names<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let names: Vec<String> =
        Vec::<String>::deserialize(from)?.iter().map(|name| name.to_lowercase()).collect();
    let good = |name: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain)
    };
    if names == ["*"] || names.iter().all(good) {
        Ok(names)
    } else {
        Err(de::Error::custom("not a host name"))
    }
}

pub(super) fn log_level<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    crate::telemetry::filter(&text).map_err(de::Error::custom)?;
    Ok(text)
}

pub(super) fn hub_names_in<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<HubName>, D::Error> {
    let names: Vec<HubName> = Vec::<String>::deserialize(from)?
        .iter()
        .map(|name| HubName::parse(name))
        .collect::<Result<_, _>>()
        .map_err(de::Error::custom)?;
    let mut folded: Vec<_> = names.iter().map(HubName::folded).collect();
    folded.sort_unstable();
    folded.dedup();
    if names.is_empty() || folded.len() != names.len() {
        return Err(de::Error::custom("no hub, or one hub twice"));
    }
    Ok(names)
}

pub(super) fn hub_names_out<S: Serializer>(names: &[HubName], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(names.iter().map(HubName::as_str))
}

/// Addresses and networks; an address alone is a network of one.
pub(super) fn networks_in<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: &String| {
        text.parse().or_else(|_| text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical())))
    };
    Vec::<String>::deserialize(from)?.iter().map(network).collect::<Result<_, _>>().map_err(de::Error::custom)
}

/// An address alone is written as such again.
pub(super) fn networks_out<S: Serializer>(networks: &[IpNet], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(networks.iter().map(|network| match network.prefix_len() == network.max_prefix_len() {
        true => network.addr().to_string(),
        false => network.to_string(),
    }))
}
