//! Decoding of CTAP requests.
#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use towline_benches::ctap::Message;

fn decode(c: &mut Criterion) {
    let message = Message::new();
    let mut group = c.benchmark_group("ctap");
    group.throughput(Throughput::Bytes(u64::try_from(message.size()).unwrap_or(u64::MAX)));
    group.bench_function("decode makeCredential", |b| b.iter(|| message.decode()));
}

criterion_group!(benches, decode);
criterion_main!(benches);
