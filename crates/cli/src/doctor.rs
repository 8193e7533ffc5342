//! `towline doctor`: what works here. It claims only what it looked at.

mod adapter;
mod relay;
mod tpm;

use towline::radio::air::UdpAir;

use crate::{
    args,
    event::{Event, Outcome},
    exit::{Exit, Failure},
    report::Report,
    tls,
};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    check: &'static str,
    outcome: Outcome,
    message: String,
}

impl Finding {
    fn new(check: &'static str, outcome: Outcome, message: impl Into<String>) -> Self {
        Self { check, outcome, message: message.into() }
    }
}

pub(crate) async fn run(args: &args::Doctor, report: &Report) -> Result<Exit, Failure> {
    let mut findings = vec![adapter::check(std::path::Path::new("/sys"))];
    findings.extend(radio(args).await);
    findings.extend(tpm::check(args, &towline::fastest::provider()));
    let tls = tls::client(args.network.ca.as_deref(), None);
    findings.push(match (&tls, &args.network.ca) {
        (Ok(_), Some(path)) => {
            Finding::new("roots", Outcome::Good, format!("{} is used", path.display()))
        }
        (Ok(_), None) => Finding::new(
            "roots",
            Outcome::Good,
            "the system's trusted certificates are used; which they are was not looked at",
        ),
        (Err(failure), _) => Finding::new("roots", Outcome::Bad, failure.message.clone()),
    });
    findings.extend(relay::check(&args.network, tls.ok()).await);
    let bad = findings.iter().any(|finding| finding.outcome == Outcome::Bad);
    for Finding { check, outcome, message } in findings {
        report.event(&Event::Check { check, outcome, message });
    }
    Ok(if bad { Exit::Environment } else { Exit::Ok })
}

async fn radio(args: &args::Doctor) -> Vec<Finding> {
    let Some(addr) = args.radio.air else {
        return own_radio(args.radio.adapter.as_deref()).await;
    };
    vec![match UdpAir::connect(addr).await {
        Ok(_) => Finding::new(
            "radio",
            Outcome::Good,
            format!("a SIMULATED Bluetooth answers at udp:{addr}"),
        ),
        Err(error) => Finding::new("radio", Outcome::Bad, error.to_string()),
    }]
}

/// What the machine's own adapter can do now, for either side.
#[cfg(feature = "bluetooth")]
async fn own_radio(adapter: Option<&str>) -> Vec<Finding> {
    let preflight = crate::network::own_adapter(adapter).preflight().await;
    let finding = |what: &str, able: Result<(), towline::radio::RadioError>| match able {
        Ok(()) => Finding::new("radio", Outcome::Good, format!("Bluetooth can {what}")),
        Err(error) => {
            Finding::new("radio", Outcome::Bad, format!("Bluetooth can't {what}: {error}"))
        }
    };
    vec![
        finding("listen, for `towline computer`", preflight.scan),
        finding("broadcast, for `towline phone`", preflight.advertise),
    ]
}

#[cfg(not(feature = "bluetooth"))]
#[allow(clippy::unused_async)]
async fn own_radio(_adapter: Option<&str>) -> Vec<Finding> {
    vec![Finding::new(
        "radio",
        Outcome::Bad,
        "this program was built without Bluetooth (cargo's feature `bluetooth`); start `towline air` and pass --air to use \
         a simulated one",
    )]
}
