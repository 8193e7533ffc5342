//! What a phone is to computers, and what it needs to answer one that rings.

use std::{fmt, sync::Arc};

use towline_crypto::{CryptoProvider, EcdhKey, Error};
use towline_rendezvous::ContactKey;

use super::{ClientPayload, LinkOffer};
use crate::{
    ids::{RoutingId, TunnelId},
    qr::Hint,
    secrets::{LinkSecret, RootSecret},
};

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
