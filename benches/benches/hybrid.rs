//! The hybrid transport next to the primitives it is made of.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use towline_benches::hybrid::{Adverts, Code, Frames, Handshake};

fn code(c: &mut Criterion) {
    let code = Code::new();
    let mut group = c.benchmark_group("qr");
    group.bench_function("encode", |b| b.iter(|| code.encode()));
    group.bench_function("decode", |b| b.iter(|| code.decode()));
    group.bench_function("bare: decompress the point", |b| b.iter(|| code.decompress()));
}

fn adverts(c: &mut Criterion) {
    for keys in [1, 32] {
        let adverts = Adverts::new(keys);
        let mut group = c.benchmark_group(format!("advert, {keys} outstanding"));
        group.bench_function("reject", |b| b.iter(|| adverts.reject()));
        group.bench_function("accept with the last key", |b| b.iter(|| adverts.accept()));
        group.bench_function("bare: prepared HMAC", |b| b.iter(|| adverts.bare_hmacs()));
    }
}

fn handshakes(c: &mut Criterion) {
    let handshake = Handshake::new();
    let mut group = c.benchmark_group("handshake, both sides");
    group.bench_function("KNpsk0", |b| b.iter(|| handshake.kn()));
    group.bench_function("NKpsk0", |b| b.iter(|| handshake.nk()));
    group.bench_function("bare: 2 key pairs, 4 agreements", |b| {
        b.iter(|| handshake.bare_primitives())
    });
}

fn frames(c: &mut Criterion) {
    for size in [64, 1024] {
        let mut frames = Frames::new(size);
        let mut group = c.benchmark_group(format!("frame, {size} B, sealed and opened"));
        group.bench_function("frame", |b| b.iter(|| frames.round_trip()));
        group.bench_function("bare: AEAD", |b| b.iter(|| frames.bare_aead()));
    }
}

criterion_group!(benches, code, adverts, handshakes, frames);
criterion_main!(benches);
