//! The provider's primitives on their own: what everything else is measured against.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use towline_crypto::rustcrypto::provider;

fn curve(c: &mut Criterion) {
    let provider = provider();
    let random = &*provider.random;
    let es256 = provider.signature(-7).unwrap();
    let (ours, theirs) =
        (provider.ecdh.generate(random).unwrap(), provider.ecdh.generate(random).unwrap());
    let peer = *theirs.public_key();
    let signer = es256.generate(random).unwrap();
    let stored = signer.private_bytes().unwrap();
    let signature = signer.sign(&[b"message"]).unwrap();

    c.bench_function("p256/generate with public key", |b| {
        b.iter(|| *provider.ecdh.generate(random).unwrap().public_key());
    });
    c.bench_function("p256/agree", |b| b.iter(|| ours.agree(black_box(&peer)).unwrap()));
    c.bench_function("p256/read compressed point", |b| {
        let point = peer.compressed();
        b.iter(|| provider.ecdh.public_key(black_box(&point)).unwrap());
    });
    c.bench_function("p256/read uncompressed point", |b| {
        b.iter(|| provider.ecdh.public_key(black_box(peer.as_bytes())).unwrap());
    });
    c.bench_function("es256/load", |b| b.iter(|| es256.load(black_box(&stored)).unwrap()));
    c.bench_function("es256/sign", |b| b.iter(|| signer.sign(black_box(&[b"message"])).unwrap()));
    c.bench_function("es256/verify", |b| {
        b.iter(|| es256.verify(signer.public_key(), black_box(b"message"), &signature).unwrap());
    });
}

fn symmetric(c: &mut Criterion) {
    let provider = provider();
    let (mac, aes, gcm) =
        (provider.hmac.key(&[1; 32]), provider.aes256.key(&[2; 32]), provider.aead.key(&[3; 32]));

    c.bench_function("sha256/64 B", |b| b.iter(|| provider.sha256.hash(black_box(&[&[0; 64]]))));
    c.bench_function("hmac/prepared, 16 B", |b| b.iter(|| mac.sign(black_box(&[&[0; 16]]))));
    c.bench_function("hmac/key and 16 B", |b| {
        b.iter(|| provider.hmac.key(black_box(&[1; 32])).sign(black_box(&[&[0; 16]])));
    });
    c.bench_function("hkdf/64 B out", |b| {
        b.iter(|| {
            let mut output = [0; 64];
            provider.hkdf.derive(black_box(&[]), &[4; 16], &[1, 0, 0, 0], &mut output).unwrap();
            output
        });
    });
    c.bench_function("aes256/one block", |b| {
        b.iter(|| {
            let mut block = black_box([5; 16]);
            aes.decrypt(&mut block);
            block
        });
    });
    c.bench_function("aes256/key", |b| b.iter(|| provider.aes256.key(black_box(&[5; 32]))));
    c.bench_function("gcm/key", |b| b.iter(|| provider.aead.key(black_box(&[5; 32]))));
    for size in [64, 1024] {
        let message = vec![0; size];
        let mut sealed = message.clone();
        gcm.seal(&[0; 12], &[], &mut sealed).unwrap();
        // Room for the tag, so that no allocation is measured.
        let roomy = |bytes: &[u8]| {
            let mut data = Vec::with_capacity(bytes.len().saturating_add(16));
            data.extend_from_slice(bytes);
            data
        };
        c.bench_function(&format!("gcm/seal {size} B"), |b| {
            b.iter_batched_ref(
                || roomy(&message),
                |data| gcm.seal(&[0; 12], &[], data).unwrap(),
                BatchSize::SmallInput,
            );
        });
        c.bench_function(&format!("gcm/open {size} B"), |b| {
            b.iter_batched_ref(
                || roomy(&sealed),
                |data| gcm.open(&[0; 12], &[], data).unwrap(),
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(benches, curve, symmetric);
criterion_main!(benches);
