//! What the tests share.

use std::{convert::Infallible, fs, path::PathBuf};

use serde_json::Value;
use towline_authenticator::{Credential, KeyHandle, UnixTime};
use towline_crypto::CryptoProvider;
use towline_ctap::{CredentialId, RpId, User, UserHandle};
use towline_exchange::{Candidate, Export, Exporter, Import, ImportLimits, Importer, NotCxf, Plan};

pub(crate) fn provider() -> CryptoProvider {
    towline_crypto_fastest::provider()
}

pub(crate) fn key(algorithm: i64, seed: u8) -> KeyHandle {
    let length = if algorithm == -35 { 48 } else { 32 };
    KeyHandle::new(algorithm, vec![seed; length].into_boxed_slice().into())
}

pub(crate) fn passkey(id: &[u8], seed: u8) -> Credential {
    let user = User {
        id: UserHandle::new(&[seed]).unwrap(),
        name: Some("alice@example.org".into()),
        display_name: Some("Alice".into()),
    };
    let id = CredentialId::new(id).unwrap();
    let mut credential =
        Credential::new(id, RpId::new("example.org").unwrap(), user, key(-7, seed));
    credential.discoverable = true;
    credential.backup_eligible = true;
    credential.never_counts = true;
    credential
}

pub(crate) fn vector(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/cxf");
    fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn index() -> Value {
    serde_json::from_slice(&vector("index.json")).unwrap()
}

/// The plan of an import into a store that has these.
pub(crate) fn plan_beside(bytes: &[u8], there: &[Credential]) -> Result<Plan, NotCxf> {
    let import = Import::read(bytes, &ImportLimits::default())?;
    let existing =
        |id: &_| Ok::<_, Infallible>(there.iter().find(|credential| credential.id == *id).cloned());
    let Ok(plan) = import.plan(existing, &Importer::new(provider()));
    Ok(plan)
}

pub(crate) fn plan(bytes: &[u8]) -> Result<Plan, NotCxf> {
    plan_beside(bytes, &[])
}

pub(crate) fn words(plan: &Plan) -> Vec<&'static str> {
    plan.reports().iter().map(|report| report.outcome.as_str()).collect()
}

pub(crate) fn exporter() -> Exporter {
    Exporter {
        rp_id: "towline.example".into(),
        display_name: "towline".into(),
        account_id: [7; 16],
        at: UnixTime(1_790_000_000),
        provider: provider(),
    }
}

pub(crate) const fn candidate(credential: Credential) -> Candidate {
    let custody = towline_authenticator::Custody::Handle;
    Candidate { credential, counter: 0, custody }
}

pub(crate) fn export(credentials: &[Credential]) -> Export {
    Export::new(credentials.iter().cloned().map(candidate), None, &exporter())
}

pub(crate) fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
