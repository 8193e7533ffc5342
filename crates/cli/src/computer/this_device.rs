//! This device: an authenticator in this process, over a store of this computer's own, behind a
//! screen lock as a phone has it.

use std::sync::Arc;

use towline::{
    Ask, LocalAuthenticator, Person,
    authenticator::{self, Authenticator, Config},
    client::Client,
};

use crate::{
    args,
    console::Console,
    custody::{Attested, Custody},
    exit::{Exit, Failure},
    keys::kept::{Kept, Otherwise},
    person::{Terminal, passkey},
    report::Report,
    screen_lock::ScreenLock,
};

/// Opens the store, made if it is not there, and says where it is and what its screen lock is.
pub(super) fn open(
    args: &args::Reach,
    custody: &args::Custody,
    report: &Arc<Report>,
) -> Result<LocalAuthenticator<Owner>, Failure> {
    let provider = towline::fastest::provider();
    let (store, kept) = Kept::open_or_create(&args.store, Otherwise::Default, &provider)?;
    let lock = ScreenLock::new(args.screen_lock, &args.store, args.answer, &store)?;
    report.event(&kept);
    report.event(&lock.told());
    let mut config = Config::platform().with_backup(store.backup()?);
    let custody = Custody::open(custody, &store, &provider, report)?;
    custody.attest(&mut config, Attested::First)?;
    let Custody { store, keys, pin, .. } = custody;
    let authenticator = Authenticator::new(config, provider.clone(), store, keys)
        .map_err(|error| Failure::new(Exit::Failed, "failed", error.to_string()))?
        .with_pin_verifier(pin);
    let console = Arc::new(Console::new(report));
    // What a script wrote ahead is for the questions of the one ceremony that there is.
    console.foresee();
    let terminal = Terminal::new(args.answer, console, lock, Arc::clone(report));
    let owner = Owner(Arc::new(terminal));
    Ok(LocalAuthenticator::new(authenticator, Client::new(provider), owner))
}

/// The person in front of this computer. A clone is the same person.
#[derive(Clone)]
pub(super) struct Owner(Arc<Terminal>);

impl Person for Owner {
    fn ask(&mut self, ask: Ask) {
        let owner = self.clone();
        ask.answer_with(async move |question| owner.0.answer(&question).await);
    }

    fn notice(&mut self, happened: &authenticator::Event) {
        if let Some((_, event)) = passkey(happened, self.0.is_simulated()) {
            self.0.report().event(&event);
        }
    }
}
