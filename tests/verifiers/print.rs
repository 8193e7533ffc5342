//! Prints what virtual authenticators make, for verifiers in other languages: one JSON line a case;
//! with the argument `faults`, one for each ceremony with a fault that the client lets pass.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod cases;
mod judges;
mod page;
mod recorder;
mod visit;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cases::Exchange;
use recorder::Recorder;
use serde_json::{Value, json};
use towline_ctap::algorithm::ES256;
use towline_virtual::{Fault, FaultPlace};
use visit::{Phase, Seen};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("faults") => faults(),
        _ => good(),
    }
}

fn good() {
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
            "verifies": true,
            "nowMs": (rounds.attestation == "android-safetynet").then_some(cases::SAFETYNET_MS),
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

fn faults() {
    let page = page::text();
    for fault in Fault::ALL.iter().filter(|it| it.place() != FaultPlace::Report) {
        let u2f = fault.place() == FaultPlace::Message;
        let root = u2f.then(|| STANDARD.encode(cases::u2f_vendor().root_der().unwrap()));
        let told = page::told(&page, *fault);
        let told: Value = page::ELSEWHERE.into_iter().zip(told).collect();
        for phase in Phase::BOTH {
            let Some((seen, mut site)) = visit::seen::<Recorder>(*fault, phase) else { continue };
            match seen {
                Seen::Client(_) => continue,
                // The recorder refuses nothing: the client did.
                Seen::Later(name) => site.refused(&name),
                Seen::Verifier(_) | Seen::Nobody => {}
            }
            let line = json!({
                "fault": fault.to_string(),
                "phase": phase.name(),
                "algorithm": ES256,
                "origin": cases::ORIGIN,
                "rpId": cases::identity().rp_id,
                "attestation": if u2f { "fido-u2f" } else { "none" },
                "root": root,
                "verifies": !u2f,
                "steps": site.steps(),
                "told": told,
            });
            println!("{line}");
        }
    }
}
