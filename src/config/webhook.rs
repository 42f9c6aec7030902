//! Secrets that senders of events sign with, written `HUB STYLE SECRET`. What is secret is never shown: not when printed for
//! debugging, not when serialized.

use crate::model::HubName;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Shorter secrets can be guessed.
const SHORTEST_BYTES: usize = 16;

/// One secret of one hub. A hub may have several: while one replaces another, both are good.
#[derive(Clone)]
pub struct WebhookSecret {
    /// The hub whose events it signs.
    pub hub: HubName,
    /// How it is used.
    pub style: SignatureStyle,
    /// The key of the HMAC, as bytes.
    pub key: Vec<u8>,
}

/// How a sender signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureStyle {
    /// `X-Hub-Signature-256`, as GitHub does.
    GitHub,
    /// `webhook-id`, `webhook-timestamp` and `webhook-signature`, as <https://www.standardwebhooks.com> describes.
    StandardWebhooks,
}

impl SignatureStyle {
    /// As it is written in settings.
    pub fn name(self) -> &'static str {
        match self {
            SignatureStyle::GitHub => "github",
            SignatureStyle::StandardWebhooks => "standard-webhooks",
        }
    }
}

/// Without the key.
impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecret({self})")
    }
}

/// Without the key.
impl fmt::Display for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ...", self.hub, self.style.name())
    }
}

impl Serialize for WebhookSecret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WebhookSecret {
    /// The errors hold no part of the text.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parse(&String::deserialize(from)?).ok_or_else(|| de::Error::custom("not a webhook secret"))
    }
}

/// A GitHub secret is text and may hold blanks; the other style is the word `whsec_` and base64.
fn parse(text: &str) -> Option<WebhookSecret> {
    let (hub, rest) = text.trim().split_once(' ')?;
    let (style, secret) = rest.trim_start().split_once(' ')?;
    let secret = secret.trim_start();
    let (style, key) = match style {
        "github" => (SignatureStyle::GitHub, secret.as_bytes().to_vec()),
        "standard-webhooks" => {
            (SignatureStyle::StandardWebhooks, STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?)
        }
        _ => return None,
    };
    let hub = HubName::parse(hub).ok()?;
    (key.len() >= SHORTEST_BYTES).then_some(WebhookSecret { hub, style, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_hub_a_style_and_at_least_sixteen_bytes() {
        let github = parse("Prod github correct horse battery").unwrap();
        assert_eq!((github.hub.as_str(), github.style), ("Prod", SignatureStyle::GitHub));
        assert_eq!(github.key, b"correct horse battery");
        let standard = parse(" default  standard-webhooks  whsec_MDEyMzQ1Njc4OWFiY2RlZg== ").unwrap();
        assert_eq!(
            (standard.style, standard.key.as_slice()),
            (SignatureStyle::StandardWebhooks, &b"0123456789abcdef"[..])
        );
        for bad in [
            "",
            "default",
            "default github",
            "default github fifteen-letters",
            "default svix 0123456789abcdef",
            "default GitHub 0123456789abcdef",
            "1hub github 0123456789abcdef",
            "default standard-webhooks MDEyMzQ1Njc4OWFiY2RlZg==",
            "default standard-webhooks whsec_MDEyMzQ1Njc4OWFiY2Rl",
            "default standard-webhooks whsec_***",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_is_secret_is_not_shown() {
        let secret = parse("default github correct-horse-battery").unwrap();
        let shown = [format!("{secret:?}"), secret.to_string(), serde_json::to_string(&secret).unwrap()];
        for text in shown {
            assert!(text.contains("default github ...") && !text.contains("horse"), "{text}");
        }
    }
}
