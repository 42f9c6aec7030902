//! Retention: which rule takes which instance that has ended, and when.
//!
//! What always holds:
//! - Only what has ended is taken, and entities never are. Age counts from the end: that of a rewound instance from its last one.
//! - An instance that another one has started stays as long as the execution that started it is there, and then goes with it.
//! - A tag that exempts an instance exempts it wherever it stands.

mod text;

use crate::model::{HubName, InstanceRecord, StatusSet, Timestamp};
use std::time::Duration;

/// What is removed some time after its end.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Whose instances; `None`: those of every hub.
    pub hub: Option<HubName>,
    /// How long after its end an instance stays.
    pub after: Duration,
    /// How it has ended. Nothing but ends.
    pub statuses: StatusSet,
    /// What its function is called.
    pub name: Name,
    /// What exempts it, each by itself.
    pub unless: Vec<Exemption>,
}

/// Names of functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    Any,
    Exactly(String),
    Beginning(String),
}

/// A tag that an instance must not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    pub key: String,
    /// `None`: whatever its value is.
    pub value: Option<String>,
}

impl Rule {
    /// Whether the rule is for the hub of that name.
    pub fn covers(&self, hub: &str) -> bool {
        self.hub.as_ref().is_none_or(|name| name.as_str().eq_ignore_ascii_case(hub))
    }

    /// What has ended before this is old enough at `now`.
    pub fn ended_before(&self, now: Timestamp) -> Timestamp {
        now.minus(self.after).next()
    }

    /// When an instance that ended at `end` is old enough.
    pub fn due(&self, end: Timestamp) -> Timestamp {
        end.plus(self.after)
    }

    /// Whether the rule takes an instance on its own account.
    pub fn takes(&self, record: &InstanceRecord, now: Timestamp) -> bool {
        let named = match &self.name {
            Name::Any => true,
            Name::Exactly(name) => *record.name == **name,
            Name::Beginning(with) => record.name.starts_with(with.as_str()),
        };
        named && self.statuses.contains(record.status) && self.takes_below(record, now)
    }

    /// Whether an instance goes because the one that started it goes: name and status are not asked for then.
    pub fn takes_below(&self, record: &InstanceRecord, now: Timestamp) -> bool {
        !record.id.is_entity()
            && record.completed_at.is_some_and(|end| end < self.ended_before(now))
            && !self.unless.iter().any(|tag| tag.is_on(record))
    }
}

impl Exemption {
    fn is_on(&self, record: &InstanceRecord) -> bool {
        let found = record.tags.get(&self.key);
        found.is_some_and(|found| self.value.as_ref().is_none_or(|value| value == found))
    }
}

