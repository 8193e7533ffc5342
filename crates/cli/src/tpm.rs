//! `towline tpm`: a key in the TPM that attests to passkeys in it, and its certification.

mod authority;

use std::{fs, path::Path};

use serde_json::json;
use towline::{authenticator::certified_aaguid, crypto::CryptoProvider};
use towline_tpm::{
    AttestationKey, CertifiedKey, EnrollmentAnswer, LONGEST_ENROLLMENT, TpmBinding, Worker,
};

use crate::{
    args::{self, Enroll, KeysIn, TpmTask},
    custody::{self, failure},
    event::Event,
    exit::{Exit, Failure},
    keys::kept::{Kept, Otherwise},
    report::Report,
};

pub(crate) async fn run(args: args::Tpm, report: &Report) -> Result<Exit, Failure> {
    let provider = towline::fastest::provider();
    let (kept, event) = Kept::open_or_create(&args.store, Otherwise::Default, &provider)?;
    report.event(&event);
    let Kept::File(store) = &kept else {
        let message = "what is in memory is gone when this ends; name a file with --store";
        return Err(Failure::usage("no_store", message));
    };
    let enroll = match &args.command {
        TpmTask::Enroll(enroll) => enroll,
        TpmTask::Forget => {
            custody::keep_attestation(store, None)?;
            return Ok(Exit::Ok);
        }
    };
    let worker = Worker::at(provider.clone(), args.tpm.clone());
    let custody = args::Custody { tpm: args.tpm.clone(), ..args::Custody::new(KeysIn::Tpm) };
    let desk =
        Desk { binding: custody::binding(&worker, &custody, &kept, &provider)?, provider, worker };
    let failed = |error| failure(&args.tpm, &error);
    if let Some(path) = &enroll.answer {
        let waiting = custody::attestation(store)?.ok_or_else(|| {
            Failure::usage(
                "enrollment",
                "nothing was asked of an authority for this store: begin with --request",
            )
        })?;
        let certified = desk.answered(waiting.key, &read(path)?).map_err(failed)?;
        return taken(store, &certified, report);
    }
    let key = AttestationKey::create(&desk.worker).map_err(failed)?;
    let request = key.enrollment(&desk.worker).map_err(failed)?.to_json();
    let waiting = CertifiedKey { key, certificates: Vec::new() };
    let answer = match enroll {
        Enroll { ca: Some(url), tls_roots, .. } => {
            authority::ask(url, tls_roots.as_deref(), request).await?
        }
        Enroll { request: Some(path), .. } => {
            // The key is kept first: an answer for one that is lost is of no use.
            custody::keep_attestation(store, Some(&waiting))?;
            fs::write(path, request).map_err(|error| unusable(path, &error))?;
            let facts = json!({ "request": path.display().to_string() });
            report.event(&Event::info("tpm_request", facts));
            return Ok(Exit::Ok);
        }
        Enroll { .. } => return Err(Failure::usage("enrollment", "name an authority with --ca")),
    };
    let certified = desk.answered(waiting.key, &answer).map_err(failed)?;
    taken(store, &certified, report)
}

/// The TPM and the store's tie to it.
struct Desk {
    worker: Worker,
    provider: CryptoProvider,
    binding: TpmBinding,
}

impl Desk {
    fn answered(
        &self,
        key: AttestationKey,
        answer: &str,
    ) -> Result<CertifiedKey, towline_tpm::Error> {
        let answer = EnrollmentAnswer::from_json(answer)?;
        let certified = key.certified(&self.worker, &self.provider, &answer)?;
        if certified.is_good_for(self.binding.parent()) {
            Ok(certified)
        } else {
            Err(towline_tpm::Error::AnotherTpm)
        }
    }
}

fn taken(
    store: &towline_store::Store,
    certified: &CertifiedKey,
    report: &Report,
) -> Result<Exit, Failure> {
    custody::keep_attestation(store, Some(certified))?;
    let model = certified.certificates.first().and_then(|leaf| certified_aaguid(leaf));
    report.event(&Event::info(
        "tpm_attestation",
        json!({
            "certificates": certified.certificates.len(),
            "aaguid": model.map(|model| model.to_string()),
        }),
    ));
    Ok(Exit::Ok)
}

fn read(path: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let most = u64::try_from(LONGEST_ENROLLMENT).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(most).read_to_string(&mut text))
        .map_err(|error| unusable(path, &error))?;
    Ok(text)
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage("enrollment", format!("{}: {error}", path.display()))
}
