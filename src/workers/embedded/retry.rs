//! When to try again.

use super::TaskError;
use std::{fmt, sync::Arc, time::Duration};

/// How often, and how long apart, failed work is tried again. The pauses are durable timers.
///
/// Errors that are [non-retriable](TaskError::is_non_retriable) end it at once; the last error is the one that is returned.
///
/// ```
/// use durahub::workers::embedded::RetryPolicy;
/// use std::time::Duration;
///
/// let policy = RetryPolicy::new(5, Duration::from_secs(1)) // 1s, 2s, 4s, 4s between five attempts
///     .backoff(2.0)
///     .max_delay(Duration::from_secs(4))
///     .when(|error| error.error_type() != "CardDeclined");
/// # let _ = policy;
/// ```
#[derive(Clone)]
pub struct RetryPolicy {
    max_attempts: u32,
    first_delay: Duration,
    backoff: f64,
    max_delay: Duration,
    timeout: Option<Duration>,
    when: Option<Arc<Predicate>>,
}

type Predicate = dyn Fn(&TaskError) -> bool + Send + Sync;

impl RetryPolicy {
    /// Up to `max_attempts` attempts, counting the first one, with the same pause between them.
    pub fn new(max_attempts: u32, first_delay: Duration) -> Self {
        Self { max_attempts, first_delay, backoff: 1.0, max_delay: Duration::MAX, timeout: None, when: None }
    }

    /// Each pause is `coefficient` times as long as the one before. Below 1 counts as 1.
    #[must_use]
    pub fn backoff(mut self, coefficient: f64) -> Self {
        self.backoff = coefficient.max(1.0);
        self
    }

    /// No pause is longer than this.
    #[must_use]
    pub fn max_delay(mut self, limit: Duration) -> Self {
        self.max_delay = limit;
        self
    }

    /// No attempt starts later than this after the first one did.
    #[must_use]
    pub fn timeout(mut self, total: Duration) -> Self {
        self.timeout = Some(total);
        self
    }

    /// Only these errors are worth another attempt. Must depend on nothing but the error.
    #[must_use]
    pub fn when(mut self, predicate: impl Fn(&TaskError) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(Arc::new(predicate));
        self
    }

    /// How long to pause after attempt number `attempt` (from 1), begun `elapsed` after the first and failed by now. `None`:
    /// leave it at that.
    pub(super) fn pause(&self, attempt: u32, elapsed: Duration, error: &TaskError) -> Option<Duration> {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let delay = self.first_delay.as_secs_f64() * self.backoff.powi(exponent).min(1e18);
        let delay = Duration::try_from_secs_f64(delay).unwrap_or(Duration::MAX).min(self.max_delay);
        let retry = attempt < self.max_attempts
            && !error.is_non_retriable()
            && self.timeout.is_none_or(|total| elapsed.saturating_add(delay) <= total)
            && self.when.as_ref().is_none_or(|when| when(error));
        retry.then_some(delay)
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("max_attempts", &self.max_attempts)
            .field("first_delay", &self.first_delay)
            .field("backoff", &self.backoff)
            .field("max_delay", &self.max_delay)
            .field("timeout", &self.timeout)
            .field("when", &self.when.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pauses(policy: &RetryPolicy, error: &TaskError) -> Vec<u64> {
        let mut elapsed = Duration::ZERO;
        let pause = |attempt| {
            let delay = policy.pause(attempt, elapsed, error)?;
            elapsed += delay;
            Some(delay.as_secs())
        };
        (1..100).map_while(pause).collect()
    }

    #[test]
    fn pauses_grow_up_to_the_limit() {
        let error = TaskError::new("E", "");
        assert_eq!(pauses(&RetryPolicy::new(4, SECOND), &error), [1, 1, 1]);
        assert_eq!(
            pauses(&RetryPolicy::new(6, SECOND).backoff(2.0).max_delay(4 * SECOND), &error),
            [1, 2, 4, 4, 4]
        );
        assert_eq!(pauses(&RetryPolicy::new(9, SECOND).timeout(3 * SECOND), &error), [1, 1, 1]);
        assert_eq!(pauses(&RetryPolicy::new(0, SECOND), &error), [0; 0]);
        assert_eq!(pauses(&RetryPolicy::new(3, SECOND).backoff(f64::NAN), &error), [1, 1]);
    }

    #[test]
    fn the_longest_thinkable_pause_does_not_overflow() {
        let policy = RetryPolicy::new(u32::MAX, Duration::MAX).backoff(1e300);
        assert_eq!(policy.pause(5_000, Duration::MAX, &TaskError::new("E", "")), Some(Duration::MAX));
    }

    #[test]
    fn some_errors_are_not_worth_another_attempt() {
        let policy = RetryPolicy::new(3, SECOND).when(|error| error.error_type() == "Busy");
        assert_eq!(pauses(&policy, &TaskError::new("Busy", "")), [1, 1]);
        assert_eq!(pauses(&policy, &TaskError::new("Gone", "")), [0; 0]);
        assert_eq!(pauses(&policy, &TaskError::new("Busy", "").non_retriable()), [0; 0]);
    }
}
