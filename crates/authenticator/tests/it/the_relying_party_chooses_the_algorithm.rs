//! Algorithms: the relying party's order decides, whatever ours is; slow keys are made by jobs;
//! keys stay loaded.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::rig::*;
use towline_authenticator::{Config, ConfigError, KeyStore, MemoryStore, SoftwareKeys, Work};
use towline_crypto::{CryptoProvider, Error, Random, SignatureAlgorithm, SigningKey};
use towline_ctap::{
    AttestationStatement, CosePublicKey, MakeCredentialResponse, Request, Status, algorithm,
    hid::KeepaliveStatus,
};
use zeroize::Zeroizing;

/// An algorithm whose keys and signatures are as long as those of the real one, and nothing more.
struct Lookalike {
    algorithm: i64,
    public_key: fn() -> Vec<u8>,
    signature: usize,
}

struct LookalikeKey(Vec<u8>, usize);

impl Lookalike {
    fn key(&self) -> Box<dyn SigningKey> {
        Box::new(LookalikeKey((self.public_key)(), self.signature))
    }
}

impl SignatureAlgorithm for Lookalike {
    fn cose_algorithm(&self) -> i64 {
        self.algorithm
    }

    fn generate(&self, _: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Ok(self.key())
    }

    fn load(&self, _: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        Ok(self.key())
    }

    fn verify(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), Error> {
        Err(Error::Authentication)
    }
}

impl SigningKey for LookalikeKey {
    fn public_key(&self) -> &[u8] {
        &self.0
    }

    fn sign(&self, _: &[&[u8]]) -> Result<Vec<u8>, Error> {
        Ok(vec![0x51; self.1])
    }

    fn private_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(Zeroizing::new(vec![1; 32]))
    }
}

fn rsa_public_key() -> Vec<u8> {
    let modulus = [0xc7; 256];
    [&[0x30, 0x82, 1, 10, 2, 0x82, 1, 1, 0], &modulus[..], &[2, 3, 1, 0, 1]].concat()
}

static RS256: Lookalike =
    Lookalike { algorithm: algorithm::RS256, public_key: rsa_public_key, signature: 256 };
static ML_DSA_44: Lookalike =
    Lookalike { algorithm: algorithm::ML_DSA_44, public_key: || vec![0x44; 1312], signature: 2420 };
static ML_DSA_65: Lookalike =
    Lookalike { algorithm: algorithm::ML_DSA_65, public_key: || vec![0x65; 1952], signature: 3309 };
/// An algorithm that COSE has a number for, but keys of which have no form here.
static ES512: Lookalike =
    Lookalike { algorithm: algorithm::ES512, public_key: Vec::new, signature: 1 };

const ALL: [i64; 6] = [
    algorithm::ES256,
    algorithm::EDDSA,
    algorithm::ES384,
    algorithm::ML_DSA_44,
    algorithm::ML_DSA_65,
    algorithm::RS256,
];

/// A provider with all the algorithms there are, made once for all tests.
fn provider() -> CryptoProvider {
    static SIGNATURES: std::sync::LazyLock<Vec<&'static dyn SignatureAlgorithm>> =
        std::sync::LazyLock::new(|| {
            let real = towline_crypto::rustcrypto::provider().signatures;
            let mut all: Vec<_> = real
                .iter()
                .copied()
                .filter(|it| ![-48, -49].contains(&it.cose_algorithm()))
                .collect();
            for lookalike in [&ML_DSA_44, &ML_DSA_65, &RS256, &ES512] {
                all.push(lookalike);
            }
            all
        });
    CryptoProvider { signatures: &SIGNATURES, ..towline_crypto::rustcrypto::provider() }
}

fn rig(config: Config) -> Rig {
    let (provider, store) = (provider(), MemoryStore::new());
    let keys = SoftwareKeys::new(provider.clone());
    Rig::with(config, provider, store.clone(), store, keys)
}

fn with_all() -> Config {
    Config::security_key().with_algorithms(&ALL)
}

fn made_for(rig: &mut Rig, params: &[i64]) -> Result<(MakeCredentialResponse, i64), Status> {
    let mut request = creation("example.org", "alice");
    request.options.rk = Some(true);
    request.pub_key_cred_params = params.to_vec();
    let response = rig.create(&request)?;
    let (_, key) = made(&response);
    Ok((response, key.algorithm().unwrap()))
}

