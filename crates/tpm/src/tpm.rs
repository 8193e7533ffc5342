//! A TPM in use: the parent of all keys, one session, and nothing left behind.

use std::time::Duration;

use towline_crypto::CryptoProvider;

use crate::{
    code::Code,
    command::{Loaded, LoadedPrimary, Public, TpmCommand},
    error::Error,
    handle::{Handle, ObjectName},
    public::PublicArea,
    session::{Authorization, Encryption, Salt, TpmRequest, TpmSession},
    template,
    transport::TpmTransport,
};

/// How often a command is sent again that the TPM was not ready for: for a quarter of a minute.
const RESENT: u32 = 20;
/// The pauses in between.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A TPM that was opened.
///
/// The parent of all keys is made when it is needed first, and stays; so does one session, whose
/// salt was encrypted for the parent. Everything else that is loaded goes with
/// [`tidy`](Self::tidy), after a failure too.
pub struct Tpm {
    provider: CryptoProvider,
    transport: Box<dyn TpmTransport>,
    parent: Option<Parent>,
    /// The name that the parent has to have.
    expected: Option<ObjectName>,
    session: Option<TpmSession>,
    /// What was loaded and is not flushed yet.
    loaded: Vec<Handle>,
    response: Vec<u8>,
}

struct Parent {
    loaded: Loaded,
    public: PublicArea,
}

impl std::fmt::Debug for Tpm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tpm(parent {:?}, {} loaded)", self.parent_name(), self.loaded.len())
    }
}

