//! What the options mean for each workload.

use super::{Options, Workload};
use std::time::Duration;

/// When a measurement is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// After so many operations.
    Count(u64),
    /// When no operation is under way that began within this time.
    Time(Duration),
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub workload: Workload,
    pub in_flight: u32,
    pub limit: Limit,
    /// Of what the workload is about: activities, events, milliseconds, entities, children, instances.
    pub size: u32,
}

impl Plan {
    /// One plan, or those of `all`. The error names options that do not go together.
    pub fn of(options: &Options) -> Result<Vec<Self>, String> {
        if options.workload != Workload::All {
            return Ok(vec![Self::new(options.workload, options)]);
        }
        if options.activities.is_some() || options.in_flight.is_some() || options.count.is_some() {
            return Err(
                "`all` decides itself about --activities, --in-flight and --count; name one workload to choose them".to_owned()
            );
        }
        use Workload::{
            Entities, Events, Fanout, List, Purge, Sequence, Start, Status, Suborchestrations, Timers,
        };
        let usual = |workload| Self::new(workload, options);
        let one_at_a_time = Self { in_flight: 1, ..usual(Sequence) };
        Ok(vec![
            usual(Sequence),
            Self { size: 5, ..usual(Sequence) },
            one_at_a_time,
            Self { size: 5, ..one_at_a_time },
            Self { size: 10_000, ..usual(Fanout) },
            usual(Events),
            usual(Timers),
            usual(Entities),
            Self { size: 1_000, ..usual(Entities) },
            usual(Suborchestrations),
            usual(Start),
            usual(Status),
            usual(List),
            usual(Purge),
        ])
    }

    fn new(workload: Workload, options: &Options) -> Self {
        let (in_flight, size) = match workload {
            Workload::Sequence => (64, options.activities.unwrap_or(3)),
            Workload::Fanout => (1, options.activities.unwrap_or(1_000)),
            Workload::Events => (64, options.events),
            Workload::Timers => (1_000, options.delay_ms),
            Workload::Entities => (64, options.entities),
            Workload::Suborchestrations => (64, options.children),
            Workload::List => (8, options.stored),
            Workload::Purge => (1, options.stored),
            Workload::Start | Workload::Status | Workload::All => (64, 0),
        };
        let limit = match options.count {
            Some(count) => Limit::Count(count),
            None => Limit::Time(Duration::from_secs(options.seconds.unwrap_or(10))),
        };
        Self { workload, in_flight: options.in_flight.unwrap_or(in_flight), limit, size }
    }

    /// How a table calls it.
    pub fn title(&self) -> String {
        let Self { in_flight, size, .. } = self;
        match self.workload {
            Workload::Sequence => format!("sequence of {size} activities, {in_flight} at a time"),
            Workload::Fanout => format!("fan-out of {size} activities, {in_flight} at a time"),
            Workload::Events => format!("{size} events each, {in_flight} at a time"),
            Workload::Timers => format!("timers of {size} ms (how late), {in_flight} at a time"),
            Workload::Entities if *size == 1 => format!("signals to one entity, {in_flight} at a time"),
            Workload::Entities => format!("signals to {size} entities, {in_flight} at a time"),
            Workload::Suborchestrations => format!("{size} sub-orchestrations each, {in_flight} at a time"),
            Workload::Start => format!("HTTP start, {in_flight} connections"),
            Workload::Status => format!("HTTP status, {in_flight} connections"),
            Workload::List => format!("HTTP list of 100, {in_flight} connections"),
            Workload::Purge => format!("instances purged, 100 a call, {in_flight} at a time"),
            Workload::All => "all".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, FromArgMatches as _};

    fn plans(line: &str) -> Result<Vec<Plan>, String> {
        let command = Options::augment_args(clap::Command::new("bench"));
        let matches =
            command.try_get_matches_from(line.split_whitespace()).map_err(|error| error.to_string())?;
        Plan::of(&Options::from_arg_matches(&matches).unwrap())
    }

    #[test]
    fn each_workload_has_its_usual_size_and_all_is_every_one() {
        let one = |line: &str| plans(line).unwrap()[0];
        assert_eq!((one("bench sequence").in_flight, one("bench sequence").size), (64, 3));
        assert_eq!((one("bench fanout").in_flight, one("bench fanout").size), (1, 1_000));
        assert_eq!(
            one("bench sequence --activities 5 --in-flight 2 --count 7"),
            Plan { workload: Workload::Sequence, in_flight: 2, limit: Limit::Count(7), size: 5 }
        );
        let all = plans("bench all --seconds 2").unwrap();
        for workload in <Workload as clap::ValueEnum>::value_variants() {
            let found = all.iter().any(|plan| plan.workload == *workload);
            assert_eq!(found, *workload != Workload::All, "{workload:?}");
        }
        assert!(all.iter().all(|plan| plan.limit == Limit::Time(Duration::from_secs(2))));
    }

    #[test]
    fn what_does_not_go_together_is_refused_by_name() {
        for (line, part) in [
            ("bench sequence --count 1 --seconds 1", "--seconds"),
            ("bench sequence --spawn --target http://x", "--target"),
            ("bench all --activities 3", "--activities"),
            ("bench sequence --in-flight 0", "--in-flight"),
            ("bench everything", "sequence"),
        ] {
            let refused = plans(line).unwrap_err();
            assert!(refused.contains(part), "{line}: {refused}");
        }
    }
}
