//! Who notices which fault. docs/faults.md says it; here it is found out, and compared.

use std::{fs, time::Duration};

use towline_ctap::hid::{Host, HostOutput};
use towline_virtual::{Fault, FaultPlace, VirtualAuthenticator, person::anything};

use crate::{
    judges::Strict,
    page::{self, ELSEWHERE},
    visit::{Phase, Seen, seen},
    webauthn_rs::WebauthnRs,
};

/// A host of CTAPHID asks for the longest answer, waits for a person, and calls it off.
fn over_hid(fault: Fault) -> Result<usize, String> {
    let mut count = 0;
    for (request, cancels) in [(0x04, false), (0x0b, false), (0x0b, true)] {
        let key = VirtualAuthenticator::security_key();
        let injected = key.faults().inject(fault);
        let takes_a_while = key.person().when(anything()).waits(Duration::from_secs(9));
        let _script = if cancels { takes_a_while.ignores_it() } else { takes_a_while.consents() };
        let (mut hid, mut host) = (key.hid(), Host::new());
        let now = || key.clock().now();
        host.open([7; 8], now());
        let mut keepalives = 0;
        loop {
            match host.poll_output() {
                Some(HostOutput::Send(report)) => hid.send(report),
                Some(HostOutput::Opened(_)) => host.send_cbor(&[request], now()).unwrap(),
                Some(HostOutput::Message { .. }) => break,
                Some(HostOutput::Keepalive(_)) => {
                    keepalives += 1;
                    if cancels && keepalives == 3 {
                        host.cancel();
                    }
                }
                Some(HostOutput::Failed(failure)) => return Err(format!("{failure:?}")),
                None => match hid.receive() {
                    Some(report) => host.handle_packet(&report, now()),
                    None => {
                        let due = [hid.poll_timeout(), host.poll_timeout()];
                        let due = due.into_iter().flatten().min();
                        key.clock().advance_to(due.expect("something happens"));
                        host.handle_timeout(now());
                    }
                },
            }
        }
        count += injected.count();
    }
    Ok(count)
}

/// All verifiers, in the order of their columns.
const VERIFIERS: [&str; 5] = {
    let [py_webauthn, python_fido2, simplewebauthn] = ELSEWHERE;
    ["StrictVerifier", "webauthn-rs", py_webauthn, python_fido2, simplewebauthn]
};

/// What a fault comes to.
struct Row {
    fault: Fault,
    /// The refusals of the client, or of the host.
    client: Vec<String>,
    /// The ceremonies in which verifiers get to see it.
    passed: Vec<Phase>,
    /// What each verifier refuses.
    verifiers: [Vec<String>; VERIFIERS.len()],
}

impl Row {
    fn find(fault: Fault, page: &str) -> Self {
        let mut row =
            Self { fault, client: Vec::new(), passed: Vec::new(), verifiers: Default::default() };
        if fault.place() == FaultPlace::Report {
            match over_hid(fault) {
                Ok(count) => assert!(count > 0, "{fault} never comes"),
                Err(failure) => row.client.push(failure),
            }
            return row;
        }
        for phase in Phase::BOTH {
            let strict = seen::<Strict>(fault, phase).map(|(seen, _)| seen);
            if let Some(Seen::Client(of)) = strict {
                row.client.push(format!("{}: {of}", phase.name()));
                continue;
            }
            let webauthn_rs = seen::<WebauthnRs>(fault, phase).map(|(seen, _)| seen);
            let (Some(strict), Some(webauthn_rs)) = (&strict, &webauthn_rs) else {
                assert_eq!((&strict, &webauthn_rs), (&None, &None), "{fault}");
                continue;
            };
            row.passed.push(phase);
            for (column, seen) in row.verifiers.iter_mut().zip([strict, webauthn_rs]) {
                match seen {
                    Seen::Verifier(_) => column.push(phase.name().into()),
                    Seen::Later(_) => column.push("the next sign-in".into()),
                    Seen::Nobody => {}
                    Seen::Client(of) => panic!("{fault}: the client gives one {of} alone"),
                }
            }
        }
        assert!(!row.client.is_empty() || !row.passed.is_empty(), "{fault} never comes");
        if !row.passed.is_empty() {
            for (column, told) in row.verifiers.iter_mut().skip(2).zip(page::told(page, fault)) {
                let refused = told.split(", ").filter(|it| !matches!(*it, "" | "no" | "–"));
                *column = refused.map(str::to_owned).collect();
            }
        }
        row
    }

