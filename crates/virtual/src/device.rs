//! The handle of a virtual authenticator.

mod moving;
mod passkeys;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use towline_authenticator::{Authenticator, ChannelId, ConfigError};
use towline_client::{Caller, ChannelError, Client, Error, Origin, Signal, SignalKind, Verdict};
use towline_crypto::CryptoProvider;
use towline_ctap::{Command, CredentialId, GetInfo, Status, Transport};

use crate::{
    Builder, Ceremony, Clock, Faults, Hand, Hid, Meddler, Passkey, ScriptedPerson, Transaction,
    Witness, builder, machine::Machine, meddle::Meddling, shelf::Shelf,
};

pub use moving::ImportError;
pub use passkeys::PasskeyError;

/// The channel of requests that come as bytes: one client, whose requests follow one another.
pub(crate) const RAW: ChannelId = ChannelId(0);

/// A virtual authenticator, the person in front of it, and the client that a site talks to.
///
/// A clone is a handle to the same one; it may be used from any thread. Nothing here waits: where
/// there is nothing to do but to wait, [the clock](Self::clock) jumps. So it can be used in
/// asynchronous code as it is.
#[derive(Clone)]
pub struct VirtualAuthenticator(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) machine: Mutex<Machine>,
    /// Held through calls that go on to their end, so that those of two threads come in turn.
    pub(crate) turn: Mutex<()>,
    pub(crate) person: ScriptedPerson,
    pub(crate) clock: Clock,
    pub(crate) shelf: Shelf,
    pub(crate) meddling: Meddling,
    /// Another client than one that only needs the provider.
    pub(crate) client: Option<Box<Client>>,
    pub(crate) provider: CryptoProvider,
    pub(crate) transport: Transport,
    pub(crate) channels: AtomicU64,
}

