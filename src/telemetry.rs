//! Structured logs on standard error: text for a person at a terminal, JSON for everything else.
//!
//! Fields are called the same everywhere: `hub`, `instance.id`, `instance.name`; [`instance_span`] carries them for whatever is logged
//! inside it. (Not plain `name`: in JSON that is the span's own.)
//! Never logged: inputs, outputs, events, keys. Standard output is left to the commands' own answers.
#![warn(missing_docs)]

use crate::{
    config::{Log, LogFormat},
    model::{HubName, InstanceId},
};
use std::{
    env,
    io::{self, IsTerminal as _},
};
use tracing::{Span, Subscriber, error_span};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{LevelFilter, ParseError},
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    registry::Registry,
    util::SubscriberInitExt as _,
};

/// Starts logging for the whole process. A second call changes nothing.
pub fn init(log: &Log) {
    let terminal = io::stderr().is_terminal();
    let colours = terminal && env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    // Fails only if somebody else (a test, an embedding program) has set a subscriber; theirs stays.
    let _ = subscriber(log, terminal, colours, io::stderr).try_init();
}

/// The span around work on one instance.
pub fn instance_span(hub: &HubName, id: &InstanceId, name: &str) -> Span {
    // At the level of errors, so that the fields are there whatever the level of the line inside.
    error_span!("instance", %hub, instance.id = %id, instance.name = name)
}

/// Reads filter directives. Stricter than `tracing`, which takes a misspelt level for the name of a module and then logs
/// nothing else.
pub fn filter(directives: &str) -> Result<EnvFilter, BadFilter> {
    let directives: Vec<_> = directives.split(',').map(str::trim).collect();
    for directive in &directives {
        let level = !directive.is_empty() && directive.parse::<LevelFilter>().is_ok();
        if !level && !directive.contains(['=', '[']) {
            return Err(BadFilter::Level((*directive).to_owned()));
        }
    }
    EnvFilter::builder().parse(directives.join(",")).map_err(BadFilter::Directive)
}

/// Filter directives that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadFilter {
    /// A word that is no level.
    #[error("{0:?} is not a level")]
    Level(String),
    /// Anything else.
    #[error("not a filter directive")]
    Directive(#[source] ParseError),
}

fn subscriber<W>(log: &Log, terminal: bool, colours: bool, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let json = match log.format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let lines = fmt::layer::<Registry>().with_writer(writer).with_ansi(colours && !json);
    let lines = if json {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    } else {
        lines.compact().boxed()
    };
    let filter = filter(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::registry().with(lines.with_filter(filter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing::subscriber::with_default;

    fn logged(format: LogFormat, level: &str, terminal: bool) -> String {
        let out = Arc::new(Mutex::new(Vec::new()));
        let log = Log { level: level.to_owned(), format };
        let hub = HubName::parse("default").unwrap();
        with_default(subscriber(&log, terminal, false, Sink(out.clone())), || {
            let _inside = instance_span(&hub, &InstanceId::lookup("order-7"), "Checkout").entered();
            tracing::warn!(turn = 3, "turn given back");
            tracing::debug!("detail");
        });
        String::from_utf8(out.lock().unwrap().clone()).unwrap()
    }

    #[derive(Clone)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Sink {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn lines_carry_instance_hub_and_name_in_both_forms() {
        let json: serde_json::Value =
            serde_json::from_str(&logged(LogFormat::Auto, "warn", false)).expect("one JSON object");
        assert_eq!(json["message"], "turn given back");
        assert_eq!(json["turn"], 3);
        assert_eq!(json["span"]["instance.id"], "order-7");
        assert_eq!(json["span"]["hub"], "default");
        assert_eq!(json["span"]["instance.name"], "Checkout");
        let text = logged(LogFormat::Auto, "warn", true);
        for part in
            ["WARN", "turn given back", "instance.id=order-7", "hub=default", "instance.name=\"Checkout\""]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_level_may_be_set_for_one_room() {
        assert_eq!(logged(LogFormat::Text, "warn,durahub::telemetry=debug", false).lines().count(), 2);
        assert_eq!(logged(LogFormat::Text, "off", false), "");
    }

    #[test]
    fn misspelt_levels_are_refused_instead_of_silencing_everything() {
        for bad in ["", "debgu", "info,verbose", "durahub=loud"] {
            assert!(filter(bad).is_err(), "{bad}");
        }
        for good in ["info", "OFF", "warn, durahub=trace", "durahub::store=debug,info"] {
            assert!(filter(good).is_ok(), "{good}");
        }
    }
}
