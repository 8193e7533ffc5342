//! A key for post-quantum signatures moves, in the form of RFC 9881.
#![allow(clippy::unwrap_used, clippy::panic, dead_code, missing_docs)]

#[path = "it/parts.rs"]
mod parts;

use towline_exchange::{Export, Exporter, Import, ImportLimits, Importer, Written};

#[test]
fn a_post_quantum_key_moves_where_both_sides_know_it() {
    let provider = towline_crypto::rustcrypto::provider();
    let mut credential = parts::passkey(&[1], 7);
    credential.key = parts::key(-48, 9);
    let exporter = Exporter { provider: provider.clone(), ..parts::exporter() };
    let export = Export::new([parts::candidate(credential.clone())], None, &exporter);
    assert_eq!(export.reports()[0].outcome, Ok(vec![Written::ImportersMayNotKnow]));
    let import = Import::read(&export.document(), &ImportLimits::default()).unwrap();
    let plan = import.plan(|_| Ok::<_, ()>(None), &Importer::new(provider)).unwrap();
    assert_eq!(plan.credentials(), [credential]);
}