    fn line(&self) -> String {
        let client = match (self.client.is_empty(), self.fault.place()) {
            (true, FaultPlace::Result) => "–".to_owned(),
            (true, _) => "no".to_owned(),
            (false, _) => self.client.join("; "),
        };
        let mut line = format!("| `{}` | {} | {client} |", self.fault, self.fault.describe());
        for (column, verifier) in self.verifiers.iter().zip(VERIFIERS) {
            let asked = !self.passed.is_empty();
            line += &match (!asked, column.is_empty()) {
                (true, _) => " – |".to_owned(),
                (false, true) if is_for_others(self.fault, verifier) => " (no) |".to_owned(),
                (false, true) => " no |".to_owned(),
                (false, false) => format!(" {} |", column.join(", ")),
            };
        }
        line + "\n"
    }

    /// Where nobody notices it.
    fn unnoticed(&self) -> Option<String> {
        if self.fault.place() == FaultPlace::Report {
            return self.client.is_empty().then(|| format!("- `{}`\n", self.fault));
        }
        let refused = |phase: &Phase| {
            self.verifiers.iter().flatten().any(|word| match phase {
                Phase::Registration => word != "sign-in",
                Phase::SignIn => word == "sign-in",
            })
        };
        let phases: Vec<_> =
            self.passed.iter().filter(|phase| !refused(phase)).map(|phase| phase.name()).collect();
        (!phases.is_empty()).then(|| format!("- `{}` ({})\n", self.fault, phases.join(", ")))
    }
}

/// Whether it is not for this verifier to notice: the standard lets it pass, or the site alone can
/// know, or the verifier's calls are not given what they would have to compare with.
fn is_for_others(fault: Fault, verifier: &str) -> bool {
    use Fault as F;
    let [strict, ..] = VERIFIERS;
    let [py_webauthn, python_fido2, simplewebauthn] = ELSEWHERE;
    match fault {
        F::HighS | F::UnknownClientData | F::UnknownMember | F::UnknownTransport => true,
        F::FlipReserved1 | F::FlipReserved2 | F::CounterLeaps | F::AnswersTwice => true,
        F::SignedUnaskedOutput | F::UnaskedClientOutput => true,
        // The client has taken it away.
        F::UnaskedAttestation | F::MissingSignature => true,
        F::IdTwice | F::IgnoresExcludeList | F::PrfChanges | F::PrfMissing => true,
        // `StrictVerifier` stands here with what its crate compares handles by.
        F::MissingUserHandle
        | F::ForeignUserHandle
        | F::EmptyUserHandle
        | F::LongUserHandle
        | F::AnotherAccount => verifier != strict,
        F::CounterGoesBack | F::CounterStandsStill | F::CounterLost => verifier == python_fido2,
        F::FlipBe => [py_webauthn, python_fido2, simplewebauthn].contains(&verifier),
        _ => false,
    }
}

/// How many of the faults that come to them the verifiers notice.
fn sums(rows: &[Row]) -> String {
    let mut sums = "| verifier | notices | lets pass | not for it to notice |\n".to_owned();
    sums += "| --- | --- | --- | --- |\n";
    for (index, verifier) in VERIFIERS.into_iter().enumerate() {
        let seen = rows.iter().filter(|row| !row.passed.is_empty());
        let (unnoticed, noticed): (Vec<_>, Vec<_>) =
            seen.partition(|row| row.verifiers[index].is_empty());
        let for_others = unnoticed.iter().filter(|row| is_for_others(row.fault, verifier)).count();
        let passes = unnoticed.len() - for_others;
        sums += &format!("| `{verifier}` | {} | {passes} | {for_others} |\n", noticed.len());
    }
    sums
}

#[test]
fn the_page_says_who_notices_what() {
    let places = [
        (FaultPlace::Request, "## Requests", "client"),
        (FaultPlace::Answer, "## Answers", "client"),
        (FaultPlace::Signature, "## Signatures", "client"),
        (FaultPlace::Result, "## Results", "client"),
        (FaultPlace::Message, "## Messages of U2F", "client"),
        (FaultPlace::Report, "## Reports of CTAPHID", "host"),
    ];
    let page = page::text();
    let rows: Vec<_> = Fault::ALL.iter().map(|fault| Row::find(*fault, &page)).collect();
    let mut found = String::new();
    for (place, heading, who) in places {
        let verifiers = VERIFIERS.map(|verifier| format!(" `{verifier}` |")).concat();
        found += &format!("{heading}\n\n| fault | what it does | {who} |{verifiers}\n");
        found += &format!("| --- | --- | --- |{}\n", " --- |".repeat(VERIFIERS.len()));
        for row in rows.iter().filter(|row| row.fault.place() == place) {
            found += &row.line();
        }
        found += "\n";
    }
    found += &format!("## How many each notices\n\n{}\n", sums(&rows));
    let unnoticed: String = rows.iter().filter_map(Row::unnoticed).collect();
    found += &format!("## What nobody notices\n\n{unnoticed}");
    if !page.contains(&found) {
        let new = concat!(env!("CARGO_TARGET_TMPDIR"), "/faults.md");
        fs::write(new, &found).unwrap();
        panic!("docs/faults.md is out of date; what was found is in {new}");
    }
}
