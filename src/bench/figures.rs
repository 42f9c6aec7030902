//! What was measured, as a table or as JSON.

use super::plan::Plan;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::{io::Write as _, time::Duration};

/// Latencies and errors of operations, in bounded memory: three digits of each latency are kept.
pub struct Recorded {
    micros: Histogram<u64>,
    count: u64,
    errors: u64,
    first_error: Option<String>,
}

impl Default for Recorded {
    fn default() -> Self {
        let micros = Histogram::new(3).expect("three digits are permitted");
        Self { micros, count: 0, errors: 0, first_error: None }
    }
}

impl Recorded {
    /// `items` operations that took `latency` together.
    pub fn done(&mut self, latency: Duration, items: u64) {
        self.micros += u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.count += items;
    }

    pub fn failed(&mut self, error: String) {
        self.errors += 1;
        self.first_error.get_or_insert(error);
    }

    pub fn merge(&mut self, other: Self) {
        self.micros += other.micros;
        self.count += other.count;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The figures, if all of it took `time`.
    #[allow(clippy::cast_precision_loss, reason = "nobody reads the sixteenth digit of a rate")]
    pub fn figures(self, plan: &Plan, time: Duration) -> Figures {
        let ms = |quantile: f64| self.micros.value_at_quantile(quantile) as f64 / 1e3;
        Figures {
            title: plan.title(),
            workload: clap::ValueEnum::to_possible_value(&plan.workload)
                .map_or_else(String::new, |value| value.get_name().to_owned()),
            size: plan.size,
            in_flight: plan.in_flight,
            count: self.count,
            seconds: time.as_secs_f64(),
            per_second: self.count as f64 / time.as_secs_f64().max(f64::EPSILON),
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            errors: self.errors,
            first_error: self.first_error,
        }
    }
}

/// What one workload measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    #[serde(skip)]
    title: String,
    /// As it is named on the command line.
    pub workload: String,
    /// Of what the workload is about, such as activities.
    pub size: u32,
    /// Operations under way at a time.
    pub in_flight: u32,
    /// Successful operations.
    pub count: u64,
    /// How long all of it took.
    pub seconds: f64,
    /// `count` by `seconds`.
    pub per_second: f64,
    /// The latency in the middle.
    pub p50_ms: f64,
    /// The latency that one in a hundred exceeds.
    pub p99_ms: f64,
    /// Operations that were refused or got no answer.
    pub errors: u64,
    /// What the first of those was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_error: Option<String>,
}

impl Figures {
    /// For figures without a success.
    pub(super) fn failed(&self) -> String {
        let why = self.first_error.as_deref().unwrap_or("it was over before the first one was");
        format!("{}: nothing succeeded: {why}", self.title)
    }
}

/// Writes figures as they come.
pub struct Report {
    json: bool,
    begun: bool,
}

impl Report {
    pub fn new(json: bool) -> Self {
        Self { json, begun: false }
    }

    /// One line, below the head of the table. The error says why it could not be written.
    pub fn add(&mut self, figures: &Figures) -> Result<(), String> {
        let mut text = String::new();
        if self.json {
            text = serde_json::to_string(figures).map_err(|error| error.to_string())?;
        } else {
            if !self.begun {
                text =
                    row(["workload", "count", "seconds", "per second", "p50 ms", "p99 ms", "errors"]) + "\n";
                self.begun = true;
            }
            let rate = if figures.per_second < 100.0 { 1 } else { 0 };
            text += &row([
                &figures.title,
                &figures.count.to_string(),
                &format!("{:.1}", figures.seconds),
                &format!("{:.rate$}", figures.per_second),
                &format!("{:.2}", figures.p50_ms),
                &format!("{:.2}", figures.p99_ms),
                &figures.errors.to_string(),
            ]);
            if let Some(error) = &figures.first_error {
                text += &format!("\n  the first error: {error}");
            }
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}")
            .and_then(|()| out.flush())
            .map_err(|error| format!("cannot write to standard output: {error}"))
    }
}

fn row([title, columns @ ..]: [&str; 7]) -> String {
    let columns: String = columns.iter().map(|column| format!(" {column:>10}")).collect();
    format!("{title:<48}{columns}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Workload, plan::Limit};

    #[test]
    fn figures_have_the_promised_fields_and_the_middle_in_the_middle() {
        let mut all = Recorded::default();
        for lane in 0..2 {
            let mut recorded = Recorded::default();
            (1..=100).for_each(|ms| recorded.done(Duration::from_millis(ms), 1));
            if lane == 1 {
                recorded.failed("no".to_owned());
            }
            all.merge(recorded);
        }
        let plan = Plan { workload: Workload::Fanout, in_flight: 2, limit: Limit::Count(200), size: 9 };
        let figures = all.figures(&plan, Duration::from_secs(4));
        let json = serde_json::to_value(&figures).unwrap();
        assert_eq!(json["workload"], "fanout");
        assert_eq!(
            (&json["count"], &json["seconds"], &json["per_second"]),
            (&200.into(), &4.0.into(), &50.0.into())
        );
        assert_eq!((&json["errors"], &json["first_error"]), (&1.into(), &"no".into()));
        for (field, expected) in [("p50_ms", 50.0), ("p99_ms", 99.0)] {
            let measured = json[field].as_f64().unwrap();
            assert!((measured - expected).abs() < 0.1, "{field}: {measured}");
        }
    }
}
