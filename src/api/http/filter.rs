//! Which instances a request asks for. The parameters of Durable Functions are read as leniently as it reads them; those that are
//! durahub's own are refused if they cannot be understood, because a filter that is dropped asks for more than was meant.

use super::{Error, Query};
use crate::{
    model::{InstanceId, Short, StatusSet, Timestamp},
    store::{Filter, Order, Parent, Span, Tag, Took},
};

/// Reads the filter. A parameter without a value asks nothing. `Invalid` names the parameter.
pub fn asked(query: &Query) -> Result<Filter, Error> {
    // A list of nothing but mistakes asks for nothing, not for everything.
    let statuses = query.word("runtimeStatus").and_then(|_| query.statuses("runtimeStatus"));
    let texts = |name| query.values(name).map(str::to_owned).collect();
    Ok(Filter {
        statuses: statuses.unwrap_or(StatusSet::ALL),
        created: Span {
            from: query.at_or_after("createdTimeFrom"),
            before: query.at_or_before("createdTimeTo").map(Timestamp::next),
        },
        updated: Span {
            from: understood(query, "lastUpdatedTimeFrom", DATE, Query::at_or_after)?,
            before: understood(query, "lastUpdatedTimeTo", DATE, Query::at_or_before)?.map(Timestamp::next),
        },
        completed: Span::ALWAYS,
        took: Took::ANY,
        id_prefix: query.text("instanceIdPrefix").unwrap_or_default().to_owned(),
        names: texts("name"),
        versions: texts("version"),
        parent: parent(query)?,
        tags: query.values("tag").map(tag).collect::<Result<_, _>>()?,
        entities: understood(query, "entities", FLAG, Query::flag)?.unwrap_or(true),
    })
}

/// Every parameter that [`asked`] and [`took`] read.
const NAMES: [&str; 14] = [
    "runtimeStatus",
    "createdTimeFrom",
    "createdTimeTo",
    "lastUpdatedTimeFrom",
    "lastUpdatedTimeTo",
    "instanceIdPrefix",
    "name",
    "version",
    "tag",
    "parentInstanceId",
    "topLevel",
    "entities",
    "durationFrom",
    "durationTo",
];

/// The same for what changes everything that matches: a word that is not known, or a date that cannot be read, is refused, and a list of
/// statuses that is empty asks for nothing.
pub fn strict(raw: &str) -> Result<Filter, Error> {
    let query = &Query::parse(raw);
    if let Some(piece) = raw.split('&').find(|piece| !piece.is_empty() && !piece.contains('=')) {
        return Err(Error::Invalid(format!("filter has {:?}, which lacks a value", Short(piece))));
    }
    let known = |name: &str| NAMES.iter().any(|known| known.eq_ignore_ascii_case(name));
    if let Some(stranger) = query.names().find(|name| !known(name)) {
        return Err(Error::Invalid(format!(
            "filter has {:?}, which is none of {}",
            Short(stranger),
            NAMES.join(", ")
        )));
    }
    understood(query, "createdTimeFrom", DATE, Query::at_or_after)?;
    understood(query, "createdTimeTo", DATE, Query::at_or_before)?;
    let mut filter = asked(query)?;
    filter.took = took(query)?;
    if let Some(statuses) = query.statuses("runtimeStatus") {
        filter.statuses = statuses;
    }
    Ok(filter)
}

/// How long it took: `durationFrom` and `durationTo`, in whole milliseconds. Either leaves out those that have not ended.
pub fn took(query: &Query) -> Result<Took, Error> {
    Ok(Took {
        from: understood(query, "durationFrom", MILLIS, Query::millis)?.map(|millis| millis * 1_000),
        // What is shown is cut to milliseconds.
        before: understood(query, "durationTo", MILLIS, Query::millis)?.map(|millis| (millis + 1) * 1_000),
    })
}

/// What a list can be ordered by.
pub const LIST_ORDERS: [(&str, Order); 3] =
    [("createdTime", Order::Created), ("lastUpdatedTime", Order::Updated), ("id", Order::Id)];
