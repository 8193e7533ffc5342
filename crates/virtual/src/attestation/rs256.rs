//! RS256 (RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017 §8.2) with one test key that everybody knows,
//! for `android-safetynet`: the portable provider has no RSA. It takes no care of time or memory,
//! and signs nothing but what tests make.

use towline_crypto::Sha256;
use towline_ctap::{CosePublicKey, algorithm};

/// The modulus n, in hexadecimal.
const MODULUS: &str = concat!(
    "b864c3184f2cb4074e5455b4a674c92ffa11b96a5d66267293bb2d38a33913b0e27d69b862937a6c69f888d8",
    "5a9eaad6140e9d93464126d539ee3fbe98f90078c28a1850f7bab68e60be8a6cabd0a01e0a0a7582c2f4c271",
    "852da36c66c4d71bc7613c00d1e0fc939a7b9230014dada5f2e601e571b76f6ac8a7a475803baa6d612d1bea",
    "b81d4fee6436ba9f2694cfa11f2d3bb5c957d77215c814d5afcf20c0fd5061d0ae545163b33e26dc3e7deb9b",
    "961cecb52b93f56ea99696b0dc9311d7ca367295c72d9980a3cb851a31791a50c5ab9264073fe2a28dc32f7e",
    "a2c90499a96ac883aa942322fffca70de1dde2efc16a6f5f1bd2bd9a86e57f0a488ed035",
);

/// The private exponent d.
const PRIVATE_EXPONENT: &str = concat!(
    "2919cca2ce83185dc887e3d2b087b7908a1d09473c2a58c79146577e1863d08fccec477462049d752ce9c916",
    "f09c0d584a80377f6c59795e6ddb3d3a2ebed1ec18f0cf1abd1d5133cb3cad7e2b8e0522acfa47d72dbd80d9",
    "ece58f57ca5075e22b3ef130fd9738b56de9bd5c15ee4a9682dde1ee52baa08b1ccec149af9b9d110289990d",
    "e2defb54ebe740031d672c681d33982b283679a30d35ad42549d2dd2c398b92d2b159796a9b1204d7cc15ea0",
    "43ccfdec01c1d393dfff962c6eda34832a80b6e2169fd8b51e57d6c03de3bef5f24b297248f628c7421d3895",
    "99a1813f6eeb4deafe8a66a35931467eafbb44ba304a843ba3b69d850fb3652ef1edd4c1",
);

/// 2^4096 modulo n, by which numbers get into Montgomery form.
const SQUARE: &str = concat!(
    "42f29e2854465d20ec6e921f1e144fdb180caff63cc57b671b31ae16d18ca814e4dd9761a82aaf5521b3a244",
    "68683a6cc978b7f81b059fbd41eb7a201727744b7a291288ca12826fadbd79a066bc5b5ac1901f7b0d18483a",
    "70fa4df6e5a6c8da7077f91d468fdad13978ebb358d71acc9059a6d47baf61c24fee77f060966421454dd9a3",
    "a8a305a55e2fd625a65b42c7730f05ee71a9d2a9b84f26c17b92ee209743827fc81b46322fd8ba78fbaa9a69",
    "fac356d41d14c19ea331db5dca9fb2939a5b6b74933250a4c18b7a3a6404c97ab009143cef1dbcbd28862271",
    "407c41c81d0c53c9bb26545a612d641c56b0a87b3d89ec5fcef518fcfc3b935fb82166bc",
);

/// The public exponent: 65537.
const PUBLIC_EXPONENT: [u8; 3] = [1, 0, 1];

/// The length of the modulus, in words.
const WORDS: usize = 32;

/// DigestInfo of SHA-256, before the digest (RFC 8017 §9.2, note 1).
const DIGEST_INFO: &[u8] =
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

/// A number of 2048 bits, the least word first.
type Number = [u64; WORDS];

/// The public key that signatures are good for.
pub(super) fn public_key() -> CosePublicKey {
    rsa(to_bytes(&read(MODULUS)))
}

/// Another public key: nothing is known that signs for it.
pub(super) fn other_public_key() -> CosePublicKey {
    let mut modulus = read(MODULUS);
    modulus[WORDS / 2] ^= 1;
    rsa(to_bytes(&modulus))
}

