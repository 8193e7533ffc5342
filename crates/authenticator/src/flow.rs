//! How a ceremony goes on: it responds, asks the person, or waits for work. The rest of it travels
//! along as a closure, so that each command reads from top to bottom in the order of the standard.

use std::time::Instant;

use towline_crypto::CryptoProvider;
use towline_ctap::{Status, Transport};

use crate::{
    ChannelId, Config, Event, KeyStore, PinVerifier, Token, UnixTime, Work,
    clock::Clock,
    durable::{Retries, State},
    job::{Fate, Job},
    person::Asked,
    pin_protocol::KeyAgreement,
    sequence::Sequence,
    store_access::{Stored, Write},
    token::PinUvAuthToken,
    u2f_touch::Touch,
    unneeded::Unneeded,
};

/// The next thing to do in a ceremony, or the status that ends it.
pub(crate) type Flow = Result<Next, Status>;

/// What a ceremony wants next.
pub(crate) enum Next {
    /// It is over: the whole response.
    Respond(Vec<u8>),
    /// It waits for the person.
    Ask(Asked),
    /// It waits for a store or a key.
    Work {
        /// The blocking part, and what follows it.
        job: Job,
        effect: Effect,
    },
}

/// What a job does to what is stored, and what a cancel does to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effect {
    /// It changes something: when its ceremony is given up it may still land, and nothing else
    /// begins before it has.
    pub(crate) writes: bool,
    /// A cancel may end the wait.
    pub(crate) cancellable: bool,
}

const READS: Effect = Effect { writes: false, cancellable: true };
const WRITES: Effect = Effect { writes: true, cancellable: true };
const IS_HELD: Effect = Effect { writes: true, cancellable: false };

/// What all ceremonies share.
pub(crate) struct Core {
    pub(crate) config: Config,
    /// Whether credentials that may be backed up are so now (BS).
    pub(crate) backed_up: bool,
    pub(crate) provider: CryptoProvider,
    pub(crate) store: Stored,
    pub(crate) keys: Box<dyn KeyStore>,
    /// Whether the key store was given what only the PIN opens.
    pub(crate) keys_unlocked: bool,
    pub(crate) pin_verifier: Box<dyn PinVerifier>,
    /// The keys that are to be deleted.
    pub(crate) unneeded: Unneeded,
    /// The algorithms that both the config and the key store allow, in the config's order.
    pub(crate) algorithms: Vec<i64>,
    pub(crate) now: Clock,
    /// The time of day, where somebody has told it.
    pub(crate) time: Option<UnixTime>,
    pub(crate) powered_up: Option<Instant>,
    /// The channel of the ceremony at hand.
    pub(crate) channel: ChannelId,
    /// What is known of how it came.
    pub(crate) transport: Option<Transport>,
    pub(crate) retries: Retries,
    pub(crate) state: State,
    pub(crate) key_agreement: KeyAgreement,
    pub(crate) token: PinUvAuthToken,
    /// How many wrong PINs there were in a row since the power came.
    pub(crate) pin_mismatches: u8,
    /// The sequence of commands under way.
    pub(crate) sequence: Option<Sequence>,
    /// Whether the ceremony at hand is one of U2F, whose responses are of another form.
    pub(crate) u2f: bool,
    /// The touch that U2F asks for.
    pub(crate) touch: Touch,
    /// Questions that are to be withdrawn.
    pub(crate) withdrawn: Vec<Token>,
    pub(crate) events: Vec<Event>,
}

impl Core {
    /// New key agreement keys, and no token is valid any more (§6.5.3, power-up and reset).
    pub(crate) fn forget_agreements(&mut self) {
        self.key_agreement = KeyAgreement::default();
        self.token.reset();
    }

    /// It is not known what became of a write: all that depends on it is read again.
    pub(crate) fn doubt(&mut self) {
        self.state.doubt();
        self.unneeded.doubt();
        self.retries = Retries::default();
        self.token.reset();
    }
}

/// Goes on with `then` when the work is done, which may be now. A cancel ends the wait.
pub(crate) fn await_work<T: Send + 'static, E: Send + 'static>(
    core: &mut Core,
    work: Work<T, E>,
    then: impl FnOnce(&mut Core, Result<T, E>) -> Flow + Send + 'static,
) -> Flow {
    await_or_undo(core, work, then, |_, _| {})
}

