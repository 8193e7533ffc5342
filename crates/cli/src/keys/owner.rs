//! Whoever moves passkeys, or changes who has them, is the owner of the store, and says yes to it
//! each time.

use std::sync::Arc;

use towline::authenticator::Answer;

use super::kept::Kept;
use crate::{
    args,
    console::Console,
    event::{Asking, Question},
    exit::{Exit, Failure},
    person::Terminal,
    report::Report,
    screen_lock::ScreenLock,
};

/// How often a wrong passphrase may be typed.
const TRIES: u8 = 3;

/// Asks until the owner of the store has agreed, by its screen lock.
///
/// # Errors
/// A no, and three wrong passphrases.
pub(crate) async fn agrees(
    question: Question,
    message: String,
    owner: &args::Owner,
    args: &args::Store,
    kept: &Kept,
    report: &Arc<Report>,
) -> Result<(), Failure> {
    let lock = ScreenLock::new(owner.screen_lock, args, owner.answer, kept)?;
    report.event(&lock.told());
    let console = Arc::new(Console::new(report));
    // There is this question alone, so that a script may have written the answer ahead.
    console.foresee();
    let asking = Asking { screen_lock: Some(lock.kind()), ..Asking::new(question, message) };
    let terminal = Terminal::new(owner.answer, console, lock, Arc::clone(report));
    for _ in 0..TRIES {
        match terminal.verify(asking.clone()).await {
            Answer::Verified => return Ok(()),
            Answer::NotVerified => {}
            _ => {
                let message = "you said no, and nothing was done";
                return Err(Failure::new(Exit::Refused, "declined", message));
            }
        }
    }
    let message = "that was not the passphrase of the store, three times; nothing was done";
    Err(Failure::new(Exit::Refused, "not_verified", message))
}