impl Tpm {
    /// Takes a TPM into use. With nobody in between who keeps its users apart, it is started if it
    /// is not, and what earlier users left in its memory is flushed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn new(provider: CryptoProvider, transport: Box<dyn TpmTransport>) -> Result<Self, Error> {
        let mut tpm = Self {
            provider,
            transport,
            parent: None,
            expected: None,
            session: None,
            loaded: Vec::new(),
            response: Vec::new(),
        };
        if !tpm.transport.is_managed() {
            tpm.flush_leftovers()?;
        }
        Ok(tpm)
    }

    /// The cryptography that it was given.
    #[must_use]
    pub const fn provider(&self) -> &CryptoProvider {
        &self.provider
    }

    /// The parent has to have this name from now on. Another one is another TPM's, or somebody has
    /// put his own key in the place of the TPM's.
    pub fn expect(&mut self, parent: &ObjectName) {
        if self.parent_name().is_some_and(|known| known != parent) {
            self.forget_parent();
        }
        self.expected = Some(parent.clone());
    }

    /// The parent may have any name.
    pub fn expect_any(&mut self) {
        self.expected = None;
    }

    /// The name of the parent, once it is there.
    #[must_use]
    pub fn parent_name(&self) -> Option<&ObjectName> {
        self.parent.as_ref().map(|parent| &parent.loaded.name)
    }

    fn flush_leftovers(&mut self) -> Result<(), Error> {
        const TRANSIENT: Handle = Handle(0x8000_0000);
        const LOADED_SESSIONS: Handle = Handle(0x0200_0000);
        let is_off = |error: &Error| {
            error.code().and_then(crate::ResponseCode::code) == Some(Code::Initialize)
        };
        let mut listed = self.run(TpmCommand::handles(TRANSIENT));
        if listed.as_ref().is_err_and(is_off) {
            self.run(TpmCommand::start_up())?;
            listed = self.run(TpmCommand::handles(TRANSIENT));
        }
        let sessions = self.run(TpmCommand::handles(LOADED_SESSIONS))?;
        for handle in listed?.values.into_iter().chain(sessions.values) {
            if handle.is_transient() || handle.is_session() {
                let _gone_already = self.run(TpmCommand::flush(handle));
            }
        }
        Ok(())
    }

    /// A command that needs no authorisation.
    ///
    /// # Errors
    /// [`Error`].
    pub fn run<R>(&mut self, command: TpmCommand<R>) -> Result<R, Error> {
        self.execute(command, &[], Encryption::default())
    }

    /// A command, with the authorisations that it needs and what is to be encrypted. It is sent
    /// again where the TPM asks for that. What it loads is flushed by [`tidy`](Self::tidy).
    ///
    /// # Errors
    /// [`Error`].
    pub fn execute<R>(
        &mut self,
        command: TpmCommand<R>,
        authorizations: &[Authorization<'_>],
        encryption: Encryption,
    ) -> Result<R, Error> {
        let value = authorizations.iter().any(|it| matches!(it, Authorization::Value(_)));
        let in_session = value || encryption != Encryption::default();
        if in_session && self.session.is_none() {
            self.start_session()?;
        }
        let (provider, session) = (&self.provider, self.session.as_ref());
        let request = TpmRequest::new(provider, command, authorizations, encryption, session)?;
        self.exchange(request.bytes())?;
        let opened = request.open(&self.provider, &self.response, self.session.as_mut());
        match &opened {
            Ok(_) if request.command().gives_handle => {
                let handle = self.response.get(10..14).and_then(|at| at.try_into().ok());
                self.loaded.extend(handle.map(|handle| Handle(u32::from_be_bytes(handle))));
            }
            Ok(_) => {}
            // The TPM has not moved on; what it has of the session is still what is known here.
            Err(Error::Response(code)) if code.is_wrong_auth() => {}
            Err(_) if in_session => self.end_session(),
            Err(_) => {}
        }
        opened
    }

    /// Sends until the TPM is ready for it.
    fn exchange(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..RESENT {
            self.transport.exchange(bytes, &mut self.response).map_err(Error::Connection)?;
            let code = self.response.get(6..10).and_then(|at| at.try_into().ok());
            let code = crate::ResponseCode::new(u32::from_be_bytes(code.unwrap_or_default()));
            if !code.is_retry() {
                break;
            }
            self.transport.pause(pause);
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    fn start_session(&mut self) -> Result<(), Error> {
        let parent = self.parent()?;
        let public = self.parent.as_ref().ok_or(Error::NoSession)?.public.clone();
        let (salt, start) = Salt::new(&self.provider, parent.handle, &public)?;
        let started = self.run(start)?;
        self.keep(started.handle);
        self.session = Some(salt.started(&self.provider, &started));
        Ok(())
    }

    /// What was loaded stays.
    fn keep(&mut self, handle: Handle) {
        self.loaded.retain(|loaded| *loaded != handle);
    }

    fn end_session(&mut self) {
        if let Some(session) = self.session.take() {
            let flush = TpmCommand::flush(session.handle());
            let _gone_already = self.run(flush);
        }
    }

    /// The parent of all keys, made or found if it is not there yet.
    ///
    /// # Errors
    /// [`Error::AnotherTpm`] where it is not the one that is expected, and others.
    pub fn parent(&mut self) -> Result<Loaded, Error> {
        if let Some(parent) = &self.parent {
            return Ok(parent.loaded.clone());
        }
        let template = template::parent();
        let create = TpmCommand::create_primary(Handle::OWNER, &template);
        let (handle, public, name) =
            match self.execute(create, &[Authorization::Empty], Encryption::default()) {
                Ok(LoadedPrimary { handle, public, name }) => {
                    self.keep(handle);
                    (handle, public, name)
                }
                Err(Error::Response(code)) if code.is_wrong_auth() => self.storage_root()?,
                Err(error) => return Err(error),
            };
        // Somebody in between who puts his own key here could read what is encrypted for it.
        let is_parent = public.attributes & PARENT == PARENT && public.name(&self.provider) == name;
        let loaded = Loaded { handle, name: name.clone() };
        self.parent = Some(Parent { loaded: loaded.clone(), public });
        if !is_parent || self.expected.as_ref().is_some_and(|expected| *expected != name) {
            self.forget_parent();
            return Err(if is_parent { Error::AnotherTpm } else { Error::Tampered });
        }
        Ok(loaded)
    }

    /// The parent that the owner left for everybody, where making one takes his password.
    fn storage_root(&mut self) -> Result<(Handle, PublicArea, ObjectName), Error> {
        let Public { public, name } = self
            .run(TpmCommand::read_public(Handle::STORAGE_ROOT))
            .map_err(|error| match error {
                Error::Response(_) | Error::Malformed(_) => Error::OwnerPassword,
                error => error,
            })?;
        if !matches!(public.object, crate::Object::Ecc { scheme: None, .. }) {
            return Err(Error::OwnerPassword);
        }
        Ok((Handle::STORAGE_ROOT, public, name))
    }

    /// Something that is done with the parent. Once more if the TPM has lost what it had loaded,
    /// as by a restart.
    ///
    /// # Errors
    /// [`Error`].
    pub fn with_parent<T>(
        &mut self,
        mut operation: impl FnMut(&mut Self, &Loaded) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut tried = self.parent().and_then(|parent| operation(self, &parent));
        if let Err(Error::Response(code)) = &tried {
            let code = *code;
            let is_off = code.code() == Some(Code::Initialize);
            let is_full = matches!(code.code(), Some(Code::ObjectMemory | Code::SessionMemory));
            if is_off && !self.transport.is_managed() {
                self.forget_parent();
                self.run(TpmCommand::start_up())?;
            } else if !code.is_gone() && !is_full {
                return tried;
            }
            self.tidy();
            self.forget_parent();
            if is_full && !self.transport.is_managed() {
                self.flush_leftovers()?;
            }
            tried = self.parent().and_then(|parent| operation(self, &parent));
        }
        tried
    }

    fn forget_parent(&mut self) {
        self.end_session();
        if let Some(parent) = self.parent.take()
            && parent.loaded.handle.is_transient()
        {
            let _gone_already = self.run(TpmCommand::flush(parent.loaded.handle));
        }
    }

    /// Flushes one thing before the rest.
    pub fn flush(&mut self, handle: Handle) {
        self.keep(handle);
        let _gone_already = self.run(TpmCommand::flush(handle));
    }

    /// Makes room for three objects: the parent, and what depends on it, is made again later.
    pub fn make_room(&mut self) {
        self.tidy();
        self.forget_parent();
    }

    /// Flushes all but this one thing, the parent and the session too.
    pub fn keep_only(&mut self, handle: Handle) {
        self.keep(handle);
        self.make_room();
        self.loaded.push(handle);
    }

    /// Flushes all that was loaded but the parent and the session.
    pub fn tidy(&mut self) {
        for handle in std::mem::take(&mut self.loaded) {
            let _gone_already = self.run(TpmCommand::flush(handle));
        }
    }
}

impl Drop for Tpm {
    fn drop(&mut self) {
        // Who closes the device has it all flushed; a socket would leave it in the TPM.
        if !self.transport.is_managed() {
            self.tidy();
            self.forget_parent();
        }
    }
}

/// What a parent is, whoever has made it.
const PARENT: u32 = {
    use crate::public::attribute as a;
    a::FIXED_TPM | a::FIXED_PARENT | a::SENSITIVE_DATA_ORIGIN | a::RESTRICTED | a::DECRYPT
};