impl VirtualAuthenticator {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Another one, with everything to choose.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::security_key()
    }

    /// Registers, as `navigator.credentials.create()` does in a page of this origin:
    /// PublicKeyCredentialCreationOptionsJSON in (alone or in a member `publicKey`),
    /// RegistrationResponseJSON out.
    ///
    /// # Errors
    /// [`Error`], whose name is that of the exception which a browser would throw.
    ///
    /// # Panics
    /// When the script of the person does not fit what is asked.
    #[track_caller]
    pub fn create(&self, origin: &str, options_json: &str) -> Result<String, Error> {
        let _turn = self.turn();
        self.begin_create(origin, options_json)?.finish()
    }

    /// Signs in, as `navigator.credentials.get()` does in a page of this origin:
    /// PublicKeyCredentialRequestOptionsJSON in, AuthenticationResponseJSON out.
    ///
    /// # Errors
    /// [`Error`], whose name is that of the exception which a browser would throw.
    ///
    /// # Panics
    /// When the script of the person does not fit what is asked.
    #[track_caller]
    pub fn get(&self, origin: &str, options_json: &str) -> Result<String, Error> {
        let _turn = self.turn();
        self.begin_get(origin, options_json)?.finish()
    }

    /// As [`Self::create`], but only begins, so that the clock can be moved by hand.
    ///
    /// # Errors
    /// [`Error`] where the options are not as they must be, or the origin may not use the RP ID.
    pub fn begin_create(&self, origin: &str, options_json: &str) -> Result<Ceremony, Error> {
        self.begin_create_by(&caller(origin)?, options_json)
    }

    /// As [`Self::get`], but only begins, so that the clock can be moved by hand.
    ///
    /// # Errors
    /// [`Error`] where the options are not as they must be, or the origin may not use the RP ID.
    pub fn begin_get(&self, origin: &str, options_json: &str) -> Result<Ceremony, Error> {
        self.begin_get_by(&caller(origin)?, options_json)
    }

    /// As [`Self::begin_create`], by a page that may be embedded in another.
    ///
    /// # Errors
    /// As there.
    pub fn begin_create_by(&self, caller: &Caller, options_json: &str) -> Result<Ceremony, Error> {
        Ceremony::create(self, caller, options_json)
    }

    /// As [`Self::begin_get`], by a page that may be embedded in another.
    ///
    /// # Errors
    /// As there.
    pub fn begin_get_by(&self, caller: &Caller, options_json: &str) -> Result<Ceremony, Error> {
        Ceremony::get(self, caller, options_json)
    }

    /// What a page of this origin signals (WebAuthn L3 §5.1.10), JSON in: passkeys that the site
    /// does not know any more are removed, and accounts get their names of now. The ids of the
    /// passkeys that were changed or removed; a page does not learn them.
    ///
    /// ```
    /// use towline_virtual::{VirtualAuthenticator, client::SignalKind};
    ///
    /// let device = VirtualAuthenticator::platform();
    /// # let options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
    /// #     "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    /// #     "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    /// #     "authenticatorSelection": {"residentKey": "required"}}"#;
    /// device.create("https://example.org", options)?;
    /// let details = r#"{"rpId": "example.org", "userId": "MQ", "name": "bob", "displayName": ""}"#;
    /// device.signal("https://example.org", SignalKind::CurrentUserDetails, details)?;
    /// assert_eq!(device.passkeys()[0].credential.user.name.as_deref(), Some("bob"));
    /// # Ok::<(), towline_virtual::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`], whose name is that of the exception which a browser would throw.
    pub fn signal(
        &self,
        origin: &str,
        kind: SignalKind,
        options_json: &str,
    ) -> Result<Vec<CredentialId>, Error> {
        self.signal_by(&caller(origin)?, kind, options_json)
    }

    /// As [`Self::signal`], by a page that another site may vouch for.
    ///
    /// # Errors
    /// As there.
    pub fn signal_by(
        &self,
        caller: &Caller,
        kind: SignalKind,
        options_json: &str,
    ) -> Result<Vec<CredentialId>, Error> {
        let signal = Signal::new(&self.client(), caller, kind, options_json)?;
        let mut touched = Vec::new();
        for passkey in self.passkeys() {
            if passkey.credential.rp_id != *signal.rp_id() {
                continue;
            }
            let done = match signal.verdict(passkey.id(), &passkey.credential.user.id) {
                Verdict::Keep => false,
                Verdict::Remove => self.remove(passkey.id()),
                Verdict::Rename { name, display_name } => {
                    let rename = |it: &mut Passkey| {
                        let user = &mut it.credential.user;
                        (user.name, user.display_name) = (Some(name), Some(display_name));
                    };
                    self.change(passkey.id(), rename).is_ok()
                }
            };
            if done {
                touched.push(passkey.id().clone());
            }
        }
        Ok(touched)
    }

    /// Carries out one CTAP request: a command byte and CBOR in, a status byte and CBOR out. One
    /// that is never answered ends with CTAP1_ERR_OTHER.
    ///
    /// # Panics
    /// When the script of the person does not fit what is asked.
    #[must_use]
    #[track_caller]
    pub fn transact(&self, request: &[u8]) -> Vec<u8> {
        self.carry_out(request).unwrap_or_else(|_gone| vec![Status::Other.to_u8()])
    }

    /// Begins one CTAP request that may wait while others move the clock.
    #[must_use = "dropping it cancels the request"]
    pub fn begin_transact(&self, request: &[u8]) -> Transaction {
        Transaction::begin(self, request)
    }

    /// Carries out one request of CTAP1/U2F: an APDU in, data and a status word out. A touch is
    /// asked for by 0x6985, as ever: the client asks again.
    ///
    /// # Panics
    /// When the script of the person does not fit what is asked.
    #[must_use]
    pub fn u2f(&self, apdu: &[u8]) -> Vec<u8> {
        let _turn = self.turn();
        self.machine().u2f(RAW, apdu);
        // Nothing but the authenticator answers to U2F.
        self.response(RAW).unwrap_or_default()
    }

    /// A door for those who test clients of CTAPHID.
    #[must_use]
    pub fn hid(&self) -> Hid {
        Hid::new(self.clone())
    }

    /// What the authenticator says of itself (authenticatorGetInfo); `None` where it speaks U2F
    /// alone.
    #[must_use]
    pub fn info(&self) -> Option<GetInfo> {
        GetInfo::from_cbor(&self.get_info().ok()?).ok()
    }

    /// The person in front of it.
    #[must_use]
    pub fn person(&self) -> &ScriptedPerson {
        &self.0.person
    }

    /// The clock by which it lives.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// How it is reached, as its client sees it.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.0.transport
    }

    /// Unplugs it and plugs it in again: the window for a reset opens, and three wrong PINs in a
    /// row are forgiven.
    pub fn replug(&self) {
        self.machine().power_up();
    }

    /// What goes wrong with it: nothing, until a [`Fault`](crate::Fault) is injected.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.meddling.faults
    }

    /// From now on this changes what passes by; `None`: nothing does.
    pub fn set_meddler(&self, meddler: Option<Box<dyn Meddler>>) {
        self.0.meddling.set(meddler);
    }

    /// From now on this sees the requests of CTAP2 and the responses to them; `None`: nobody does.
    pub fn set_witness(&self, witness: Option<Box<dyn Witness>>) {
        self.machine().witness = witness;
    }

    pub(crate) fn carry_out(&self, request: &[u8]) -> Result<Vec<u8>, ChannelError> {
        let _turn = self.turn();
        self.machine().request(RAW, self.0.transport.clone(), request);
        self.response(RAW)
    }

    /// Lets time pass until the response of this channel is there.
    fn response(&self, channel: ChannelId) -> Result<Vec<u8>, ChannelError> {
        let response = loop {
            let mut machine = self.machine();
            machine.settle();
            if let Some(response) = machine.take_response(channel) {
                break response;
            }
            if self.0.person.takes_off() {
                machine.cancel(channel);
                continue;
            }
            match machine.poll_timeout() {
                Some(due) => self.0.clock.advance_to(due),
                // Every request has a deadline.
                None => break Ok(vec![Status::Other.to_u8()]),
            }
        };
        self.complain();
        response
    }

    /// Another authenticator of the same kind, with the same passkeys, PIN and settings.
    pub(crate) fn another(&self) -> Result<Authenticator, ConfigError> {
        self.machine().another(&self.0.provider)
    }

    /// The getInfo of a client that has just connected: CBOR, without status byte.
    pub(crate) fn get_info(&self) -> Result<Vec<u8>, ChannelError> {
        let channel = self.new_channel();
        let mut machine = self.machine();
        machine.request(channel, self.0.transport.clone(), &[Command::GetInfo.to_u8()]);
        let mut response = machine.take_response(channel).unwrap_or(Err(ChannelError::Closed))?;
        match response.first().copied().map(Status::from_u8) {
            Some(Status::Ok) => Ok(response.split_off(1)),
            status => {
                let status = status.unwrap_or(Status::Other);
                Err(ChannelError::failed(format!("this device can't be used: {status}")))
            }
        }
    }

    pub(crate) fn new_channel(&self) -> ChannelId {
        ChannelId(self.0.channels.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn client(&self) -> Client {
        let client = self.0.client.as_deref().cloned();
        // In a test, somebody has just signed in.
        let own = || Client::new(self.0.provider.clone()).with_conditional_create(true);
        let only = self.machine().config().credentials.only_discoverable;
        client.unwrap_or_else(own).with_only_discoverable(only)
    }

    pub(crate) fn machine(&self) -> MutexGuard<'_, Machine> {
        self.0.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn provider(&self) -> &CryptoProvider {
        &self.0.provider
    }

    pub(crate) fn speaks_u2f_alone(&self) -> bool {
        !builder::speaks_ctap2(self.machine().config())
    }

    pub(crate) fn meddling(&self) -> &Meddling {
        &self.0.meddling
    }

    pub(crate) fn meddle_with(&self, json: &mut String) {
        self.0.meddling.result(self, json);
    }

    /// Fails the test whose script was not followed.
    #[track_caller]
    #[allow(clippy::panic, reason = "a script that does not fit is a failed test")]
    pub(crate) fn complain(&self) {
        if let Some(problems) = self.0.person.problems() {
            panic!("{problems}");
        }
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn caller(origin: &str) -> Result<Caller, Error> {
    Origin::parse(origin).map(Caller::from)
}

impl Hand for VirtualAuthenticator {
    fn sign(&self, id: &CredentialId, parts: &[&[u8]]) -> Option<Vec<u8>> {
        self.sign(id, parts)
    }
}

impl fmt::Debug for VirtualAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualAuthenticator")
            .field("transport", self.transport())
            .field("passkeys", &self.0.shelf.set().len())
            .finish_non_exhaustive()
    }
}
