//! Keys and sealed data: made, loaded and used (TPM 2.0 Part 3 §12, §18, §20, §24).

use zeroize::Zeroizing;

use super::{CommandCode, TpmCommand, required};
use crate::{
    handle::{Handle, ObjectName},
    public::{InScheme, PublicArea, signature},
    wire::{Reader, Unreadable, Writer},
};

/// The longest public area, and the longest private one, of a TPM with RSA keys of 4096 bits.
const LONGEST_AREA: usize = 1536;
/// What a key is made with: an authorisation and data that are shorter than this.
const LONGEST_SECRET: usize = 128;

/// The private part of an object as its TPM has wrapped it: of use under its parent only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Private(pub Vec<u8>);

/// What `TPM2_Create` has made.
#[derive(Debug, Clone)]
pub struct Created {
    /// The private part, wrapped.
    pub private: Private,
    /// The public area.
    pub public: PublicArea,
}

/// What was loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The handle by which commands find it.
    pub handle: Handle,
    /// Its name, as the TPM says.
    pub name: ObjectName,
}

/// A primary object that was made and loaded.
#[derive(Debug, Clone)]
pub struct LoadedPrimary {
    /// The handle by which commands find it.
    pub handle: Handle,
    /// Its public area.
    pub public: PublicArea,
    /// Its name, as the TPM says; [`PublicArea::name`] computes it.
    pub name: ObjectName,
}

/// What `TPM2_ReadPublic` gives.
#[derive(Debug, Clone)]
pub struct Public {
    /// The public area.
    pub public: PublicArea,
    /// Its name, as the TPM says.
    pub name: ObjectName,
}

/// A statement that a TPM made and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// What it says (`TPMS_ATTEST`).
    pub info: Vec<u8>,
    /// The signature in WebAuthn's form: DER for ECDSA.
    pub signature: Vec<u8>,
}

/// `TPM2B_SENSITIVE_CREATE`.
fn sensitive(auth: &[u8], data: &[u8]) -> Zeroizing<Vec<u8>> {
    let auth = auth.get(..LONGEST_SECRET).unwrap_or(auth);
    let data = data.get(..LONGEST_SECRET).unwrap_or(data);
    let inner = Writer::new().sized(auth).sized(data).finish();
    Writer::new().sized(&inner).finish()
}

/// The parameters of what makes an object: no data from outside, no PCRs in the record.
fn creation(auth: &[u8], data: &[u8], template: &PublicArea) -> Writer {
    Writer::new().raw(&sensitive(auth, data)).sized(&template.encode()).u16(0).u32(0)
}

fn public_area(reader: &mut Reader<'_>) -> Result<PublicArea, Unreadable> {
    PublicArea::decode(reader.sized(LONGEST_AREA)?)
}

/// `TPM2B_CREATION_DATA`, its hash and the ticket, which nobody needs here.
fn creation_record(reader: &mut Reader<'_>) -> Result<(), Unreadable> {
    reader.sized(LONGEST_AREA)?;
    reader.sized(64)?;
    ticket(reader)
}

fn ticket(reader: &mut Reader<'_>) -> Result<(), Unreadable> {
    let (_tag, _hierarchy) = (reader.u16()?, reader.u32()?);
    reader.sized(64).map(drop)
}

impl TpmCommand<LoadedPrimary> {
    /// `TPM2_CreatePrimary` in a hierarchy, with an empty authorisation.
    #[must_use]
    pub fn create_primary(hierarchy: Handle, template: &PublicArea) -> Self {
        let parameters = creation(&[], &[], template);
        Self::new(CommandCode::CreatePrimary, parameters, |handle, reader| {
            let public = public_area(reader)?;
            creation_record(reader)?;
            Ok(LoadedPrimary { handle: required(handle)?, public, name: ObjectName::take(reader)? })
        })
        .by(hierarchy, &hierarchy.name())
        .giving_handle()
    }
}

impl TpmCommand<Created> {
    /// `TPM2_Create` under a parent, with the authorisation value of what is made, and the data
    /// where it is to be sealed. The first parameter has both: it is to be encrypted.
    #[must_use]
    pub fn create(parent: &Loaded, auth: &[u8], data: &[u8], template: &PublicArea) -> Self {
        let parameters = creation(auth, data, template);
        Self::new(CommandCode::Create, parameters, |_, reader| {
            let private = Private(reader.sized(LONGEST_AREA)?.into());
            let public = public_area(reader)?;
            creation_record(reader)?;
            Ok(Created { private, public })
        })
        .by(parent.handle, &parent.name)
    }
}

