//! The portable provider does every operation once. The full suite lives in `towline-crypto-test`.

use towline_crypto::rustcrypto::provider;

#[test]
fn every_operation_of_the_portable_provider_undoes_or_checks_its_counterpart() {
    let provider = provider();
    let key = provider.random.bytes::<32>().unwrap();

    let mut data = b"in the clear".to_vec();
    let aead = provider.aead.key(&key);
    aead.seal(&[1; 12], b"aad", &mut data).unwrap();
    aead.open(&[1; 12], b"aad", &mut data).unwrap();
    assert_eq!(data, b"in the clear");

    let mut blocks = [7; 32];
    provider.aes256_cbc.encrypt(&key, &[2; 16], &mut blocks).unwrap();
    provider.aes256_cbc.decrypt(&key, &[2; 16], &mut blocks).unwrap();
    assert_eq!(blocks, [7; 32]);

    let mut block = [9; 16];
    let aes = provider.aes256.key(&key);
    aes.encrypt(&mut block);
    aes.decrypt(&mut block);
    assert_eq!(block, [9; 16]);

    let mac = provider.hmac.key(&key);
    mac.verify(&[b"one message"], &mac.sign(&[b"one", b" ", b"message"])).unwrap();

    let mut context = provider.sha256.start();
    context.update(b"ab");
    context.update(b"c");
    assert_eq!(context.finish_reset(), provider.sha256.hash(&[b"abc"]));

    let (mut one, mut other) = ([0; 64], [0; 64]);
    provider.hkdf.derive(b"", &key, b"info", &mut one).unwrap();
    provider.hkdf.derive(&[0; 32], &key, b"info", &mut other).unwrap();
    assert_eq!(one, other);

    let ours = provider.ecdh.generate(&*provider.random).unwrap();
    let theirs = provider.ecdh.load(&ours.scalar().unwrap()).unwrap();
    let third = provider.ecdh.generate(&*provider.random).unwrap();
    assert_eq!(ours.agree(third.public_key()).unwrap(), third.agree(theirs.public_key()).unwrap());

    let es256 = provider.signature(-7).unwrap();
    let signer = es256.generate(&*provider.random).unwrap();
    let signature = signer.sign(&[b"to ", b"sign"]).unwrap();
    es256.verify(signer.public_key(), b"to sign", &signature).unwrap();
}
