//! Attestation for tests: statements of every registered format (IANA WebAuthn Attestation
//! Statement Format Identifiers), straight or bent, under a test root that follows from a seed.
//!
//! ```
//! use towline_virtual::{Builder, attestation::{Flaw, Format, Part, TestAttestation}};
//!
//! let good = TestAttestation::new(Format::Tpm);
//! let root = good.root_pem()?; // for the verifier's trust store
//! let device = Builder::platform().attestation(good).build()?;
//!
//! let expired = TestAttestation::new(Format::Tpm).flawed(Flaw::Expired)?;
//! let bent = TestAttestation::new(Format::Tpm).bend(|part| {
//!     if let Part::CertInfo(info) = part {
//!         info.magic = 0;
//!     }
//! });
//! # let _ = (root, device, expired, bent);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything is made from the seed by the portable provider: keys, certificates, signatures. The
//! private keys are no secrets, so no production system may trust such a root.

mod android;
mod authority;
mod certificate;
mod der;
mod item;
mod rs256;
mod safetynet;
mod statements;
mod tpm;
#[cfg(feature = "tpm")]
mod tpm_authority;

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use towline_authenticator::{BatchAttestation, EnterpriseAttestation, KeyError};
use towline_crypto::Error;
use towline_ctap::{AttestationStatement, OtherAttestation, RpId};

use self::{
    authority::{Authority, Holder},
    statements::Statement,
};
use crate::{Attestation, Subject};

#[cfg(feature = "tpm")]
pub use self::tpm_authority::{TpmAuthority, TpmRefusal};
pub use self::{
    android::{AuthorizationList, KeyDescription},
    certificate::{Certificate, CertificateExtension, Name, oid, subject_public_key_info},
    item::Item,
    safetynet::SafetyNet,
    tpm::{CertInfo, PubArea},
};

/// A kind of attestation.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `none` (WebAuthn L3 §8.7).
    None,
    /// `packed`, signed with the credential's own key (§8.2).
    PackedSelf,
    /// `packed`, with certificates (§8.2).
    Packed,
    /// `packed`, with the serial number of the device in its certificate (§8.2.2).
    Enterprise,
    /// `fido-u2f` (§8.6): one certificate, no AAGUID, credentials on P-256 only.
    FidoU2f,
    /// `tpm` (§8.3). The manufacturer is `id:49424D00`, one that verifiers have in their lists.
    Tpm,
    /// `android-key` (§8.4), of a trusted environment.
    AndroidKey,
    /// `android-safetynet` (§8.5), signed with RS256 by one key, whatever the seed. The time in it
    /// is that of [`SafetyNet::timestamp_ms`].
    AndroidSafetyNet,
    /// `apple` (§8.8).
    Apple,
    /// `compound` (§8.9): `packed` with certificates, and self attestation.
    Compound,
}

/// What is wrong with an attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// The first certificate expired at the end of 2020.
    Expired,
    /// The chain ends at a root that nobody knows.
    UntrustedRoot,
    /// The first certificate is for another AAGUID. No verifier looks for one in the certificates
    /// of `fido-u2f`, `android-key`, `android-safetynet` and `apple`.
    WrongAaguid,
    /// Signed with another key than the certificate's, or the credential's for self attestation;
    /// with `android-key` and `apple` the certificate is for another key than the credential's.
    WrongKey,
    /// The certificates are in the wrong order. `fido-u2f`, which has one, has its issuer's before
    /// it.
    UnorderedChain,
}

/// There is no such flaw in attestation of this format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("attestation {format:?} can't have the flaw {flaw:?}: it has nothing to be wrong there")]
pub struct UnfitFlaw {
    /// The kind of attestation.
    pub format: Format,
    /// What it can't have.
    pub flaw: Flaw,
}

