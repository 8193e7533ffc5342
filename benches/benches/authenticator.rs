//! Registrations and sign-ins in process next to the bare key generation and signature.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use towline_authenticator::Config;
use towline_benches::authenticator::Ceremonies;

fn sign_in(c: &mut Criterion) {
    let mut phone = Ceremonies::new(Config::phone(), 0);
    let mut full = Ceremonies::new(Config::phone(), 10_000);
    let mut group = c.benchmark_group("getAssertion");
    group.bench_function("with an allow list", |b| b.iter(|| phone.listed()));
    group.bench_function("without", |b| b.iter(|| phone.discoverable()));
    group.bench_function("without, 10000 other credentials", |b| b.iter(|| full.discoverable()));
    group.bench_function("bare: signature", |b| b.iter(|| phone.bare_signature()));
}

fn register(c: &mut Criterion) {
    let mut phone = Ceremonies::new(Config::phone(), 0);
    let mut key = Ceremonies::new(Config::security_key(), 0);
    let mut group = c.benchmark_group("makeCredential");
    group.bench_function("phone, no attestation", |b| b.iter(|| phone.make_credential()));
    group.bench_function("bare: key generation", |b| b.iter(|| phone.bare_key_generation()));
    group.bench_function("security key, self attestation", |b| b.iter(|| key.make_credential()));
    group.bench_function("bare: key generation and signature", |b| {
        b.iter(|| key.bare_key_generation_and_signature());
    });
}

/// What a ceremony takes besides its keys.
fn alone(c: &mut Criterion) {
    let mut phone = Ceremonies::with_free_keys(Config::phone());
    let mut key = Ceremonies::with_free_keys(Config::security_key());
    let mut group = c.benchmark_group("the ceremony alone");
    group.bench_function("getAssertion, phone, listed", |b| b.iter(|| phone.listed()));
    group.bench_function("getAssertion, phone, not listed", |b| b.iter(|| phone.discoverable()));
    group.bench_function("makeCredential, phone", |b| b.iter(|| phone.make_credential()));
    group.bench_function("makeCredential, security key", |b| b.iter(|| key.make_credential()));
}

criterion_group!(benches, sign_in, register, alone);
criterion_main!(benches);
