//! Bluetooth adverts: one encrypted block and a short MAC that only the holder of the code can make
//! or read (CTAP 2.3, hybrid transports).

use towline_crypto::{BlockKey, CryptoProvider, Error, HmacKey, Random, Secret};

use crate::{
    domain::TunnelDomain,
    ids::{ClientNonce, RoutingId},
    kdf::{self, Purpose},
    secrets::{LinkSecret, Psk, QrSecret},
};

/// Bytes of an advert in the service data; a suffix may follow.
pub const ADVERT_LEN: usize = 20;
/// The service UUID that adverts are sent under (16-bit form; FIDO).
pub const SERVICE_UUID16: u16 = 0xfff9;
/// The service UUID that older phones send under (16-bit form; Google).
pub const LEGACY_SERVICE_UUID16: u16 = 0xfde2;

const BLOCK_LEN: usize = 16;

/// The service data of an advert: the encrypted block, then the first 4 bytes of its MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Advert([u8; ADVERT_LEN]);

impl Advert {
    /// The 20 bytes to broadcast.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; ADVERT_LEN] {
        &self.0
    }

    /// The advert at the start of service data, not authenticated; `None` when there are fewer than
    /// 20 bytes.
    #[must_use]
    pub fn from_service_data(service_data: &[u8]) -> Option<Self> {
        service_data.first_chunk().copied().map(Self)
    }
}

/// The plaintext of an advert, 16 bytes. Whoever knows it was near, so that it is kept like a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eid(Secret<BLOCK_LEN>);

impl Eid {
    /// The plaintext of a QR transaction: `00 || nonce || routing id || domain`.
    #[must_use]
    pub fn qr(nonce: [u8; 10], routing_id: RoutingId, domain: TunnelDomain) -> Self {
        let [n0, n1, n2, n3, n4, n5, n6, n7, n8, n9] = nonce;
        let [r0, r1, r2] = *routing_id.as_bytes();
        let [d0, d1] = domain.encoded().to_le_bytes();
        Self(Secret::new([0, n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, r0, r1, r2, d0, d1]))
    }

    /// The plaintext of a linked transaction: `00` and 15 random bytes.
    ///
    /// The last two bytes never look like an unassigned domain: some computers check them as if
    /// they were one.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn linked(random: &dyn Random) -> Result<Self, Error> {
        // One draw in 250 is refused. A source that gives refused ones again and again is broken.
        const ATTEMPTS: usize = 16;
        for _ in 0..ATTEMPTS {
            let eid = Self(Secret::try_init(|block: &mut [u8; BLOCK_LEN]| {
                block.split_first_mut().map_or(Ok(()), |(_, rest)| random.fill(rest))
            })?);
            if eid.domain().is_some() {
                return Ok(eid);
            }
        }
        Err(Error::Random)
    }

    /// The 16 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; BLOCK_LEN] {
        self.0.expose()
    }

    fn fields(&self) -> (RoutingId, u16) {
        let [.., r0, r1, r2, d0, d1] = *self.0.expose();
        (RoutingId::new([r0, r1, r2]), u16::from_le_bytes([d0, d1]))
    }

    fn domain(&self) -> Option<TunnelDomain> {
        TunnelDomain::new(self.fields().1).ok()
    }
}

/// The key that the adverts of one transaction are made with: 32 bytes for AES-256, then 32 for
/// HMAC-SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EidKey(Secret<64>);

impl EidKey {
    /// The key of a QR transaction.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn qr(provider: &CryptoProvider, secret: &QrSecret) -> Result<Self, Error> {
        kdf::derive(provider, secret.expose(), &[], Purpose::EidKey).map(Self)
    }

    /// The key of a linked transaction.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn linked(
        provider: &CryptoProvider,
        secret: &LinkSecret,
        nonce: &ClientNonce,
    ) -> Result<Self, Error> {
        kdf::derive(provider, secret.expose(), nonce.as_bytes(), Purpose::EidKey).map(Self)
    }

    /// Makes one of a key that was derived elsewhere.
    #[must_use]
    pub const fn new(bytes: Secret<64>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the moment of use.
    #[must_use]
    pub fn expose(&self) -> &[u8; 64] {
        self.0.expose()
    }

    /// Expands the key, for any number of adverts.
    #[must_use]
    pub fn prepare(&self, provider: &CryptoProvider) -> PreparedEidKey {
        let (encryption, mac) = self.0.expose().split_at(32);
        // The halves have 32 bytes each, so the fallback is never taken.
        let encryption = encryption.first_chunk().unwrap_or(&[0; 32]);
        PreparedEidKey { block: provider.aes256.key(encryption), mac: provider.hmac.key(mac) }
    }
}

/// An expanded [`EidKey`]. To refuse an advert costs one HMAC and no allocation.
pub struct PreparedEidKey {
    block: Box<dyn BlockKey>,
    mac: Box<dyn HmacKey>,
}

