//! The key and the certificates that vouch for a model, or for one device, from files in PEM form.

use std::{fs, path::Path};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use towline::{authenticator::KeyHandle, crypto::CryptoProvider};
use zeroize::Zeroizing;

use crate::exit::Failure;

/// ES256, the algorithm of such a key.
const ES256: i64 = -7;

/// A key that vouches for the model, and its certificates.
#[derive(Debug, Clone)]
pub(crate) struct Vouching {
    pub(crate) key: KeyHandle,
    /// In DER, the leaf first.
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// Reads a key on P-256 and its certificates, and checks that the first of them is for that key.
pub(crate) fn read(
    key: &Path,
    certificates: &Path,
    provider: &CryptoProvider,
) -> Result<Vouching, Failure> {
    let unusable = |file: &Path, why: String| {
        Failure::usage("attestation", format!("{} can't vouch for a device: {why}", file.display()))
    };
    let pem =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error.to_string()))?;
    let scalar = scalar(&pem).ok_or_else(|| {
        unusable(key, "it holds no private key on P-256 as PKCS #8 or SEC 1 in PEM form".into())
    })?;
    let loaded = provider.signature(ES256).and_then(|es256| es256.load(&scalar).ok());
    let public = loaded.ok_or_else(|| unusable(key, "its key is out of range".into()))?;
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(certificates, error.to_string()))?;
    let certified = |leaf: &CertificateDer<'_>| {
        let point = public.public_key();
        leaf.windows(point.len()).any(|part| part == point)
    };
    if !chain.first().is_some_and(certified) {
        let why = format!("its first certificate is not for the key in {}", key.display());
        return Err(unusable(certificates, why));
    }
    let key = KeyHandle::new(ES256, Zeroizing::new(scalar.as_slice().into()));
    Ok(Vouching { key, certificates: chain.iter().map(|it| it.to_vec()).collect() })
}

/// The certificates in a file, or in every file of a folder, as roots in DER. One at least.
pub(crate) fn roots(place: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let unusable = |file: &Path, why: String| {
        Failure::usage("roots", format!("{} holds no roots to trust: {why}", file.display()))
    };
    let files = if place.is_dir() {
        let listed = fs::read_dir(place).map_err(|error| unusable(place, error.to_string()))?;
        let mut files: Vec<_> = listed.flatten().map(|file| file.path()).collect();
        files.retain(|file| file.is_file());
        files.sort();
        files
    } else {
        vec![place.to_owned()]
    };
    let mut roots = Vec::new();
    for file in &files {
        let found = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unusable(file, error.to_string()))?;
        if found.is_empty() {
            return Err(unusable(file, "there is no certificate in PEM form in it".into()));
        }
        roots.extend(found.iter().map(|root| root.to_vec()));
    }
    if roots.is_empty() {
        return Err(unusable(place, "the folder is empty".into()));
    }
    Ok(roots)
}

/// The private scalar of a key on a curve of 256 bits (RFC 5958, RFC 5915); which curve that is,
/// its certificate tells.
fn scalar(key: &PrivateKeyDer<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let ec_private_key = match key {
        PrivateKeyDer::Sec1(key) => key.secret_sec1_der(),
        PrivateKeyDer::Pkcs8(key) => {
            let (content, _) = element(key.secret_pkcs8_der(), SEQUENCE)?;
            let (_version, rest) = element(content, INTEGER)?;
            let (_algorithm, rest) = element(rest, SEQUENCE)?;
            element(rest, OCTET_STRING)?.0
        }
        _ => return None,
    };
    let (content, _) = element(ec_private_key, SEQUENCE)?;
    let (_version, rest) = element(content, INTEGER)?;
    let (scalar, _) = element(rest, OCTET_STRING)?;
    (scalar.len() == 32).then(|| Zeroizing::new(scalar.to_vec()))
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// The content of the element of DER that stands first, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 => {
            let (&[length], rest) = rest.split_first_chunk()?;
            (usize::from(length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}
