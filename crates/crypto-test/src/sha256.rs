//! SHA-256.

use towline_crypto::CryptoProvider;

use crate::hex::array;

/// The examples of FIPS 180-4.
pub fn fips_180_4_known_answers(provider: &CryptoProvider) {
    let million = vec![b'a'; 1_000_000];
    let cases: [(&[u8], &str); 4] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ];
    for (message, hash) in cases {
        assert_eq!(provider.sha256.hash(&[message]), array(hash));
    }
}

/// However a message is cut up, at and around block boundaries too, its hash is the same.
pub fn parts_hash_as_their_concatenation(provider: &CryptoProvider) {
    let message: Vec<u8> = (0..=255).collect();
    let whole = provider.sha256.hash(&[&message]);
    for cut in [0, 1, 55, 56, 63, 64, 65, 127, 128, 255, 256] {
        let (head, tail) = message.split_at(cut);
        assert_eq!(provider.sha256.hash(&[head, tail]), whole, "cut at {cut}");
        let mut context = provider.sha256.start();
        context.update(head);
        context.update(&[]);
        context.update(tail);
        assert_eq!(context.finish_reset(), whole, "fed in two parts cut at {cut}");
    }
    assert_eq!(provider.sha256.hash(&[]), provider.sha256.hash(&[b""]));
}

/// What was hashed before does not leak into the next hash.
pub fn a_context_is_as_new_after_it_finished(provider: &CryptoProvider) {
    let mut context = provider.sha256.start();
    context.update(b"something else");
    context.finish_reset();
    context.update(b"abc");
    assert_eq!(context.finish_reset(), provider.sha256.hash(&[b"abc"]));
    assert_eq!(context.finish_reset(), provider.sha256.hash(&[]));
}