impl std::fmt::Debug for PreparedEidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PreparedEidKey")
    }
}

/// What an advert of a QR transaction says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrAdvert {
    /// The plaintext, which the handshake's key depends on.
    pub eid: Eid,
    /// Where the tunnel service put the phone.
    pub routing_id: RoutingId,
    /// The tunnel service that the phone chose.
    pub domain: TunnelDomain,
}

/// Why service data is not an advert for a key. Bluetooth is full of foreign adverts: this is not
/// an error to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoMatch {
    /// Fewer than 20 bytes.
    #[error("too short for an advert")]
    Short,
    /// Not made with this key.
    #[error("made with another key")]
    Mac,
    /// Made with this key, but the reserved first byte is set: it asks for features that were not
    /// offered.
    #[error("the reserved byte is set")]
    Reserved,
    /// Made with this key, but the tunnel domain is unassigned.
    #[error("the tunnel domain is unassigned")]
    Domain,
}

impl PreparedEidKey {
    /// Encrypts an advert.
    #[must_use]
    pub fn seal(&self, eid: &Eid) -> Advert {
        let mut block = *eid.expose();
        self.block.encrypt(&mut block);
        let tag = self.mac.sign(&[&block]);
        let mut advert = [0; ADVERT_LEN];
        advert.iter_mut().zip(block.iter().chain(&tag)).for_each(|(to, from)| *to = *from);
        Advert(advert)
    }

    /// Reads service data as an advert of a QR transaction. Bytes after the first 20 are not looked
    /// at.
    ///
    /// # Errors
    /// [`NoMatch`], checked in the order of its variants.
    pub fn open_qr(&self, service_data: &[u8]) -> Result<QrAdvert, NoMatch> {
        let eid = self.open_linked(service_data)?;
        let (routing_id, _) = eid.fields();
        let domain = eid.domain().ok_or(NoMatch::Domain)?;
        Ok(QrAdvert { eid, routing_id, domain })
    }

    /// Reads service data as an advert of a linked transaction, which names no domain.
    ///
    /// # Errors
    /// [`NoMatch`], but not [`NoMatch::Domain`].
    pub fn open_linked(&self, service_data: &[u8]) -> Result<Eid, NoMatch> {
        let (block, rest) = service_data.split_first_chunk::<BLOCK_LEN>().ok_or(NoMatch::Short)?;
        let tag = rest.first_chunk::<4>().ok_or(NoMatch::Short)?;
        self.mac.verify(&[block], tag).map_err(|_| NoMatch::Mac)?;
        let eid = Eid(Secret::try_init(|plain: &mut [u8; BLOCK_LEN]| {
            *plain = *block;
            self.block.decrypt(plain);
            if plain.first() == Some(&0) { Ok(()) } else { Err(NoMatch::Reserved) }
        })?);
        Ok(eid)
    }
}

impl Psk {
    /// The pre-shared key of a QR transaction's handshake.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn qr(provider: &CryptoProvider, secret: &QrSecret, eid: &Eid) -> Result<Self, Error> {
        kdf::derive(provider, secret.expose(), eid.expose(), Purpose::Psk).map(Self::new)
    }

    /// The pre-shared key of a linked transaction's handshake.
    ///
    /// # Errors
    /// What the provider reports.
    pub fn linked(
        provider: &CryptoProvider,
        secret: &LinkSecret,
        eid: &Eid,
    ) -> Result<Self, Error> {
        kdf::derive(provider, secret.expose(), eid.expose(), Purpose::Psk).map(Self::new)
    }
}

/// The keys of all transactions that wait for an advert, each with what it belongs to.
#[derive(Debug)]
pub struct Outstanding<T>(Vec<(PreparedEidKey, Expected, T)>);

/// Which kind of advert a key waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The advert of a QR transaction.
    Qr,
    /// The advert of a linked transaction.
    Linked,
}

/// An advert that one of the outstanding keys opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// Of a QR transaction.
    Qr(QrAdvert),
    /// Of a linked transaction.
    Linked(Eid),
}

impl<T> Default for Outstanding<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Outstanding<T> {
    /// Waits for adverts of one more key.
    pub fn insert(&mut self, key: PreparedEidKey, expected: Expected, value: T) {
        self.0.push((key, expected, value));
    }

    /// Keeps only the keys whose value `keep` approves of.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.0.retain(|(_, _, value)| keep(value));
    }

    /// The first key that opens the service data, if any does. Costs one HMAC for each key that
    /// does not.
    pub fn open(&self, service_data: &[u8]) -> Option<(&T, Opened)> {
        self.0.iter().find_map(|(key, expected, value)| {
            let opened = match expected {
                Expected::Qr => key.open_qr(service_data).ok().map(Opened::Qr),
                Expected::Linked => key.open_linked(service_data).ok().map(Opened::Linked),
            };
            opened.map(|opened| (value, opened))
        })
    }
}
