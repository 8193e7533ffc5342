//! Prints what virtual authenticators make, one JSON line a case, for verifiers in other languages.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod cases;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cases::Exchange;
use serde_json::{Value, json};

fn main() {
    for case in cases::all() {
        let rounds = case.run().unwrap_or_else(|refusal| panic!("{}: {refusal}", case.name));
        let sign_ins: Vec<Value> = rounds.sign_ins.iter().map(exchange).collect();
        let line = json!({
            "case": case.name,
            "algorithm": case.algorithm,
            "origin": cases::ORIGIN,
            "rpId": cases::identity().rp_id,
            "attestation": rounds.attestation,
            "root": case.root.map(|root| STANDARD.encode(root)),
            "backupEligible": rounds.backup_eligible,
            "backedUp": rounds.backed_up,
            "signCount": rounds.sign_count,
            "registration": exchange(&rounds.registration),
            "signIns": sign_ins,
        });
        println!("{line}");
    }
}

fn exchange(it: &Exchange) -> Value {
    json!({ "options": it.options, "response": it.response })
}