#[test]
fn the_first_supported_one_of_the_relying_party_is_made() {
    let mut rig = rig(with_all());
    assert_eq!(rig.info().algorithms, Some(ALL.to_vec()));
    let mut order = ALL.to_vec();
    for _ in 0..ALL.len() {
        order.rotate_left(1);
        assert_eq!(made_for(&mut rig, &order).unwrap().1, order[0]);
        let reversed: Vec<i64> = order.iter().rev().copied().collect();
        assert_eq!(made_for(&mut rig, &reversed).unwrap().1, reversed[0]);
    }
}

#[test]
fn what_is_not_supported_is_passed_over_and_nothing_else_is_refused() {
    let mut rig = rig(with_all());
    let unknown = [algorithm::ES512, algorithm::ML_DSA_87, algorithm::ES256K, 0, i64::MIN];
    for alg in ALL {
        let params = [&unknown[..], &[alg], &ALL].concat();
        assert_eq!(made_for(&mut rig, &params).unwrap().1, alg);
    }
    assert_eq!(made_for(&mut rig, &unknown).unwrap_err(), Status::UnsupportedAlgorithm);
    assert_eq!(made_for(&mut rig, &[]).unwrap_err(), Status::UnsupportedAlgorithm);
}

#[test]
fn an_algorithm_that_is_not_configured_is_not_made() {
    let mut rig = rig(Config::phone());
    for alg in ALL.into_iter().filter(|alg| *alg != algorithm::ES256) {
        assert_eq!(made_for(&mut rig, &[alg]).unwrap_err(), Status::UnsupportedAlgorithm);
        assert_eq!(made_for(&mut rig, &[alg, algorithm::ES256]).unwrap().1, algorithm::ES256);
    }
}

#[test]
fn an_algorithm_that_the_provider_lacks_is_not_claimed() {
    let mut rig = Rig::new(Config::security_key());
    let portable = vec![algorithm::ES256, algorithm::EDDSA, algorithm::ES384];
    assert_eq!(rig.info().algorithms, Some(portable));
    let refused = made_for(&mut rig, &[algorithm::RS256]);
    assert_eq!(refused.unwrap_err(), Status::UnsupportedAlgorithm);
}

#[test]
fn keys_without_a_form_in_cose_are_not_offered() {
    let keys = SoftwareKeys::new(provider());
    let mut offered = keys.algorithms();
    offered.sort_unstable_by_key(|alg| ALL.iter().position(|known| known == alg));
    assert_eq!(offered, ALL);
    let config = Config::phone().with_algorithms(&[algorithm::ES512]);
    let (provider, store) = (provider(), MemoryStore::new());
    let refused = towline_authenticator::Authenticator::new(config, provider, store, keys);
    assert_eq!(refused.err(), Some(ConfigError::NoAlgorithm));
}

#[test]
fn every_algorithm_attests_itself_and_signs_in_with_short_credential_ids() {
    let mut rig = rig(with_all());
    let lengths = [(algorithm::ML_DSA_44, 2420), (algorithm::ML_DSA_65, 3309), (-257, 256)];
    for (alg, length) in lengths {
        let (response, _) = made_for(&mut rig, &[alg]).unwrap();
        let AttestationStatement::Packed(statement) = &response.attestation else { panic!() };
        assert_eq!((statement.alg, statement.sig.len()), (alg, length));
        assert!(statement.x5c.is_none());
        assert!(response.encode().len() <= 7609, "{alg}");
        let (id, _) = made(&response);
        assert_eq!(id.as_bytes().len(), 32, "the key is stored, not wrapped in the id");
        let mut request = assertion("example.org");
        request.allow_list = Some(listing(&id));
        assert_eq!(rig.sign_in(&request).unwrap().signature.len(), length);
    }
}