/// A part of a statement in the making. Each is shown before what comes after it is made, so that
/// what is bent early is signed, hashed and named as it then is.
#[non_exhaustive]
#[derive(Debug)]
pub enum Part<'a> {
    /// `tpm`: the public area, before its name is taken.
    PubArea(&'a mut PubArea),
    /// `tpm`: what is said of it, before it is signed.
    CertInfo(&'a mut CertInfo),
    /// `android-key`: the extension of the certificate.
    KeyDescription(&'a mut KeyDescription),
    /// `apple`: the nonce in the certificate.
    Nonce(&'a mut Vec<u8>),
    /// The first certificate, before it is signed.
    Leaf(&'a mut Certificate),
    /// The certificate between it and the root, before it is signed.
    Intermediate(&'a mut Certificate),
    /// `android-safetynet`: Google's answer, before it is signed.
    SafetyNet(&'a mut SafetyNet),
    /// The bytes that are about to be signed.
    Signed(&'a mut Vec<u8>),
    /// The whole statement (`attStmt`): members may be changed, added and removed.
    Statement(&'a mut Item),
}

type Bend = dyn Fn(Part<'_>) + Send + Sync;

/// Makes statements of one kind, for [`Builder::attestation`](crate::Builder::attestation).
#[derive(Clone)]
pub struct TestAttestation {
    format: Format,
    seed: u64,
    flaws: Vec<Flaw>,
    /// What `compound` consists of.
    parts: Vec<Self>,
    bends: Vec<Arc<Bend>>,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::PackedSelf,
        Self::Packed,
        Self::Enterprise,
        Self::FidoU2f,
        Self::Tpm,
        Self::AndroidKey,
        Self::AndroidSafetyNet,
        Self::Apple,
        Self::Compound,
    ];

    /// The identifier of the format (IANA WebAuthn registry).
    #[must_use]
    pub const fn identifier(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PackedSelf | Self::Packed | Self::Enterprise => "packed",
            Self::FidoU2f => "fido-u2f",
            Self::Tpm => "tpm",
            Self::AndroidKey => "android-key",
            Self::AndroidSafetyNet => "android-safetynet",
            Self::Apple => "apple",
            Self::Compound => "compound",
        }
    }

    /// The flaws that it can have. Those of `compound` are in its first statement.
    #[must_use]
    pub const fn flaws(self) -> &'static [Flaw] {
        match self {
            Self::None => &[],
            Self::PackedSelf => &[Flaw::WrongKey],
            _ => &Flaw::ALL,
        }
    }
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Expired,
        Self::UntrustedRoot,
        Self::WrongAaguid,
        Self::WrongKey,
        Self::UnorderedChain,
    ];
}

impl TestAttestation {
    /// Attestation of this kind that nothing is wrong with, by the seed 0.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let parts = match format {
            Format::Compound => vec![Self::new(Format::Packed), Self::new(Format::PackedSelf)],
            _ => Vec::new(),
        };
        Self { format, seed: 0, flaws: Vec::new(), parts, bends: Vec::new() }
    }

    /// `compound` of these.
    #[must_use]
    pub fn compound(parts: impl IntoIterator<Item = Self>) -> Self {
        Self { parts: parts.into_iter().collect(), ..Self::new(Format::Compound) }
    }

    /// By another seed: another root, and other keys.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.parts = self.parts.into_iter().map(|part| part.seed(seed)).collect();
        self.seed = seed;
        self
    }

    /// The same with this flaw.
    ///
    /// # Errors
    /// [`UnfitFlaw`] where attestation of this kind can't have it ([`Format::flaws`]).
    pub fn flawed(mut self, flaw: Flaw) -> Result<Self, UnfitFlaw> {
        let unfit = UnfitFlaw { format: self.format, flaw };
        if self.format == Format::Compound {
            let first = self.parts.first_mut().ok_or(unfit)?;
            *first = first.clone().flawed(flaw)?;
        } else if self.format.flaws().contains(&flaw) {
            self.flaws.push(flaw);
        } else {
            return Err(unfit);
        }
        Ok(self)
    }

    /// The same with its parts bent by this function, which sees each when it is made. In
    /// `compound` it sees those of all statements, and the array of them last.
    #[must_use]
    pub fn bend(mut self, bend: impl Fn(Part<'_>) + Send + Sync + 'static) -> Self {
        let bend: Arc<Bend> = Arc::new(bend);
        self.add_bend(&bend);
        self
    }

    fn add_bend(&mut self, bend: &Arc<Bend>) {
        self.parts.iter_mut().for_each(|part| part.add_bend(bend));
        self.bends.push(bend.clone());
    }

    /// The kind of attestation.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The certificate of the root in DER, for the trust store of a verifier. It is the same for
    /// all kinds of one seed.
    ///
    /// # Errors
    /// [`Error`] where the portable provider lacks ES256.
    pub fn root_der(&self) -> Result<Vec<u8>, Error> {
        Authority::new(self.seed)?.root(Holder::Root)
    }

    /// The same in PEM.
    ///
    /// # Errors
    /// As [`Self::root_der`].
    pub fn root_pem(&self) -> Result<String, Error> {
        let text = STANDARD.encode(self.root_der()?);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        let mut rest = text.as_str();
        while let Some((line, more)) = rest.split_at_checked(64) {
            pem.extend([line, "\n"]);
            rest = more;
        }
        if !rest.is_empty() {
            pem.extend([rest, "\n"]);
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        Ok(pem)
    }

    /// The key and certificates for [`Builder::batch_attestation`](crate::Builder), by which the
    /// authenticator makes `packed`, `fido-u2f` and U2F registrations itself.
    ///
    /// # Errors
    /// [`Error`] where the portable provider lacks ES256.
    pub fn batch(&self) -> Result<BatchAttestation, Error> {
        let (key, certificates) = self.model_key()?;
        Ok(BatchAttestation { key, certificates })
    }

    /// The same for [`Builder::enterprise_attestation`](crate::Builder), by which these sites get
    /// it where a platform has turned it on. Only [`Format::Enterprise`] has the certificate that
    /// it takes.
    ///
    /// # Errors
    /// As [`Self::batch`].
    pub fn enterprise(&self, vendor_rp_ids: Vec<RpId>) -> Result<EnterpriseAttestation, Error> {
        let (key, certificates) = self.model_key()?;
        Ok(EnterpriseAttestation { key, certificates, vendor_rp_ids, platform_managed: true })
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaws.contains(&flaw)
    }

    /// The part as all bends have left it.
    fn bent<T>(&self, mut value: T, part: impl for<'a> Fn(&'a mut T) -> Part<'a>) -> T {
        self.bends.iter().for_each(|bend| bend(part(&mut value)));
        value
    }
}

impl Attestation for TestAttestation {
    fn formats(&self) -> Vec<&'static str> {
        match self.format {
            Format::None => Vec::new(),
            format => vec![format.identifier()],
        }
    }

    fn attest(&self, subject: &Subject<'_>) -> Result<AttestationStatement, KeyError> {
        let item = Statement::of(self, subject)?;
        let statement = OtherAttestation::new(self.format.identifier(), &item.encode());
        let statement = statement.map_err(|error| KeyError::Unavailable(error.to_string()))?;
        Ok(AttestationStatement::Other(statement))
    }
}

impl fmt::Debug for TestAttestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, seed, flaws, parts, bends } = self;
        f.debug_struct("TestAttestation")
            .field("format", format)
            .field("seed", seed)
            .field("flaws", flaws)
            .field("parts", parts)
            .field("bends", &bends.len())
            .finish()
    }
}
