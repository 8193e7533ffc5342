//! The way out: who may stay for how long once the service was told to stop.

use std::time::{Duration, Instant};

use super::Rendezvous;
use crate::{Crowd, Drain, DrainStage, Ending, Leg, RendezvousOutput, Role, deadline};

/// How far the service is on its way out.
pub(super) struct Leaving {
    drain: Drain,
    stage: DrainStage,
    /// When the stage began.
    since: Instant,
    /// When it ends at the latest.
    until: Instant,
    /// Phones that listen and were not sent away yet, the next one last.
    phones: Vec<Leg>,
    /// How many there were.
    all: usize,
}

impl Leaving {
    /// When the next phone is sent away: the first at once, the others evenly after it.
    fn next_turn(&self) -> Option<Instant> {
        let gone = self.all.checked_sub(self.phones.len()).filter(|gone| *gone < self.all)?;
        let share = |count: usize| u128::try_from(count).unwrap_or(u128::MAX);
        let nanos = self.drain.spread.as_nanos().saturating_mul(share(gone));
        let nanos = nanos.checked_div(share(self.all)).unwrap_or(0);
        let wait = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        Some(deadline::after(self.since, wait))
    }

    /// When something is to be done next.
    pub(super) fn next(&self) -> Option<Instant> {
        let until = (self.stage < DrainStage::Over).then_some(self.until);
        until.into_iter().chain(self.next_turn()).min()
    }

    fn enter(&mut self, stage: DrainStage, time: Duration, now: Instant) {
        (self.stage, self.since, self.until) = (stage, now, deadline::after(now, time));
    }
}

impl Rendezvous {
    /// The service is to stop, in the order of [`DrainStage`]. Said again it can only become
    /// faster.
    pub fn handle_drain(&mut self, drain: &Drain, now: Instant) {
        self.handle_timeout(now);
        let before = self.leaving.as_ref();
        let drain = before.map_or(*drain, |leaving| leaving.drain.at_most(*drain));
        match &mut self.leaving {
            Some(leaving) => {
                let time = match leaving.stage {
                    DrainStage::Serving | DrainStage::Notice => drain.notice,
                    DrainStage::Leaving => drain.spread.saturating_add(drain.waiting),
                    DrainStage::Tunnels | DrainStage::Over => drain.grace,
                };
                leaving.drain = drain;
                leaving.until = leaving.until.min(deadline::after(leaving.since, time));
            }
            None => {
                let until = deadline::after(now, drain.notice);
                let (stage, phones) = (DrainStage::Notice, Vec::new());
                self.leaving = Some(Leaving { drain, stage, since: now, until, phones, all: 0 });
                self.say_alive(now);
            }
        }
        self.leave(now);
    }

    /// How far the service is on its way out.
    #[must_use]
    pub fn drain_stage(&self) -> DrainStage {
        self.leaving.as_ref().map_or(DrainStage::Serving, |leaving| leaving.stage)
    }

    /// What is due on the way out.
    pub(super) fn leave(&mut self, now: Instant) {
        while let Some(leaving) = &mut self.leaving {
            let late = leaving.until <= now;
            match leaving.stage {
                DrainStage::Notice if late => {
                    leaving.phones = self.switchboard.listening().collect();
                    leaving.phones.sort_unstable_by(|one, other| other.cmp(one));
                    leaving.all = leaving.phones.len();
                    let time = leaving.drain.spread.saturating_add(leaving.drain.waiting);
                    leaving.enter(DrainStage::Leaving, time, now);
                }
                DrainStage::Leaving => {
                    while let Some(leaving) = &mut self.leaving
                        && leaving.next_turn().is_some_and(|turn| turn <= now)
                        && let Some(phone) = leaving.phones.pop()
                    {
                        self.send_away(phone);
                    }
                    if late {
                        self.send_all_away();
                    } else if self.somebody_waits() {
                        return;
                    }
                    if let Some(leaving) = &mut self.leaving {
                        leaving.phones.clear();
                        leaving.enter(DrainStage::Tunnels, leaving.drain.grace, now);
                    }
                }
                DrainStage::Tunnels if late => leaving.stage = DrainStage::Over,
                _ => return,
            }
        }
    }

    /// A phone that listens shall listen elsewhere. It is expected back: rings wait for it, and
    /// follow it to the node to which it comes.
    fn send_away(&mut self, leg: Leg) {
        let Some(place) = self.legs.get(&leg) else { return };
        let Some(Role::Listens { contact }) = &place.role else { return };
        let phone = self.switchboard.phones.get(contact);
        if phone.and_then(|phone| phone.leg()) == Some(leg) {
            self.deadlines.remove(&(place.deadline, leg));
            let ending = Ending::ShuttingDown;
            self.outputs.push_back(RendezvousOutput::Close { leg, ending });
        }
    }

    /// Whether there is anybody for whom another connection may come, or who is between two nodes.
    fn somebody_waits(&self) -> bool {
        let crowds = [&self.waiting_crowd, &self.ringing_crowd, &self.locating_crowd];
        let on_the_way = self.nodes.as_ref().is_some_and(|nodes| nodes.up);
        crowds.into_iter().any(|crowd| !crowd.is_empty())
            || self.switchboard.count() > 0
            || on_the_way && self.switchboard.absent() > 0
    }

    /// Who waits, rings or listens has had its time.
    fn send_all_away(&mut self) {
        let crowds = [&self.waiting_crowd, &self.ringing_crowd, &self.locating_crowd];
        let waiting = crowds.into_iter().flat_map(Crowd::holders).map(Leg);
        let mut legs: Vec<Leg> = waiting.chain(self.switchboard.listening()).collect();
        legs.sort_unstable();
        for leg in legs {
            self.close(leg, Ending::ShuttingDown);
        }
    }
}