/// As [`await_work`]; if nobody waits for the result any more when it comes, it goes to `undo`.
pub(crate) fn await_or_undo<T: Send + 'static, E: Send + 'static>(
    core: &mut Core,
    work: Work<T, E>,
    then: impl FnOnce(&mut Core, Result<T, E>) -> Flow + Send + 'static,
    undo: impl FnOnce(&mut Core, Result<T, E>) + Send + 'static,
) -> Flow {
    match work {
        Work::Done(result) => then(core, result),
        Work::Later(run) => {
            let job = Job::new(run, |core, result, fate| match fate {
                Fate::Awaited => then(core, result),
                Fate::Abandoned => {
                    undo(core, result);
                    Err(Status::KeepaliveCancel)
                }
            });
            Ok(Next::Work { job, effect: READS })
        }
    }
}

/// Goes on with `then` when a step on the way is written. A cancel ends the wait, and what is in
/// memory is read again.
pub(crate) fn await_write<T: Send + 'static, E: Send + 'static>(
    core: &mut Core,
    write: Write<T, E>,
    then: impl FnOnce(&mut Core, Result<T, E>) -> Flow + Send + 'static,
) -> Flow {
    await_write_or_undo(core, write, then, |_| {})
}

/// As [`await_write`]; if nobody waits for it any more when it is done, then `undo` has its turn.
pub(crate) fn await_write_or_undo<T: Send + 'static, E: Send + 'static>(
    core: &mut Core,
    write: Write<T, E>,
    then: impl FnOnce(&mut Core, Result<T, E>) -> Flow + Send + 'static,
    undo: impl FnOnce(&mut Core) + Send + 'static,
) -> Flow {
    await_step(core, write, WRITES, then, undo)
}

/// As [`await_write`], for a step that must not be lost to a cancel, as a try for the PIN: the
/// client learns the truth.
pub(crate) fn await_held<T: Send + 'static, E: Send + 'static>(
    core: &mut Core,
    write: Write<T, E>,
    then: impl FnOnce(&mut Core, Result<T, E>) -> Flow + Send + 'static,
) -> Flow {
    await_held_or_undo(core, write, then, |_| {})
}

/// As [`await_held`]; if nobody waits for it any more when it is done, then `undo` has its turn.
pub(crate) fn await_held_or_undo<T: Send + 'static, E: Send + 'static>(
    core: &mut Core,
    write: Write<T, E>,
    then: impl FnOnce(&mut Core, Result<T, E>) -> Flow + Send + 'static,
    undo: impl FnOnce(&mut Core) + Send + 'static,
) -> Flow {
    await_step(core, write, IS_HELD, then, undo)
}

fn await_step<T: Send + 'static, E: Send + 'static>(
    core: &mut Core,
    write: Write<T, E>,
    effect: Effect,
    then: impl FnOnce(&mut Core, Result<T, E>) -> Flow + Send + 'static,
    undo: impl FnOnce(&mut Core) + Send + 'static,
) -> Flow {
    match write.into_work() {
        Work::Done(result) => then(core, result),
        Work::Later(run) => {
            let job = Job::new(run, |core, result, fate| match fate {
                Fate::Awaited => then(core, result),
                Fate::Abandoned => {
                    core.state.doubt();
                    undo(core);
                    Err(Status::KeepaliveCancel)
                }
            });
            Ok(Next::Work { job, effect })
        }
    }
}

/// Goes on with `then` past the point of no return: a cancel that comes now is too late, and the
/// client learns the truth. If it has taken too long for that, or the power went, `then` has its
/// turn all the same, so that what is in memory is what is stored; only its response goes nowhere.
pub(crate) fn await_commit<T: Send + 'static, E: Send + 'static>(
    core: &mut Core,
    write: Write<T, E>,
    then: impl FnOnce(&mut Core, Result<T, E>) -> Flow + Send + 'static,
) -> Flow {
    match write.into_work() {
        Work::Done(result) => then(core, result),
        Work::Later(run) => {
            let job = Job::new(run, |core, result, _| then(core, result));
            Ok(Next::Work { job, effect: IS_HELD })
        }
    }
}