/// What a search can be ordered by.
pub const SEARCH_ORDERS: [(&str, Order); 6] = [
    ("createdTime", Order::Created),
    ("lastUpdatedTime", Order::Updated),
    ("id", Order::Id),
    ("name", Order::Name),
    ("runtimeStatus", Order::Status),
    ("duration", Order::Took),
];

/// `order`: by which of `orders`, and whether the last comes first. The default is the first of them, the first first.
pub fn order(query: &Query, orders: &[(&str, Order)]) -> Result<(Order, bool), Error> {
    let Some(asked) = query.word("order") else { return Ok((orders[0].1, false)) };
    let refused = || {
        let names: Vec<_> = orders.iter().map(|(name, _)| *name).collect();
        Error::Invalid(format!(
            "order {:?} is none that there is; give {}, followed by \" desc\" for the reverse",
            Short(asked),
            names.join(" or ")
        ))
    };
    let mut words = asked.split_whitespace();
    let (by, direction) = (words.next().unwrap_or_default(), words.next().unwrap_or("asc"));
    let found = orders.iter().find(|(name, _)| by.eq_ignore_ascii_case(name));
    let descending = match direction {
        _ if direction.eq_ignore_ascii_case("asc") => false,
        _ if direction.eq_ignore_ascii_case("desc") => true,
        _ => return Err(refused()),
    };
    match (found, words.next()) {
        (Some((_, order)), None) => Ok((*order, descending)),
        _ => Err(refused()),
    }
}

/// What an own parameter may be.
pub const DATE: &str = "a date such as 2026-01-02T03:04:05Z";
pub const FLAG: &str = "true or false";
const MILLIS: &str = "a whole number of milliseconds";

/// The value of one of durahub's own parameters; `Invalid` if there is one that `read` makes nothing of.
pub fn understood<T>(
    query: &Query,
    name: &str,
    expected: &str,
    read: impl FnOnce(&Query, &str) -> Option<T>,
) -> Result<Option<T>, Error> {
    match (query.word(name), read(query, name)) {
        (Some(given), None) => {
            Err(Error::Invalid(format!("{name} must be {expected}, not {:?}", Short(given))))
        }
        (_, value) => Ok(value),
    }
}

fn parent(query: &Query) -> Result<Parent, Error> {
    let top_level = understood(query, "topLevel", FLAG, Query::flag)?.unwrap_or(false);
    match (query.text("parentInstanceId").filter(|id| !id.is_empty()), top_level) {
        (None, false) => Ok(Parent::Any),
        (None, true) => Ok(Parent::Nobody),
        (Some(id), false) => Ok(Parent::Is(InstanceId::lookup(id))),
        (Some(_), true) => {
            Err(Error::Invalid("parentInstanceId and topLevel=true exclude each other".to_owned()))
        }
    }
}