impl TpmCommand<Loaded> {
    /// `TPM2_Load` under the parent.
    #[must_use]
    pub fn load(parent: &Loaded, private: &Private, public: &PublicArea) -> Self {
        let parameters = Writer::new().sized(&private.0).sized(&public.encode());
        Self::new(CommandCode::Load, parameters, |handle, reader| {
            Ok(Loaded { handle: required(handle)?, name: ObjectName::take(reader)? })
        })
        .by(parent.handle, &parent.name)
        .giving_handle()
    }
}

impl TpmCommand<Public> {
    /// `TPM2_ReadPublic`: what an object is.
    #[must_use]
    pub fn read_public(handle: Handle) -> Self {
        Self::new(CommandCode::ReadPublic, Writer::new(), |_, reader| {
            let public = public_area(reader)?;
            let name = ObjectName::take(reader)?;
            let _qualified = ObjectName::take(reader)?;
            Ok(Public { public, name })
        })
        .about(handle, &handle.name())
    }
}

impl TpmCommand<Vec<u8>> {
    /// `TPM2_Sign` of a digest that was made elsewhere. The signature has WebAuthn's form.
    #[must_use]
    pub fn sign(key: &Loaded, digest: &[u8], scheme: InScheme) -> Self {
        // The ticket says that there is none: the digest is not the TPM's.
        let parameters = scheme.encode(Writer::new().sized(digest));
        let parameters = parameters.u16(HASH_CHECK).u32(Handle::NULL.0).u16(0);
        Self::new(CommandCode::Sign, parameters, |_, reader| signature(reader))
            .by(key.handle, &key.name)
    }
}

impl TpmCommand<Zeroizing<Vec<u8>>> {
    /// `TPM2_Hash` by SHA-384, of at most 1024 bytes.
    #[must_use]
    pub fn hash_sha384(data: &[u8]) -> Self {
        let parameters = Writer::new().sized(data).u16(SHA384).u32(Handle::NULL.0);
        Self::new(CommandCode::Hash, parameters, |_, reader| {
            let digest = Zeroizing::new(reader.sized(64)?.into());
            ticket(reader)?;
            Ok(digest)
        })
    }
}

const SHA384: u16 = 0x000c;

/// The tag of the ticket for a digest (`TPM_ST_HASHCHECK`).
const HASH_CHECK: u16 = 0x8024;

impl TpmCommand<Attested> {
    /// `TPM2_Certify`: the attestation key signs that the object is in this TPM, and what was
    /// given.
    #[must_use]
    pub fn certify(object: &Loaded, by: &Loaded, given: &[u8]) -> Self {
        let parameters = InScheme::OfKey.encode(Writer::new().sized(given));
        Self::new(CommandCode::Certify, parameters, |_, reader| {
            let info = reader.sized(LONGEST_AREA)?.into();
            Ok(Attested { info, signature: signature(reader)? })
        })
        .by(object.handle, &object.name)
        .by(by.handle, &by.name)
    }
}

impl TpmCommand<Zeroizing<Vec<u8>>> {
    /// `TPM2_Unseal`: the data. The first parameter of the response is to be encrypted.
    #[must_use]
    pub fn unseal(object: &Loaded) -> Self {
        Self::new(CommandCode::Unseal, Writer::new(), |_, reader| {
            Ok(Zeroizing::new(reader.sized(LONGEST_SECRET)?.into()))
        })
        .by(object.handle, &object.name)
    }

    /// `TPM2_ActivateCredential`: the secret that a certificate authority has encrypted for an
    /// endorsement key, if it is in the same TPM as the key that is to be certified.
    #[must_use]
    pub fn activate_credential(
        key: &Loaded,
        endorsement: &Loaded,
        blob: &[u8],
        secret: &[u8],
    ) -> Self {
        let parameters = Writer::new().sized(blob).sized(secret);
        Self::new(CommandCode::ActivateCredential, parameters, |_, reader| {
            Ok(Zeroizing::new(reader.sized(LONGEST_SECRET)?.into()))
        })
        .by(key.handle, &key.name)
        .by(endorsement.handle, &endorsement.name)
    }
}
