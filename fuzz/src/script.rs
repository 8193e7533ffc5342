//! A sequence of requests of one command, and what happens between them.

use std::time::Duration;

use arbitrary::Arbitrary;
use towline_ctap::{Permissions, Status};

use crate::{
    requests::Sensible,
    watch::{Mood, RPS, Watch},
};

/// How many steps are taken at most, so that a run stays short.
const LONGEST: usize = 32;

/// A sequence, and the kind of authenticator that it is for.
#[derive(Debug, Arbitrary)]
pub struct Script<R> {
    kind: u8,
    /// Whether nothing was done with it before.
    fresh: bool,
    steps: Vec<Step<R>>,
}

/// One step.
#[derive(Debug, Arbitrary)]
enum Step<R> {
    Send(R, Mood),
    /// From another channel.
    Elsewhere(R, Mood),
    /// With one byte that is wrong.
    Bent(R, Mood, u16, u8),
    /// Another token is fetched.
    Token(u8, Option<u8>),
    /// One of the commands without parameters comes in between.
    Between(u8, Mood),
    PowerUp,
    /// So many eighths of a second go by.
    Pass(u8),
}

impl<R: Sensible> Script<R> {
    /// Takes the steps; every answer is held against the rules. The statuses, in order.
    pub fn run(&self) -> Vec<Status> {
        let mut watch = if self.fresh { Watch::new(self.kind) } else { Watch::prepared(self.kind) };
        let mut statuses = Vec::new();
        for step in self.steps.iter().take(LONGEST) {
            let (channel, message, mood) = match step {
                Step::Send(request, mood) => (0, request.message(&watch), *mood),
                Step::Elsewhere(request, mood) => (1, request.message(&watch), *mood),
                Step::Bent(request, mood, place, bits) => {
                    let mut message = request.message(&watch);
                    let place = usize::from(*place) % message.len();
                    message[place] ^= bits;
                    (0, message, *mood)
                }
                Step::Between(command, mood) => {
                    let commands = [0x04, 0x07, 0x08, 0x0b];
                    (0, vec![commands[usize::from(command % 4)]], *mood)
                }
                Step::Token(permissions, rp) => {
                    let permissions = Permissions::from_bits((*permissions).into());
                    let rp = rp.map(|rp| RPS[usize::from(rp) % RPS.len()]);
                    watch.take_token(permissions, rp);
                    continue;
                }
                Step::PowerUp => {
                    watch.power_up();
                    continue;
                }
                Step::Pass(eighths) => {
                    watch.pass(Duration::from_millis(u64::from(*eighths) * 125));
                    continue;
                }
            };
            statuses.push(watch.request(channel, &message, mood));
        }
        watch.finish();
        statuses
    }
}
