//! What a phone is to computers, and what it needs to answer one that rings.

use std::{fmt, sync::Arc};

use towline_crypto::{CryptoProvider, EcdhKey, Error, Secret};
use zeroize::Zeroizing;

use super::{ClientPayload, LinkOffer};
use crate::{
    ids::{self, ContactId, NotHex, RoutingId, TunnelId},
    qr::Hint,
    secrets::{LinkSecret, RootSecret},
};

/// The right to be reached under a contact id, 32 bytes. Computers know the contact id and could
/// claim it; only the phone knows the key, which its tunnel service turns into the contact id.
/// Private to towline's phones and relays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactKey(Secret<32>);

impl ContactKey {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate(provider: &CryptoProvider) -> Result<Self, Error> {
        Ok(Self(provider.random.secret()?))
    }

    /// Makes one of a key that was stored.
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

/// What a phone is to computers, for the life of its installation. Whoever replaces it ends all its
/// links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneIdentity {
    /// What its identity key and all link secrets come from.
    pub root_secret: RootSecret,
    /// What it is reached by for computers that were linked when they all shared it. Others have
    /// one each, in [`LinkedComputer::contact_key`](super::LinkedComputer::contact_key).
    pub contact_key: ContactKey,
}

impl PhoneIdentity {
    /// A new one, which no computer knows.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate(provider: &CryptoProvider) -> Result<Self, Error> {
        Ok(Self {
            root_secret: RootSecret::new(provider.random.secret()?),
            contact_key: ContactKey::generate(provider)?,
        })
    }

    /// What to offer to a computer that may remember this phone, under this name. It shall ring by
    /// this key, which is nobody else's: keep it as the
    /// [`LinkedComputer::contact_key`](super::LinkedComputer::contact_key).
    #[must_use]
    pub fn offer(
        &self,
        provider: &CryptoProvider,
        key: &ContactKey,
        name: impl Into<String>,
    ) -> LinkOffer {
        LinkOffer {
            root_secret: self.root_secret.clone(),
            contact_id: key.contact_id(provider),
            name: name.into(),
        }
    }

    /// What is needed to answer a computer that rings, over the tunnel that its service opened for
    /// that.
    ///
    /// `key` is what the computer is to ring by: its own, or this identity's. That it is one of the
    /// [`LinkedComputer`](super::LinkedComputer)s, and rings by this key, has to be checked before.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn ring(
        &self,
        provider: &CryptoProvider,
        key: &ContactKey,
        payload: ClientPayload,
        routing_id: RoutingId,
        tunnel_id: TunnelId,
    ) -> Result<Ring, Error> {
        let contact = key.contact_id(provider);
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
