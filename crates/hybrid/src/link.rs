//! Linking: how a phone lets a computer ring it later without a QR code (CTAP 2.3, hybrid
//! transports).
//!
//! Here are the messages, the keys, and what each side keeps. A computer that stored a
//! [`LinkedPhone`] rings the phone with a [`ClientPayload`], by
//! [`Initiator::ring`](crate::Initiator::ring). A phone keeps a [`PhoneIdentity`] and its
//! [`LinkedComputer`]s, and answers one that rings by
//! [`Responder::answer_ring`](crate::Responder::answer_ring).

pub(crate) mod identity;
mod linked_computer;
mod linked_phone;
mod phone_identity;

use towline_cbor::{CTAP_DEPTH, Key, Writer};
use towline_crypto::{CryptoProvider, EcdhKey, P256PublicKey, Secret};
use zeroize::Zeroizing;

pub use towline_rendezvous::ContactKey;

pub use self::{
    linked_computer::{ComputerLinks, Forgotten, Ledger, LinkedComputer, MemoryComputerLinks},
    linked_phone::{LinkStoreError, LinkedPhone, MemoryPhoneLinks, PhoneLinks},
    phone_identity::{PhoneIdentity, Ring},
};
pub use crate::secrets::{HandshakeHash, LinkSecret, RootSecret};
use crate::{
    ids::{self, ClientNonce, ContactId, LinkId},
    kdf::{self, Purpose},
    qr::Hint,
};

/// The longest linking information that is read, in bytes: what a phone can make a computer store.
/// Phones send about 300.
pub const MAX_LINKING: usize = 4096;

/// Why linking information, or what a computer sends to ring a phone, was refused.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not one map of canonical CBOR with values of the right types and lengths.
    #[error("{0}")]
    Cbor(#[from] towline_cbor::Error),
    /// Longer than [`MAX_LINKING`].
    #[error("it is too long")]
    TooLong,
    /// A required key is not there.
    #[error("key {0} is missing")]
    MissingKey(u8),
    /// The identity is not a point of the curve.
    #[error("the identity key is not valid")]
    Point,
    /// The signature does not match: the identity is not the sender's, or it is from another
    /// session.
    #[error("the signature does not match")]
    Signature,
    /// The contact id is empty or longer than [`ContactId::MAX_LENGTH`].
    #[error("the contact id has an impossible length")]
    ContactId,
    /// The request is neither to sign in nor to make a passkey.
    #[error("the request hint is not known")]
    Hint,
    /// The text is not hexadecimal.
    #[error("{0}")]
    NotHex(#[from] ids::NotHex),
    /// The cryptography failed on this side.
    #[error("{0}")]
    Crypto(#[from] towline_crypto::Error),
}

/// What a phone tells a computer, so that the computer can ring it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkingInformation {
    /// Where the phone can be reached through its tunnel service.
    pub contact_id: ContactId,
    /// Which of its links this is.
    pub link_id: LinkId,
    /// What the two share from now on.
    pub secret: LinkSecret,
    /// The phone's identity. Links are the same phone's when this is equal.
    pub identity: P256PublicKey,
    /// What the phone calls itself. The phone's word only: see
    /// [`LinkingInformation::display_name`].
    pub name: String,
}

impl LinkingInformation {
    /// Reads linking information and checks that its sender owns the identity, in this very
    /// session.
    ///
    /// # Errors
    /// [`LinkError`]. Nothing that is stored may change because of it.
    pub fn read(
        provider: &CryptoProvider,
        bytes: &[u8],
        qr_key: &dyn EcdhKey,
        hash: &HandshakeHash,
    ) -> Result<Self, LinkError> {
        if bytes.len() > MAX_LINKING {
            return Err(LinkError::TooLong);
        }
        let mut fields = Fields::default();
        towline_cbor::decode(bytes, CTAP_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(1) => fields.contact_id = Some(value.bytes()?),
                    Key::Int(2) => fields.link_id = Some(value.byte_array()?),
                    Key::Int(3) => fields.secret = Some(value.byte_array()?),
                    Key::Int(4) => fields.identity = Some(value.byte_array()?),
                    Key::Int(5) => fields.name = Some(value.text()?),
                    Key::Int(6) => fields.signature = Some(value.byte_array()?),
                    _ => {}
                }
                Ok::<(), LinkError>(())
            })
        })?;
        let identity = fields.identity.ok_or(LinkError::MissingKey(4))?;
        let identity = provider.ecdh.public_key(identity).map_err(|_| LinkError::Point)?;
        let information = Self {
            contact_id: ContactId::new(fields.contact_id.ok_or(LinkError::MissingKey(1))?),
            link_id: LinkId::new(*fields.link_id.ok_or(LinkError::MissingKey(2))?),
            secret: LinkSecret::new(Secret::new(*fields.secret.ok_or(LinkError::MissingKey(3))?)),
            identity,
            name: fields.name.ok_or(LinkError::MissingKey(5))?.into(),
        };
        if !information.contact_id.is_usable() {
            return Err(LinkError::ContactId);
        }
        let signature = fields.signature.ok_or(LinkError::MissingKey(6))?;
        let shared = qr_key.agree(&identity)?;
        let key = provider.hmac.key(shared.expose());
        key.verify(&[&hash.0], signature).map_err(|_| LinkError::Signature)?;
        Ok(information)
    }

    /// Writes and signs linking information.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn sign(
        &self,
        provider: &CryptoProvider,
        identity: &dyn EcdhKey,
        qr_key: &P256PublicKey,
        hash: &HandshakeHash,
    ) -> Result<Vec<u8>, towline_crypto::Error> {
        let signature = provider.hmac.key(identity.agree(qr_key)?.expose()).sign(&[&hash.0]);
        let mut writer = Writer::with_capacity(512);
        writer.map(|map| {
            map.entry(1, |w| w.bytes(self.contact_id.as_bytes()));
            map.entry(2, |w| w.bytes(self.link_id.as_bytes()));
            map.entry(3, |w| w.bytes(self.secret.expose()));
            map.entry(4, |w| w.bytes(self.identity.as_bytes()));
            map.entry(5, |w| w.text(&self.name));
            map.entry(6, |w| w.bytes(&signature));
        });
        Ok(writer.into_vec())
    }

    /// The phone's name for a person's eyes: no control, direction or invisible characters, at most
    /// 64 characters.
    #[must_use]
    pub fn display_name(&self) -> String {
        linked_phone::display_name(&self.name)
    }
}

