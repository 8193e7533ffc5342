//! HPKE (RFC 9180): a message to whoever has a private key, of which nothing but its length is to
//! be seen. DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; base mode, one message for each
//! key agreement. Who sent it is not said here: what carries it is signed.

use towline_crypto::{CryptoProvider, EcdhKey, Error, P256PublicKey, Secret, zeroize::Zeroizing};

/// The length of the sender's public key, which comes first, in bytes (Npk of RFC 9180 §7.1).
const ENCAPSULATED: usize = 65;

/// "KEM" and the number of DHKEM(P-256, HKDF-SHA256) (RFC 9180 §4.1, §7.1).
const KEM: &[u8] = b"KEM\x00\x10";
/// "HPKE" and the numbers of the three algorithms (RFC 9180 §5.1).
const SUITE: &[u8] = b"HPKE\x00\x10\x00\x01\x00\x02";

/// Seals for a public key: the sender's public key for this once (65 bytes), what was sealed, and a
/// tag of 16 bytes.
pub(crate) fn seal(
    crypto: &CryptoProvider,
    to: &P256PublicKey,
    info: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, Error> {
    seal_from(crypto, &*crypto.ecdh.generate(&*crypto.random)?, to, info, plain, &[])
}

fn seal_from(
    crypto: &CryptoProvider,
    once: &dyn EcdhKey,
    to: &P256PublicKey,
    info: &[u8],
    plain: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, Error> {
    let shared = Hkdf(crypto).shared_secret(&once.agree(to)?, once.public_key(), to);
    let (key, nonce) = Hkdf(crypto).schedule(&shared, info);
    let mut sealed = plain.to_vec();
    crypto.aead.key(key.expose()).seal(&nonce, aad, &mut sealed)?;
    Ok([once.public_key().as_bytes(), sealed.as_slice()].concat())
}

/// Opens what was sealed for this key and `info`.
///
/// # Errors
/// [`Error::Authentication`] or [`Error::InvalidPublicKey`] for anything else.
pub(crate) fn open(
    crypto: &CryptoProvider,
    key: &dyn EcdhKey,
    info: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    open_with(crypto, key, info, sealed, &[])
}

fn open_with(
    crypto: &CryptoProvider,
    key: &dyn EcdhKey,
    info: &[u8],
    sealed: &[u8],
    aad: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (from, sealed) = sealed.split_at_checked(ENCAPSULATED).ok_or(Error::Length)?;
    let from = crypto.ecdh.public_key(from)?;
    let shared = Hkdf(crypto).shared_secret(&key.agree(&from)?, &from, key.public_key());
    let (key, nonce) = Hkdf(crypto).schedule(&shared, info);
    let mut plain = Zeroizing::new(sealed.to_vec());
    crypto.aead.key(key.expose()).open(&nonce, aad, &mut plain)?;
    Ok(plain)
}

/// HKDF-SHA256 with the labels of RFC 9180 §4. All that is derived here is at most as long as one
/// hash, so that an expansion is one HMAC.
struct Hkdf<'a>(&'a CryptoProvider);

impl Hkdf<'_> {
    fn extract(&self, salt: &[u8], suite: &[u8], label: &[u8], secret: &[u8]) -> Secret<32> {
        Secret::new(self.0.hmac.key(salt).sign(&[b"HPKE-v1", suite, label, secret]))
    }

    /// The first `N` of at most 32 bytes.
    fn expand<const N: usize>(
        &self,
        key: &Secret<32>,
        suite: &[u8],
        label: &[u8],
        info: &[u8],
    ) -> Secret<N> {
        const { assert!(N <= 32, "one HMAC") };
        let length = [0, u8::try_from(N).unwrap_or(32)];
        let key = self.0.hmac.key(key.expose());
        let block = key.sign(&[&length, b"HPKE-v1", suite, label, info, &[1]]);
        let block = Secret::new(block);
        let mut out = [0; N];
        out.iter_mut().zip(block.expose()).for_each(|(to, from)| *to = *from);
        Secret::new(out)
    }

    /// ExtractAndExpand (RFC 9180 §4.1).
    fn shared_secret(
        &self,
        agreed: &Secret<32>,
        from: &P256PublicKey,
        to: &P256PublicKey,
    ) -> Secret<32> {
        let context = [from.as_bytes().as_slice(), to.as_bytes()].concat();
        let extracted = self.extract(b"", KEM, b"eae_prk", agreed.expose());
        self.expand(&extracted, KEM, b"shared_secret", &context)
    }

    /// The key and the nonce of the first message, in base mode (RFC 9180 §5.1).
    fn schedule(&self, shared: &Secret<32>, info: &[u8]) -> (Secret<32>, [u8; 12]) {
        const BASE: &[u8] = &[0];
        let psk_id = self.extract(b"", SUITE, b"psk_id_hash", b"");
        let info = self.extract(b"", SUITE, b"info_hash", info);
        let context = [BASE, psk_id.expose(), info.expose()].concat();
        let secret = self.extract(shared.expose(), SUITE, b"secret", b"");
        let nonce = self.expand::<12>(&secret, SUITE, b"base_nonce", &context);
        (self.expand(&secret, SUITE, b"key", &context), *nonce.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use towline_crypto::rustcrypto;

    const INFO: &str = "4f6465206f6e2061204772656369616e2055726e";
    const PLAIN: &str = "4265617574792069732074727574682c20747275746820626561757479";

    fn hex(text: &str) -> Vec<u8> {
        let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        text.as_bytes().chunks(2).map(byte).collect()
    }

    fn key(scalar: &str) -> Box<dyn EcdhKey> {
        rustcrypto::provider().ecdh.load(&Secret::from_slice(&hex(scalar)).unwrap()).unwrap()
    }

    /// RFC 9180 §A.3.1: of that suite, what does not depend on its cipher.
    #[test]
    fn the_shared_secret_is_that_of_the_rfc() {
        let crypto = rustcrypto::provider();
        let once = key("4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb");
        let to = key("f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2");
        let agreed = to.agree(once.public_key()).unwrap();
        let shared = Hkdf(&crypto).shared_secret(&agreed, once.public_key(), to.public_key());
        let expected = "c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8";
        assert_eq!(shared.expose().to_vec(), hex(expected));
    }

    /// The vector of base mode with KEM 16, KDF 1, AEAD 2 in the file of vectors that goes with the
    /// RFC (its revision 5f503c5); the RFC prints none for P-256 with AES-256-GCM.
    #[test]
    fn a_sealed_message_is_that_of_the_published_vector() {
        let crypto = rustcrypto::provider();
        let once = key("90345e3a1d116c1dd39ae76d95ab858c142223a63e44f8f85318cfa91a84858e");
        let to = key("317f915db7bc629c48fe765587897e01e282d3e8445f79f27f65d031a88082b2");
        let shared = Hkdf(&crypto).shared_secret(
            &once.agree(to.public_key()).unwrap(),
            once.public_key(),
            to.public_key(),
        );
        let (derived, nonce) = Hkdf(&crypto).schedule(&shared, &hex(INFO));
        let expected = "ee16802a936d5f544771131900ee6973d0551de9e852ece2ef34bf0d5f9e1d1d";
        assert_eq!(derived.expose().to_vec(), hex(expected));
        assert_eq!(nonce.to_vec(), hex("9bc50980832a7b4b58c40161"));

        let aad = hex("436f756e742d30");
        let sealed =
            seal_from(&crypto, &*once, to.public_key(), &hex(INFO), &hex(PLAIN), &aad).unwrap();
        let expected = "04c06b4f6bebc7bb495cb797ab753f911aff80aefb86fd8b6fcc35525f3ab5f03e0b21bd31\
                        a86c6048af3cb2d98e0d3bf01da5cc4c39ff5370d331a4f1f7d5a4e058c61a45059d0c5704\
                        560e9d88b564a8b63f1364b8d1fcb3c4c6ddc1d291742465e902cd216f8908da49f8f96f";
        assert_eq!(sealed, hex(expected));
        let opened = open_with(&crypto, &*to, &hex(INFO), &sealed, &aad).unwrap();
        assert_eq!(opened.to_vec(), hex(PLAIN));
    }

    #[test]
    fn what_is_for_another_or_was_changed_is_not_opened() {
        let crypto = rustcrypto::provider();
        let (to, other) = (
            crypto.ecdh.generate(&*crypto.random).unwrap(),
            crypto.ecdh.generate(&*crypto.random).unwrap(),
        );
        let sealed = seal(&crypto, to.public_key(), b"for this", b"secret").unwrap();
        assert_eq!(open(&crypto, &*to, b"for this", &sealed).unwrap().as_slice(), b"secret");
        assert!(open(&crypto, &*other, b"for this", &sealed).is_err());
        assert!(open(&crypto, &*to, b"for that", &sealed).is_err());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(open(&crypto, &*to, b"for this", &changed).is_err(), "{place}");
            assert!(open(&crypto, &*to, b"for this", &sealed[..place]).is_err(), "{place}");
        }
    }
}
