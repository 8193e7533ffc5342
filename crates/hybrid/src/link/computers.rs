//! What a phone keeps of itself and of the computers that may ring it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use towline_crypto::{CryptoProvider, EcdhKey, Error, Secret};
use zeroize::Zeroizing;

use super::{ClientPayload, LinkOffer, StoreError};
use crate::{
    ids::{self, ContactId, LinkId, NotHex, RoutingId, TunnelId},
    qr::Hint,
    secrets::{LinkSecret, RootSecret},
};

/// The right to be reached under a contact id, 32 bytes. Computers know the contact id and could claim it; only the phone
/// knows the key, which its tunnel service turns into the contact id. Private to towline's phones and relays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactKey(Secret<32>);

impl ContactKey {
    /// Wraps the bytes.
    #[must_use]
    pub const fn new(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the moment of use.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The value of the [`crate::tunnel::CONTACT_KEY_HEADER`], in hexadecimal.
    #[must_use]
    pub fn to_header(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in self.expose() {
            for nibble in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(nibble.into(), 16));
            }
        }
        text
    }

    /// Reads the header's value.
    ///
    /// # Errors
    /// [`NotHex`].
    pub fn from_header(text: &str) -> Result<Self, NotHex> {
        Secret::try_init(|bytes: &mut [u8; 32]| ids::read_hex(text, bytes)).map(Self)
    }

    /// The contact id that it gives the right to: the SHA-256 of a label and the key, 32 bytes.
    #[must_use]
    pub fn contact_id(&self, provider: &CryptoProvider) -> ContactId {
        ContactId::new(provider.sha256.hash(&[b"towline contact id 1", self.expose()]))
    }
}

/// What a phone is to computers, for the life of its installation. Whoever replaces it ends all its links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneIdentity {
    /// What its identity key and all link secrets come from.
    pub root_secret: RootSecret,
    /// What it is reached by.
    pub contact_key: ContactKey,
}

/// A computer that this phone let remember it. Computers do not say who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkedComputer {
    /// What it names itself by when it rings.
    pub link_id: LinkId,
    /// When it was allowed, in seconds of Unix time.
    pub since: u64,
}

/// Keeps links to computers on a phone.
///
/// Calls may block for as long as a disk takes; an asynchronous caller makes them elsewhere.
pub trait ComputerLinks: Send + Sync {
    /// What this phone is to computers; `None` if that was never set.
    ///
    /// # Errors
    /// [`StoreError`].
    fn identity(&self) -> Result<Option<PhoneIdentity>, StoreError>;

    /// Becomes another phone to computers, and forgets all of them.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has changed then.
    fn become_other(&self, identity: &PhoneIdentity) -> Result<(), StoreError>;

    /// The computers that may ring, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn computers(&self) -> Result<Vec<LinkedComputer>, StoreError>;

    /// Lets one more computer ring.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has changed then.
    fn save(&self, computer: LinkedComputer) -> Result<(), StoreError>;

    /// Lets a computer ring no more, and says whether it was there.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has changed then.
    fn forget(&self, link: &LinkId) -> Result<bool, StoreError>;
}

/// Links to computers that are gone with the process.
#[derive(Debug, Default)]
pub struct MemoryComputerLinks(Mutex<(Option<PhoneIdentity>, Vec<LinkedComputer>)>);

impl MemoryComputerLinks {
    /// No identity, and no links.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, (Option<PhoneIdentity>, Vec<LinkedComputer>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ComputerLinks for MemoryComputerLinks {
    fn identity(&self) -> Result<Option<PhoneIdentity>, StoreError> {
        Ok(self.lock().0.clone())
    }

    fn become_other(&self, identity: &PhoneIdentity) -> Result<(), StoreError> {
        *self.lock() = (Some(identity.clone()), Vec::new());
        Ok(())
    }

    fn computers(&self) -> Result<Vec<LinkedComputer>, StoreError> {
        Ok(self.lock().1.clone())
    }

    fn save(&self, computer: LinkedComputer) -> Result<(), StoreError> {
        self.lock().1.push(computer);
        Ok(())
    }

    fn forget(&self, link: &LinkId) -> Result<bool, StoreError> {
        let computers = &mut self.lock().1;
        let before = computers.len();
        computers.retain(|computer| computer.link_id != *link);
        Ok(computers.len() < before)
    }
}

impl PhoneIdentity {
    /// A new one, which no computer knows.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate(provider: &CryptoProvider) -> Result<Self, Error> {
        Ok(Self {
            root_secret: RootSecret::new(provider.random.secret()?),
            contact_key: ContactKey::new(provider.random.secret()?),
        })
    }

    /// What to offer to a computer that may remember this phone, under this name.
    #[must_use]
    pub fn offer(&self, provider: &CryptoProvider, name: impl Into<String>) -> LinkOffer {
        LinkOffer {
            root_secret: self.root_secret.clone(),
            contact_id: self.contact_key.contact_id(provider),
            name: name.into(),
        }
    }

    /// What is needed to answer a computer that rings, over the tunnel that its service opened for that.
    ///
    /// Whether the link is one of the [`LinkedComputer`]s has to be checked before.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn ring(
        &self,
        provider: &CryptoProvider,
        payload: ClientPayload,
        routing_id: RoutingId,
        tunnel_id: TunnelId,
    ) -> Result<Ring, Error> {
        let contact = self.contact_key.contact_id(provider);
        Ok(Ring {
            payload,
            routing_id,
            tunnel_id,
            secret: self.root_secret.link_secret(provider, &contact, &payload.link_id)?,
            identity: self.root_secret.identity_key(provider)?.into(),
        })
    }
}

/// A linked computer rings: what the phone needs to answer it.
#[derive(Clone)]
pub struct Ring {
    /// What the computer said.
    pub payload: ClientPayload,
    /// Which server of the tunnel service it waits at.
    pub routing_id: RoutingId,
    /// In which tunnel it waits there.
    pub tunnel_id: TunnelId,
    /// What the two share.
    pub secret: LinkSecret,
    /// The phone's identity key.
    pub identity: Arc<dyn EcdhKey>,
}

impl Ring {
    /// What the computer says it is going to ask for.
    #[must_use]
    pub const fn hint(&self) -> Hint {
        self.payload.hint
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("payload", &self.payload).finish_non_exhaustive()
    }
}