/// Whether an instance stays because the execution that started it is there. `starter`: who has the id of the instance that started it now.
/// One that has continued as new, or was replaced, has let go of what it started before.
pub fn is_held(record: &InstanceRecord, starter: Option<&InstanceRecord>) -> bool {
    match (&record.parent, starter) {
        (Some(parent), Some(starter)) => parent.execution_id == starter.execution_id,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HubId, InstanceId, InstanceKey, ParentRef, Status};

    const END: Timestamp = Timestamp(1_700_000_000_000_000);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn ended(id: &str, name: &str, status: Status, tags: &[(&str, &str)]) -> InstanceRecord {
        InstanceRecord {
            key: InstanceKey(1),
            hub: HubId(1),
            id: InstanceId::lookup(id),
            name: name.into(),
            version: None,
            execution_id: format!("{id}-1"),
            status,
            turn: 1,
            created_at: Timestamp(0),
            updated_at: END,
            completed_at: crate::model::StatusExt::is_terminal(status).then_some(END),
            scheduled_at: None,
            parent: None,
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            trace: None,
        }
    }

    #[test]
    fn a_rule_takes_what_has_ended_is_old_enough_matches_and_is_not_exempt() {
        use Status::*;
        for (rule, name, status, tags, takes) in [
            ("* after=1h", "Any", Completed, &[][..], true),
            ("* after=1h", "Any", Canceled, &[], true),
            ("* after=1h", "Any", Running, &[], false),
            ("* after=1h", "Any", Suspended, &[], false),
            ("* after=3601s", "Any", Completed, &[], false),
            ("* after=1h status=Failed", "Any", Completed, &[], false),
            ("* after=1h status=Failed+Completed", "Any", Completed, &[], true),
            ("* after=1h name=Order", "Order", Completed, &[], true),
            ("* after=1h name=Order", "Orders", Completed, &[], false),
            ("* after=1h name=Order", "order", Completed, &[], false),
            ("* after=1h name=Order*", "Orders", Completed, &[], true),
            ("* after=1h name=Order*", "Order", Completed, &[], true),
            ("* after=1h name=Order*", "AnOrder", Completed, &[], false),
            ("* after=1h name=*", "Any", Completed, &[], true),
            ("* after=1h unless_tag=keep", "Any", Completed, &[("keep", "")], false),
            ("* after=1h unless_tag=keep", "Any", Completed, &[("kept", "keep")], true),
            ("* after=1h unless_tag=keep=yes", "Any", Completed, &[("keep", "yes")], false),
            ("* after=1h unless_tag=keep=yes", "Any", Completed, &[("keep", "no")], true),
            ("* after=1h unless_tag=keep unless_tag=team=red", "Any", Completed, &[("team", "red")], false),
            ("* after=1h unless_tag=keep unless_tag=team=red", "Any", Completed, &[("team", "blue")], true),
        ] {
            let judged: Rule = rule.parse().unwrap();
            let record = ended("a", name, status, tags);
            assert_eq!(judged.takes(&record, END.plus(HOUR)), takes, "{rule} of {name} {status:?} {tags:?}");
        }
    }

    #[test]
    fn age_counts_from_the_end_to_the_microsecond() {
        let rule: Rule = "* after=1h".parse().unwrap();
        let record = ended("a", "Any", Status::Completed, &[]);
        assert_eq!(rule.due(END), END.plus(HOUR));
        assert!(!rule.takes(&record, rule.due(END).previous()));
        assert!(rule.takes(&record, rule.due(END)));
        // A rewind takes the end away, and the next one is another.
        let rewound = InstanceRecord { completed_at: None, status: Status::Running, ..record.clone() };
        assert!(!rule.takes(&rewound, Timestamp(i64::MAX)));
        let again = InstanceRecord { completed_at: Some(END.plus(HOUR)), ..record };
        assert!(!rule.takes(&again, rule.due(END)));
    }

    #[test]
    fn no_rule_takes_an_entity() {
        let rule: Rule = "* after=1s".parse().unwrap();
        assert!(!rule.takes(&ended("@counter@a", "counter", Status::Completed, &[]), Timestamp(i64::MAX)));
    }

    #[test]
    fn what_goes_with_its_parent_is_asked_for_age_and_tags_only() {
        let rule: Rule = "* after=1h name=Parent status=Completed unless_tag=keep".parse().unwrap();
        let due = rule.due(END);
        let child = ended("c", "Child", Status::Failed, &[]);
        assert!(rule.takes_below(&child, due) && !rule.takes(&child, due));
        assert!(!rule.takes_below(&child, due.previous()));
        assert!(!rule.takes_below(&ended("c", "Child", Status::Failed, &[("keep", "1")]), due));
        assert!(!rule.takes_below(&ended("c", "Child", Status::Running, &[]), due));
    }

    #[test]
    fn a_child_is_held_by_the_execution_that_started_it_and_no_other() {
        let starter = ended("p", "Parent", Status::Running, &[]);
        let parent = ParentRef { id: starter.id.clone(), execution_id: "p-1".into(), task_id: 0 };
        let child = InstanceRecord { parent: Some(parent), ..ended("c", "Child", Status::Completed, &[]) };
        assert!(is_held(&child, Some(&starter)));
        assert!(is_held(&child, Some(&InstanceRecord { status: Status::Completed, ..starter.clone() })));
        assert!(!is_held(&child, None));
        let next = InstanceRecord { execution_id: "p-2".into(), ..starter.clone() };
        assert!(!is_held(&child, Some(&next)));
        assert!(!is_held(&starter, Some(&child)));
    }

    #[test]
    fn a_rule_covers_its_hub_in_any_case_or_all_of_them() {
        let rule: Rule = "Prod after=1h".parse().unwrap();
        assert_eq!(
            ["prod", "PROD", "production", ""].map(|hub| rule.covers(hub)),
            [true, true, false, false]
        );
        assert!("* after=1h".parse::<Rule>().unwrap().covers("anything"));
    }
}
