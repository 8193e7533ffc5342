//! How often a password may be tried: for an account, and from one address.
//!
//! Keys are not counted: nobody can guess a signature, so that whoever fails on purpose for
//! somebody else's account keeps nobody out who has a key.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use crate::{ApiError, ErrorCode};

/// Failures for one account that are borne.
const FOR_ACCOUNT: u32 = 5;

/// Failures from one address that are borne; several people may share it.
const FROM_SOURCE: u32 = 30;

/// How long failures count, and how long the next attempt waits once there are too many.
pub(crate) const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Accounts and addresses that are remembered.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Account(String),
    Source(IpAddr),
}

impl Who {
    const fn borne(&self) -> u32 {
        match self {
            Self::Account(_) => FOR_ACCOUNT,
            Self::Source(_) => FROM_SOURCE,
        }
    }
}

/// The failures of the last quarter of an hour.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failures: HashMap<Who, (u32, Instant)>,
}

impl Attempts {
    /// Whether one more attempt may be made. It counts as a failure until it succeeds, so that many
    /// at once gain nothing. There need not be such an account.
    pub(crate) fn begin(
        &mut self,
        account: &str,
        source: IpAddr,
        now: Instant,
    ) -> Result<(), ApiError> {
        let both = [Who::Account(account.to_owned()), Who::Source(source)];
        for who in &both {
            let counted = self.failures.get(who);
            let counted = counted.filter(|(_, last)| now.saturating_duration_since(*last) < WINDOW);
            if counted.is_some_and(|(count, _)| *count >= who.borne()) {
                return Err(ApiError::new(
                    ErrorCode::TooMany,
                    "There were too many wrong attempts; wait a quarter of an hour.",
                ));
            }
        }
        for who in both {
            self.make_room(now);
            let counted = self.failures.entry(who).or_insert((0, now));
            if now.saturating_duration_since(counted.1) >= WINDOW {
                counted.0 = 0;
            }
            *counted = (counted.0.saturating_add(1), now);
        }
        Ok(())
    }

    /// The attempt was right.
    pub(crate) fn succeeded(&mut self, account: &str, source: IpAddr) {
        self.failures.remove(&Who::Account(account.to_owned()));
        if let Some((count, _)) = self.failures.get_mut(&Who::Source(source)) {
            *count = count.saturating_sub(1);
        }
    }

    /// Forgets what does not count any more; if that is too little, the older half, so that a flood
    /// costs little for each attempt.
    fn make_room(&mut self, now: Instant) {
        if self.failures.len() < REMEMBERED {
            return;
        }
        self.failures.retain(|_, (_, last)| now.saturating_duration_since(*last) < WINDOW);
        if self.failures.len() < REMEMBERED {
            return;
        }
        let mut times: Vec<Instant> = self.failures.values().map(|(_, last)| *last).collect();
        let middle = times.len() / 2;
        let (_, middle, _) = times.select_nth_unstable(middle);
        let middle = *middle;
        let before = self.failures.len();
        self.failures.retain(|_, (_, last)| *last > middle);
        tracing::warn!(forgotten = before.saturating_sub(self.failures.len()), "many attempts");
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn source(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn an_account_waits_after_too_many_failures_wherever_they_come_from() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for last in 0..5 {
            attempts.begin("jo", source(last), now).unwrap();
        }
        assert_eq!(attempts.begin("jo", source(9), now).unwrap_err().code, ErrorCode::TooMany);
        attempts.begin("alice", source(9), now).unwrap();
        attempts.begin("jo", source(9), now + WINDOW).unwrap();
        attempts.begin("jo", source(9), now + WINDOW).unwrap();
    }

    #[test]
    fn an_address_waits_after_too_many_failures_for_whomever() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for count in 0..30 {
            attempts.begin(&count.to_string(), source(1), now).unwrap();
        }
        assert!(attempts.begin("other", source(1), now).is_err());
        attempts.begin("other", source(2), now).unwrap();
    }

    #[test]
    fn who_succeeds_begins_anew() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..100 {
            attempts.begin("jo", source(1), now).unwrap();
            attempts.succeeded("jo", source(1));
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let many = u32::try_from(REMEMBERED).unwrap();
        for count in 0..many {
            let address = IpAddr::from(count.to_be_bytes());
            let then = now + Duration::from_millis(count.into());
            attempts.begin(&count.to_string(), address, then).unwrap();
        }
        assert!(attempts.failures.len() <= REMEMBERED);
        let last = (many - 1).to_string();
        assert!(attempts.failures.contains_key(&Who::Account(last)), "the latest is remembered");
    }
}
