//! The state of the service: sessions by their names.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use towline_crypto::CryptoProvider;

use crate::{
    AccessToken, ServiceError, ServiceLimits, Session, SessionId, Vicinity, vicinity::Meeting,
};

/// The clock of the wall, or one that a test moves.
pub(crate) type Watch = Arc<dyn Fn() -> Instant + Send + Sync>;

/// All sessions. A clone is a handle to the same service. It does no I/O and needs no runtime, but
/// for phones and the computers that they meet; each session has a lock of its own, which is held
/// while an authenticator works, and not while it waits.
#[derive(Clone)]
pub struct Service(Arc<Shared>);

struct Shared {
    world: World,
    sessions: RwLock<BTreeMap<SessionId, Session>>,
}

/// What all sessions have in common.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) provider: CryptoProvider,
    pub(crate) limits: Arc<ServiceLimits>,
    pub(crate) watch: Watch,
    pub(crate) meeting: Arc<Meeting>,
}

impl Default for Service {
    fn default() -> Self {
        Self::new(ServiceLimits::default())
    }
}

impl Service {
    /// A service with these limits, which goes by the system's clock.
    #[must_use]
    pub fn new(limits: ServiceLimits) -> Self {
        Self::by_watch(limits, Instant::now)
    }

    /// The same, which goes by another clock.
    #[must_use]
    pub fn by_watch(
        limits: ServiceLimits,
        watch: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> Self {
        let world = World {
            provider: towline_crypto_fastest::provider(),
            limits: Arc::new(limits),
            watch: Arc::new(watch),
            meeting: Arc::default(),
        };
        Self(Arc::new(Shared { world, sessions: RwLock::default() }))
    }

    /// A new service like this one, whose phones and computers meet others there.
    #[must_use]
    pub fn near(&self, vicinity: Vicinity) -> Self {
        let meeting = Arc::new(Meeting::at(vicinity));
        let world = World { meeting, ..self.0.world.clone() };
        Self(Arc::new(Shared { world, sessions: RwLock::default() }))
    }

    /// How much of everything there may be.
    #[must_use]
    pub fn limits(&self) -> &ServiceLimits {
        &self.0.world.limits
    }

    /// The session for those who need only one. It is there from the first time that it is asked
    /// for, and can be ended like any other: then it begins anew.
    #[must_use]
    pub fn default_session(&self) -> Session {
        let mut sessions = self.0.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Session::new(SessionId::default(), self.0.world.clone());
        sessions.entry(SessionId::default()).or_insert_with(new).clone()
    }

    /// A new session, without authenticators.
    ///
    /// # Errors
    /// [`ServiceError::Full`], [`ServiceError::Randomness`].
    pub fn new_session(&self) -> Result<Session, ServiceError> {
        let id = SessionId::random(&self.0.world.provider)?;
        let session = Session::new(id.clone(), self.0.world.clone());
        let mut sessions = self.0.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let most = self.0.world.limits.sessions;
        if sessions.len() >= most {
            return Err(ServiceError::Full { what: "sessions", most });
        }
        sessions.insert(id, session.clone());
        Ok(session)
    }

    /// The session of this name.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`].
    pub fn session(&self, id: &SessionId) -> Result<Session, ServiceError> {
        if id.as_str() == SessionId::DEFAULT {
            return Ok(self.default_session());
        }
        let sessions = self.0.sessions.read().unwrap_or_else(PoisonError::into_inner);
        sessions.get(id).cloned().ok_or_else(|| ServiceError::UnknownSession(id.to_string()))
    }

    /// The names of all sessions, the default one among them once it was used.
    #[must_use]
    pub fn session_ids(&self) -> Vec<SessionId> {
        let sessions = self.0.sessions.read().unwrap_or_else(PoisonError::into_inner);
        sessions.keys().cloned().collect()
    }

    /// Ends a session: what is under way in it is over, and all that it kept is forgotten.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`].
    pub fn end_session(&self, id: &SessionId) -> Result<(), ServiceError> {
        let mut sessions = self.0.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let ended = sessions.remove(id);
        drop(sessions);
        ended.ok_or_else(|| ServiceError::UnknownSession(id.to_string())).map(|it| it.end())
    }

    /// The session that this token of a page belongs to.
    #[must_use]
    pub fn session_of_page(&self, token: &str) -> Option<Session> {
        // The name is no secret; what follows it is.
        let (id, secret) = token.rsplit_once('.')?;
        let session = self.session(&SessionId::new(id)).ok()?;
        session.page_token()?.is(secret).then_some(session)
    }

    /// A new token.
    ///
    /// # Errors
    /// [`ServiceError::Randomness`].
    pub fn new_token(&self) -> Result<AccessToken, ServiceError> {
        AccessToken::random(&self.0.world.provider)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("limits", self.limits()).finish_non_exhaustive()
    }
}