#[derive(Default)]
struct Fields<'a> {
    contact_id: Option<&'a [u8]>,
    link_id: Option<&'a [u8; 8]>,
    secret: Option<&'a [u8; 32]>,
    identity: Option<&'a [u8; 65]>,
    name: Option<&'a str>,
    signature: Option<&'a [u8; 32]>,
}

impl RootSecret {
    /// The phone's identity key, the same for all its links.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn identity_key(
        &self,
        provider: &CryptoProvider,
    ) -> Result<Box<dyn EcdhKey>, towline_crypto::Error> {
        let seed = kdf::derive::<32>(provider, self.expose(), &[], Purpose::IdentitySeed)?;
        identity::key_from_seed(provider, &seed)
    }

    /// The secret of all links under one contact id. Whoever changes its contact id ends all its
    /// links.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn contact_secret(
        &self,
        provider: &CryptoProvider,
        contact: &ContactId,
    ) -> Result<Secret<32>, towline_crypto::Error> {
        kdf::derive(provider, self.expose(), contact.as_bytes(), Purpose::ContactSecret)
    }

    /// The secret of one link.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn link_secret(
        &self,
        provider: &CryptoProvider,
        contact: &ContactId,
        link: &LinkId,
    ) -> Result<LinkSecret, towline_crypto::Error> {
        let contact = self.contact_secret(provider, contact)?;
        kdf::derive(provider, contact.expose(), link.as_bytes(), Purpose::LinkSecret)
            .map(LinkSecret::new)
    }
}

/// What the phone offers to a computer that it lets remember it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkOffer {
    /// The phone's root secret.
    pub root_secret: RootSecret,
    /// Where the phone can be reached.
    pub contact_id: ContactId,
    /// What the phone calls itself.
    pub name: String,
}

impl LinkOffer {
    /// A new link: its name on this phone, and signed linking information as its encoding, which is
    /// secret.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn make(
        &self,
        provider: &CryptoProvider,
        qr_key: &P256PublicKey,
        hash: &HandshakeHash,
    ) -> Result<(LinkId, Zeroizing<Vec<u8>>), towline_crypto::Error> {
        let link_id = LinkId::new(provider.random.bytes()?);
        let identity = self.root_secret.identity_key(provider)?;
        let information = LinkingInformation {
            contact_id: self.contact_id.clone(),
            link_id,
            secret: self.root_secret.link_secret(provider, &self.contact_id, &link_id)?,
            identity: *identity.public_key(),
            name: self.name.clone(),
        };
        Ok((link_id, Zeroizing::new(information.sign(provider, &*identity, qr_key, hash)?)))
    }
}

/// What a computer sends to ring a linked phone: which link, fresh randomness, and what it is going
/// to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientPayload {
    /// The link by which the phone knows this computer.
    pub link_id: LinkId,
    /// Fresh for each attempt.
    pub nonce: ClientNonce,
    /// To sign in or to make a passkey.
    pub hint: Hint,
}

impl ClientPayload {
    /// The map in canonical CBOR.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(40);
        writer.map(|map| {
            map.entry(1, |w| w.bytes(self.link_id.as_bytes()));
            map.entry(2, |w| w.bytes(self.nonce.as_bytes()));
            map.entry(3, |w| w.text(self.hint.as_str()));
        });
        writer.into_vec()
    }

    /// The value of the [`crate::tunnel::CLIENT_PAYLOAD_HEADER`]: the map in upper-case
    /// hexadecimal.
    #[must_use]
    pub fn to_header(&self) -> String {
        self.encode().iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// Reads the map.
    ///
    /// # Errors
    /// [`LinkError`]; a phone does not answer then.
    pub fn decode(bytes: &[u8]) -> Result<Self, LinkError> {
        let (mut link_id, mut nonce, mut hint) = (None, None, None);
        towline_cbor::decode(bytes, CTAP_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Int(1) => link_id = Some(LinkId::new(*value.byte_array()?)),
                    Key::Int(2) => nonce = Some(ClientNonce::new(*value.byte_array()?)),
                    Key::Int(3) => {
                        hint = Some(match value.text()? {
                            "ga" => Hint::GetAssertion,
                            "mc" => Hint::MakeCredential,
                            _ => return Err(LinkError::Hint),
                        });
                    }
                    _ => {}
                }
                Ok(())
            })
        })?;
        Ok(Self {
            link_id: link_id.ok_or(LinkError::MissingKey(1))?,
            nonce: nonce.ok_or(LinkError::MissingKey(2))?,
            hint: hint.ok_or(LinkError::MissingKey(3))?,
        })
    }

    /// Reads the header's value, in hexadecimal of either case.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn from_header(text: &str) -> Result<Self, LinkError> {
        let mut bytes = vec![0; text.len().min(MAX_HEADER).div_ceil(2)];
        towline_rendezvous::ids::read_hex(text, &mut bytes)?;
        Self::decode(&bytes)
    }
}

/// The longest [`ClientPayload`] header that is read, in characters. It has 66.
const MAX_HEADER: usize = 512;