#[test]
fn a_key_whose_making_takes_long_is_made_by_a_job() {
    let mut rig = rig(storing());
    rig.works = false;
    let mut request = creation("example.org", "alice");
    request.pub_key_cred_params = vec![algorithm::RS256];
    rig.send(HOME, &Request::from(request).encode());
    rig.pass(Duration::from_millis(250));
    assert_eq!(rig.keepalives.last(), Some(&(HOME, KeepaliveStatus::Processing)));
    assert!(rig.responses.is_empty());
    rig.work();
    assert_eq!(rig.status(), Status::Ok);
    // To sign with it takes no job.
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&rig.store.credentials()[0].id));
    rig.sign_in(&request).unwrap();
}

#[test]
fn a_creation_that_is_cancelled_while_its_key_is_made_stores_nothing() {
    let mut rig = rig(Config::security_key());
    rig.works = false;
    let mut request = creation("example.org", "alice");
    request.pub_key_cred_params = vec![algorithm::RS256];
    rig.send(HOME, &Request::from(request).encode());
    rig.cancel(HOME);
    assert_eq!(rig.status(), Status::KeepaliveCancel);
    rig.work();
    assert!(rig.responses.is_empty() && rig.store.is_empty());
}

#[test]
fn the_public_half_can_be_had_again() {
    let mut keys = SoftwareKeys::new(provider());
    for alg in ALL {
        let made = match keys.generate(alg) {
            Work::Done(made) => made.unwrap(),
            Work::Later(job) => job().unwrap(),
        };
        let Work::Done(Ok(again)) = keys.public_key(&made.handle) else { panic!() };
        assert_eq!(again, made.public_key);
        assert_eq!(CosePublicKey::decode(&again.encode()), Ok(again));
    }
}

#[test]
fn ml_dsa_needs_room_for_its_messages() {
    for alg in [algorithm::ML_DSA_44, algorithm::ML_DSA_65] {
        let mut config = Config::security_key().with_algorithms(&[algorithm::ES256, alg]);
        assert_eq!(config.validate(), Ok(()));
        config.limits.max_msg_size = 6143;
        assert!(matches!(config.validate(), Err(ConfigError::OutOfRange { .. })));
    }
}

/// ES256, and how often a key of it was parsed.
struct Counting(AtomicUsize);

static COUNTING: Counting = Counting(AtomicUsize::new(0));
static COUNTED: [&dyn SignatureAlgorithm; 1] = [&COUNTING];

impl Counting {
    fn real() -> &'static dyn SignatureAlgorithm {
        towline_crypto::rustcrypto::provider().signature(algorithm::ES256).unwrap()
    }
}

impl SignatureAlgorithm for Counting {
    fn cose_algorithm(&self) -> i64 {
        algorithm::ES256
    }

    fn generate(&self, random: &dyn Random) -> Result<Box<dyn SigningKey>, Error> {
        Self::real().generate(random)
    }

    fn load(&self, private: &[u8]) -> Result<Box<dyn SigningKey>, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self::real().load(private)
    }

    fn verify(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        Self::real().verify(public_key, message, signature)
    }
}

#[test]
fn a_key_used_again_is_not_parsed_again() {
    let parsed = || COUNTING.0.load(Ordering::Relaxed);
    let provider =
        CryptoProvider { signatures: &COUNTED, ..towline_crypto::rustcrypto::provider() };
    let store = MemoryStore::new();
    let start = |store: &MemoryStore| {
        let keys = SoftwareKeys::new(provider.clone());
        Rig::with(Config::phone(), provider.clone(), store.clone(), store.clone(), keys)
    };
    let mut rig = start(&store);
    let (_, key) = rig.passkey("example.org", "alice");
    for _ in 0..3 {
        let response = rig.sign_in(&assertion("example.org")).unwrap();
        rig.verify(&response, &key);
    }
    assert_eq!(parsed(), 0, "a key that was just made is there");
    let mut rig = start(&store);
    for _ in 0..3 {
        let response = rig.sign_in(&assertion("example.org")).unwrap();
        rig.verify(&response, &key);
    }
    assert_eq!(parsed(), 1, "after a restart it is parsed once");
    // Only the keys used last stay loaded.
    for site in 0..16 {
        rig.passkey(&format!("site-{site}.example"), "alice");
    }
    rig.sign_in(&assertion("example.org")).unwrap();
    assert_eq!(parsed(), 2);
}
