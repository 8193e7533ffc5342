//! Documents of passkeys of any content, and such as are whole but for a few bytes: refused, or
//! planned with a report for each credential; what goes in comes out again, and in once more. The
//! headers of KeePass databases are read as well.
#![no_main]

use std::convert::Infallible;

use libfuzzer_sys::fuzz_target;
use towline_authenticator::{Custody, UnixTime};
use towline_exchange::{
    Candidate, Export, Exporter, Import, ImportLimits, Importer, Plan, check_keepass_work,
};

fn plan(document: &[u8]) -> Option<Plan> {
    let import = Import::read(document, &ImportLimits::default()).ok()?;
    let importer = Importer::new(towline_crypto::rustcrypto::provider());
    let Ok(plan) = import.plan(|_| Ok::<_, Infallible>(None), &importer);
    Some(plan)
}

fuzz_target!(|document: &[u8]| {
    let _whether = check_keepass_work(document);
    let Some(first) = plan(document) else { return };
    let in_reports = first.reports().iter().filter(|report| report.outcome.goes_in()).count();
    assert_eq!(in_reports, first.credentials().len());
    let exporter = Exporter {
        rp_id: "fuzz.example".into(),
        display_name: "fuzz".into(),
        account_id: [1; 16],
        at: UnixTime(0),
        provider: towline_crypto::rustcrypto::provider(),
    };
    let candidates = first.credentials().iter().map(|credential| Candidate {
        credential: credential.clone(),
        counter: 0,
        custody: Custody::Handle,
    });
    let export = Export::new(candidates, None, &exporter);
    if export.reports().iter().all(|report| report.outcome.is_ok()) {
        let again = plan(&export.document()).expect("what we write is a document");
        assert_eq!(again.credentials().len(), first.credentials().len());
    }
});
