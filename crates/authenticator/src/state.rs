//! The durable state is read from the store once, and what it comes to together with the config.

use towline_ctap::Status;

use crate::{
    BuiltInVerification, Change, PinComplexity, Record,
    durable::{Identity, Settings, State},
    flow::{Core, Flow, await_work, await_write},
    forget,
    persistent_token::PersistentToken,
    pin,
};

/// Goes on when the durable state is in memory.
pub(crate) fn load(core: &mut Core, then: impl FnOnce(&mut Core) -> Flow + Send + 'static) -> Flow {
    let then = |core: &mut Core| forget::load_list(core, then);
    if core.state.is_known(&core.config) {
        return then(core);
    }
    load_next(core, State::default(), &RECORDS, Box::new(then))
}

/// Whether a reset needs a long touch. A reset must work when nothing else does: settings that
/// can't be read are no error here, but then the touch must be long.
pub(crate) fn read_long_touch(
    core: &mut Core,
    then: impl FnOnce(&mut Core, bool) -> Flow + Send + 'static,
) -> Flow {
    if !core.config.reset.long_touch_configurable {
        return then(core, false);
    }
    let work = core.store.record(Record::Settings);
    await_work(core, work, |core, stored| {
        let settings = stored.map(|stored| stored.map(|stored| Settings::from_record(&stored)));
        let long_touch = match settings {
            Ok(None) => false,
            Ok(Some(Ok(settings))) => settings.long_touch_for_reset,
            Ok(Some(Err(_))) | Err(_) => true,
        };
        then(core, long_touch)
    })
}

/// The records that make up the state.
static RECORDS: [Record; 5] =
    [Record::Pin, Record::PinRetries, Record::Settings, Record::Identity, Record::Fingerprints];

type Then = Box<dyn FnOnce(&mut Core) -> Flow + Send>;

fn load_next(core: &mut Core, mut state: State, records: &'static [Record], then: Then) -> Flow {
    let Some((record, rest)) = records.split_first() else {
        state.loaded = true;
        core.state = state;
        return count_pin_tries(core, then);
    };
    let work = core.store.record(*record);
    await_work(core, work, move |core, value| {
        let value = value.map_err(|error| error.status())?;
        if let Some(value) = value {
            state.take(*record, &value)?;
        }
        load_next(core, state, rest, then)
    })
}

/// The verifier of the PIN may have counted, too.
fn count_pin_tries(core: &mut Core, then: Then) -> Flow {
    let Some(pin) = &core.state.pin else { return create_identity(core, then) };
    let (kept, counted) = (pin.kept.clone(), core.state.pin_retries);
    // Until the answer is there nothing is known.
    core.state.loaded = false;
    pin::count_tries(core, &kept, counted, |core, left| {
        core.state.pin_retries = left.map_err(|error| error.status())?;
        core.state.loaded = true;
        create_identity(core, then)
    })
}

/// The first time, and after a reset, there is none.
fn create_identity(core: &mut Core, then: Then) -> Flow {
    if !core.config.tokens.persistent_token || core.state.identity.is_some() {
        return then(core);
    }
    core.state.doubt();
    let new = Change::NewRecord {
        record: Record::Identity,
        value: Identity::new(&core.provider)?.record(),
    };
    let write = core.store.commit(vec![new]);
    await_write(core, write, move |core, saved| {
        saved.map_err(|error| error.status())?;
        // What counts is what is there, whoever wrote it.
        let work = core.store.record(Record::Identity);
        await_work(core, work, move |core, stored| {
            let stored = stored.map_err(|error| error.status())?.ok_or(Status::Other)?;
            core.state.take(Record::Identity, &stored)?;
            core.state.loaded = true;
            then(core)
        })
    })
}

impl Core {
    /// resetPersistentPinUvAuthToken(): the identity to store for that, if there is one.
    pub(crate) fn with_new_persistent_token(&self) -> Result<Option<Identity>, Status> {
        let Some(identity) = &self.state.identity else { return Ok(None) };
        let secret = self.provider.random.secret().map_err(|_| Status::Other)?;
        let token = PersistentToken::new(secret);
        Ok(Some(Identity { token, granted: false, ..identity.clone() }))
    }

    /// A change of the discoverable credentials: the identity to store for that, if there is one.
    pub(crate) fn with_new_store_state(&self) -> Result<Option<Identity>, Status> {
        let Some(identity) = &self.state.identity else { return Ok(None) };
        let store_state = self.provider.random.bytes().map_err(|_| Status::Other)?;
        Ok(Some(Identity { store_state, ..identity.clone() }))
    }

    /// Whether a reset needs a long touch.
    pub(crate) const fn needs_long_touch(&self) -> bool {
        self.config.reset.long_touch_configurable && self.state.settings.long_touch_for_reset
    }

    pub(crate) const fn is_pin_set(&self) -> bool {
        self.config.pin.is_some() && self.state.pin.is_some()
    }

    /// Whether a PIN, set or not, can permit makeCredential and getAssertion.
    pub(crate) fn pin_permits(&self) -> bool {
        self.config.pin.as_ref().is_some_and(|pin| pin.permits_mc_ga)
    }

    /// Built-in verification that is set up: by other means, or with a fingerprint.
    pub(crate) fn usable_verification(&self) -> Option<&BuiltInVerification> {
        let enrolled = !self.state.fingerprints.is_empty();
        self.config.built_in().filter(|known| known.configured || enrolled)
    }

    /// Whether "some form of user verification" protects the authenticator.
    pub(crate) fn is_protected(&self) -> bool {
        self.is_pin_set() || self.usable_verification().is_some()
    }

    pub(crate) fn always_uv(&self) -> bool {
        self.state.settings.always_uv.unwrap_or(self.config.verification.always_uv)
    }

    pub(crate) fn make_cred_uv_not_rqd(&self) -> bool {
        self.config.verification.make_cred_uv_not_rqd && !self.always_uv()
    }

    pub(crate) fn min_pin_length(&self) -> u8 {
        let factory = self.config.pin.as_ref().map_or(4, |pin| pin.min_length);
        self.state.settings.min_pin_length.map_or(factory, |set| set.max(factory))
    }

    pub(crate) fn max_pin_length(&self) -> u8 {
        self.config.pin.as_ref().map_or(63, |pin| pin.max_length)
    }

    pub(crate) fn max_pin_retries(&self) -> u8 {
        self.config.pin.as_ref().map_or(8, |pin| pin.max_retries)
    }

    /// Whether simple PINs are refused.
    pub(crate) fn pin_complexity(&self) -> bool {
        match self.config.pin_complexity() {
            PinComplexity::Enforced => true,
            PinComplexity::Configurable => self.state.settings.pin_complexity,
            PinComplexity::None => false,
        }
    }
}
