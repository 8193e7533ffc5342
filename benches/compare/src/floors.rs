//! What cannot be left out: bare primitives of AWS-LC and of the portable crates.

use aes::cipher::{BlockCipherDecrypt, KeyInit};
use aws_lc_rs::{
    agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use sha2::block_api::compress256;

/// A new key with its public half.
pub fn key_pair() -> Vec<u8> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    pair.public_key().as_ref().to_vec()
}

/// A signature over as many bytes as an assertion signs.
pub fn signature() -> impl FnMut() -> Vec<u8> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    move || pair.sign(&SystemRandom::new(), &[7; 69]).expect("a signature").as_ref().to_vec()
}

/// A key pair, then a signature by it.
pub fn key_pair_and_signature() -> Vec<u8> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    pair.sign(&SystemRandom::new(), &[7; 69]).expect("a signature").as_ref().to_vec()
}

/// Of a handshake: two key pairs and four key agreements.
pub fn handshake() -> impl FnMut() -> u8 {
    let lasting = PrivateKey::generate(&ECDH_P256).expect("a key");
    let of_lasting = lasting.compute_public_key().expect("a point");
    move || {
        let [computer, phone] = [(); 2].map(|()| {
            let key = PrivateKey::generate(&ECDH_P256).expect("a key");
            let public = key.compute_public_key().expect("a point");
            (key, public)
        });
        let pairs = [
            (&computer.0, &phone.1),
            (&phone.0, &computer.1),
            (&lasting, &phone.1),
            (&phone.0, &of_lasting),
        ];
        let agreed = pairs.map(|(key, peer)| {
            let peer = UnparsedPublicKey::new(&ECDH_P256, peer.as_ref());
            agreement::agree(key, peer, (), |secret| Ok(secret[0])).expect("a secret")
        });
        agreed.iter().fold(0, |all, one| all ^ one)
    }
}

/// Of an advert that is refused: two compressions, the second over what the first gave, as HMAC
/// has it. Of one that is accepted: a block besides.
pub fn advert(accepted: bool) -> impl FnMut() -> u32 {
    let key = aes::Aes256::new(&[3; 32].into());
    let (states, block) = ([[5_u32; 8], [6; 8]], [[7_u8; 64]]);
    move || {
        let [mut inner, mut outer] = std::hint::black_box(states);
        compress256(&mut inner, std::hint::black_box(&block));
        let [mut second] = block;
        for (to, from) in second.as_chunks_mut().0.iter_mut().zip(inner) {
            *to = from.to_be_bytes();
        }
        compress256(&mut outer, &[second]);
        let mut all = outer[0];
        if accepted {
            let mut data = [9; 16].into();
            key.decrypt_block(&mut data);
            all ^= u32::from(data[0]);
        }
        all
    }
}