/// `key`, or `key:value`.
fn tag(text: &str) -> Result<Tag, Error> {
    let (key, value) = match text.split_once(':') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (text, None),
    };
    if key.is_empty() {
        return Err(Error::Invalid(format!(
            "tag must be a key, or a key and a value such as team:red, not {:?}",
            Short(text)
        )));
    }
    Ok(Tag { key: key.to_owned(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_understood_is_refused_by_name() {
        for raw in [
            "lastUpdatedTimeFrom=yesterday",
            "lastUpdatedTimeTo=1",
            "topLevel=1",
            "entities=none",
            "topLevel=true&parentInstanceId=a",
            "tag=:red",
        ] {
            let error = asked(&Query::parse(raw)).unwrap_err().to_string();
            assert!(error.contains(raw.split('=').next().unwrap()), "{error}");
        }
        for raw in ["nam", "created", "createdTime down", "createdTime desc id", "-id", "desc"] {
            let query = Query::parse(&format!("order={raw}"));
            assert!(order(&query, &SEARCH_ORDERS).unwrap_err().to_string().contains("order"), "{raw}");
        }
    }

    #[test]
    fn what_changes_all_that_matches_is_read_strictly() {
        for raw in [
            "status=Failed",
            "createdTimeFrom=yesterday",
            "createdTimeTo=1",
            "top=5",
            "taskHub=other",
            "name",
            "?name=a",
        ] {
            let error = strict(raw).unwrap_err().to_string();
            assert!(error.contains(raw.split('=').next().unwrap()), "{raw}: {error}");
        }
        assert_eq!(strict("").unwrap(), Filter::default());
        assert_eq!(strict("runtimeStatus=").unwrap().statuses, StatusSet::NONE);
        let raw = "NAME=a&runtimestatus=Failed&createdTimeFrom=2026-01-02&entities=false&tag=a:b&version=1";
        assert_eq!(strict(raw).unwrap(), asked(&Query::parse(raw)).unwrap());
    }

    #[test]
    fn every_name_is_read() {
        for name in NAMES {
            let values = ["Failed", "2026-01-02", "true", "5"];
            let read = values.iter().any(|value| {
                strict(&format!("{name}={value}")).is_ok_and(|filter| filter != Filter::default())
            });
            assert!(read || name == "entities", "{name}");
        }
    }

    #[test]
    fn a_parameter_without_a_value_asks_nothing() {
        let raw = "runtimeStatus=&createdTimeFrom=&lastUpdatedTimeFrom=&lastUpdatedTimeTo=+&instanceIdPrefix=&name=&version=\
            &parentInstanceId=&topLevel=&entities=&tag=&order=";
        let query = Query::parse(raw);
        assert_eq!(asked(&query).unwrap(), Filter::default());
        assert_eq!(order(&query, &LIST_ORDERS).unwrap(), (Order::Created, false));
    }

    #[test]
    fn tags_are_keys_or_keys_with_values() {
        let tags = |raw: &str| {
            let tags = asked(&Query::parse(raw)).unwrap().tags.into_iter();
            tags.map(|tag| (tag.key, tag.value)).collect::<Vec<_>>()
        };
        let is = |key: &str, value: Option<&str>| (key.to_owned(), value.map(str::to_owned));
        assert_eq!(tags("tag=team&Tag=a%3Ab:c"), [is("team", None), is("a", Some("b:c"))]);
        assert_eq!(tags("tag=team:"), [is("team", Some(""))]);
        assert_eq!(tags("tag=a,b:c"), [is("a,b", Some("c"))]);
    }

    #[test]
    fn orders_have_a_direction() {
        for (raw, expected) in [
            ("createdTime", (Order::Created, false)),
            ("CREATEDTIME+DESC", (Order::Created, true)),
            ("lastUpdatedTime%20desc", (Order::Updated, true)),
            ("id+asc", (Order::Id, false)),
            ("Name", (Order::Name, false)),
            ("runtimestatus+desc", (Order::Status, true)),
            ("duration+desc", (Order::Took, true)),
        ] {
            let query = Query::parse(&format!("order={raw}"));
            assert_eq!(order(&query, &SEARCH_ORDERS).unwrap(), expected, "{raw}");
            let listed = LIST_ORDERS.iter().any(|(_, order)| *order == expected.0);
            assert_eq!(order(&query, &LIST_ORDERS).is_ok(), listed, "{raw}");
        }
    }

    #[test]
    fn durations_are_whole_milliseconds_and_both_ends_are_included() {
        let asked = |raw: &str| took(&Query::parse(raw));
        assert_eq!(asked("durationFrom=&durationTo=").unwrap(), Took::ANY);
        assert_eq!(
            asked("durationFrom=2&durationTo=5").unwrap(),
            Took { from: Some(2_000), before: Some(6_000) }
        );
        for raw in ["durationFrom=-1", "durationTo=1.5", "durationTo=1s", "durationFrom=9223372036854775807"]
        {
            let error = asked(raw).unwrap_err().to_string();
            assert!(error.contains("duration") && error.contains("milliseconds"), "{error}");
        }
    }
}