fn rsa(n: Vec<u8>) -> CosePublicKey {
    CosePublicKey::Rsa { alg: algorithm::RS256, n, e: PUBLIC_EXPONENT.to_vec() }
}

/// The signature over a message: 256 bytes.
pub(super) fn sign(message: &[u8], sha256: &dyn Sha256) -> Vec<u8> {
    let digest = sha256.hash(&[message]);
    let end = [&[0], DIGEST_INFO, &digest].concat();
    let mut padded = vec![0, 1];
    padded.resize((WORDS * 8).saturating_sub(end.len()), 0xff);
    padded.extend(end);
    to_bytes(&power(&from_bytes(&padded)))
}

/// The number to the power of d, modulo n.
fn power(base: &Number) -> Number {
    let (modulus, square) = (read(MODULUS), read(SQUARE));
    let inverse = negative_inverse(modulus[0]);
    let times = |a: &Number, b: &Number| multiply(a, b, &modulus, inverse);
    let mut one = [0; WORDS];
    one[0] = 1;
    let base = times(base, &square);
    let mut result = times(&one, &square);
    for word in read(PRIVATE_EXPONENT).iter().rev() {
        for bit in (0..u64::BITS).rev() {
            result = times(&result, &result);
            if (word >> bit) & 1 == 1 {
                result = times(&result, &base);
            }
        }
    }
    times(&result, &one)
}

/// a times b divided by 2^2048, modulo an odd n (Montgomery, 1985), word by word of b.
fn multiply(a: &Number, b: &Number, modulus: &Number, inverse: u64) -> Number {
    let mut sum: Number = [0; WORDS];
    let mut top = false;
    for digit in b {
        let carry = add_product(&mut sum, a, *digit);
        let (high, over) = carry.overflowing_add(u64::from(top));
        let factor = sum[0].wrapping_mul(inverse);
        let carry = add_product(&mut sum, modulus, factor);
        let (high, over_again) = high.overflowing_add(carry);
        // The lowest word is zero now: divide by it.
        sum.rotate_left(1);
        sum[WORDS - 1] = high;
        top = over | over_again;
    }
    if top || sum.iter().rev().ge(modulus.iter().rev()) {
        let mut borrow = false;
        for (word, less) in sum.iter_mut().zip(modulus) {
            let (difference, under) = word.overflowing_sub(*less);
            let (difference, under_again) = difference.overflowing_sub(u64::from(borrow));
            *word = difference;
            borrow = under | under_again;
        }
    }
    sum
}

/// Adds a times a word; what does not fit.
fn add_product(sum: &mut Number, a: &Number, factor: u64) -> u64 {
    let mut carry = 0;
    for (word, a) in sum.iter_mut().zip(a) {
        // At most (2^64 - 1)^2 + 2 (2^64 - 1), which is 2^128 - 1.
        let wide = u128::from(*a)
            .wrapping_mul(u128::from(factor))
            .wrapping_add(u128::from(*word))
            .wrapping_add(u128::from(carry));
        *word = u64::try_from(wide & u128::from(u64::MAX)).unwrap_or_default();
        carry = u64::try_from(wide >> 64).unwrap_or_default();
    }
    carry
}

/// The number that an odd word has to be multiplied with to give -1 modulo 2^64: each step doubles
/// the bits that are right, of which there are three at first.
fn negative_inverse(word: u64) -> u64 {
    let mut inverse = word;
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(word.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg()
}

fn read(hexadecimal: &str) -> Number {
    let digits = hexadecimal.as_bytes().rchunks(16);
    let mut number = [0; WORDS];
    for (word, digits) in number.iter_mut().zip(digits) {
        let text = str::from_utf8(digits).unwrap_or_default();
        *word = u64::from_str_radix(text, 16).unwrap_or_default();
    }
    number
}

fn from_bytes(bytes: &[u8]) -> Number {
    let mut number = [0; WORDS];
    for (word, bytes) in number.iter_mut().zip(bytes.rchunks(8)) {
        *word = u64::from_be_bytes(bytes.try_into().unwrap_or_default());
    }
    number
}

fn to_bytes(number: &Number) -> Vec<u8> {
    number.iter().rev().flat_map(|word| word.to_be_bytes()).collect()
}
