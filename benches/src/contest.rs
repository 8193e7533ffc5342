//! Two pieces of code measured against each other in one run.
//!
//! A machine that is hot or throttled slows both down alike, so they take turns: many rounds, each
//! of a batch of the one and a batch of the other, in changing order. The ratio is the median of
//! the rounds' ratios. On Unix the time is that which the thread has spent on a processor, so that
//! waiting for one, on a machine that is busy, does not count.

use std::{hint::black_box, time::Duration};

/// How long a batch runs at least.
const BATCH: Duration = Duration::from_millis(2);

/// How two pieces of code compare.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// The median time of the subject.
    pub subject: Duration,
    /// The median time of the yardstick.
    pub yardstick: Duration,
    /// The lower quartile, the median and the upper quartile of the rounds' ratios.
    pub ratio: [f64; 3],
}

/// Lets the two take turns for so many rounds.
///
/// # Panics
/// When `rounds` is zero.
pub fn compare<A, B>(
    rounds: u32,
    mut subject: impl FnMut() -> A,
    mut yardstick: impl FnMut() -> B,
) -> Outcome {
    let (subject_batch, yardstick_batch) = (calibrate(&mut subject), calibrate(&mut yardstick));
    let (mut subjects, mut yardsticks, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (one, other) = if round % 2 == 0 {
            let one = time(subject_batch, &mut subject);
            (one, time(yardstick_batch, &mut yardstick))
        } else {
            let other = time(yardstick_batch, &mut yardstick);
            (time(subject_batch, &mut subject), other)
        };
        subjects.push(one);
        yardsticks.push(other);
        ratios.push(one / other);
    }
    let median = |times| Duration::from_secs_f64(quartiles(times)[1]);
    Outcome { subject: median(subjects), yardstick: median(yardsticks), ratio: quartiles(ratios) }
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    [1, 2, 3].map(|n| values[(values.len() - 1) * n / 4])
}

/// How often to run so that the clock's own cost does not count; also warms up.
fn calibrate<T>(work: &mut impl FnMut() -> T) -> u32 {
    let mut iterations = 1;
    while time(iterations, work) * f64::from(iterations) < BATCH.as_secs_f64() {
        iterations *= 2;
    }
    iterations
}

/// The time of one run in seconds, on average over a batch. A `Duration` would round it to
/// nanoseconds.
fn time<T>(iterations: u32, work: &mut impl FnMut() -> T) -> f64 {
    let start = spent();
    for _ in 0..iterations {
        black_box(work());
    }
    (spent() - start).as_secs_f64() / f64::from(iterations)
}

/// The time that this thread has spent on a processor.
#[cfg(unix)]
fn spent() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = Duration::from_secs(time.tv_sec.unsigned_abs());
    seconds + Duration::from_nanos(time.tv_nsec.unsigned_abs())
}

/// The time that has passed since this was first asked.
#[cfg(not(unix))]
fn spent() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_do_not_depend_on_the_order() {
        assert_eq!(quartiles(vec![5.0, 1.0, 4.0, 2.0, 3.0]), [2.0, 3.0, 4.0]);
        assert_eq!(quartiles(vec![7.0]), [7.0; 3]);
    }

    #[test]
    fn both_run_in_every_round() {
        let (mut one, mut other) = (0_u32, 0_u32);
        let outcome = compare(3, || one += 1, || other += 1);
        assert!(one >= 3 && other >= 3);
        assert!(outcome.ratio[0] <= outcome.ratio[1] && outcome.ratio[1] <= outcome.ratio[2]);
    }
}
