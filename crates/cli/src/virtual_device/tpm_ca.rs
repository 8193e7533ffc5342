//! `towline virtual tpm-ca`: an authority for attestation keys in TPMs, for tests.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{net::TcpListener, sync::oneshot};
use towline_virtual::attestation::TpmAuthority;
use towline_virtual_server::http::{serve, tpm_authority};

use crate::{
    args::TpmCa,
    event::{Event, Role},
    exit::{Exit, Failure},
    report::Report,
    stop::Stop,
};

/// Answers the request in a file, or serves until Ctrl-C.
pub(crate) async fn tpm_ca(args: TpmCa, report: &Report) -> Result<Exit, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "failed", error.to_string());
    let mut authority = TpmAuthority::new(args.seed).map_err(|error| failed(&error))?;
    if let Some(aaguid) = args.aaguid {
        authority = authority.with_aaguid(aaguid);
    }
    if let Some(path) = &args.root {
        write(path, &pem(&authority.root().map_err(|error| failed(&error))?))?;
    }
    if let (Some(request), Some(answer)) = (&args.request, &args.answer) {
        let request = fs::read_to_string(request).map_err(|error| unusable(request, &error))?;
        let answered = authority.answer_json(&request);
        let answered = answered.map_err(|error| Failure::usage("enrollment", error.to_string()))?;
        write(answer, &answered)?;
        return Ok(Exit::Ok);
    }
    let mut stop = Stop::new()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let unavailable = |error: std::io::Error| {
        Failure::environment("listen", format!("can't listen at {address}: {error}"))
    };
    let listener = TcpListener::bind(address).await.map_err(unavailable)?;
    let url = format!("http://{}/", listener.local_addr().map_err(unavailable)?);
    report.event(&Event::Listening { role: Role::TpmCa, url, place: None, simulated: true });
    let (end, ended) = oneshot::channel::<()>();
    let ended = async {
        let _dropped_is_ended = ended.await;
    };
    let mut running = std::pin::pin!(serve(listener, tpm_authority(authority), ended));
    tokio::select! {
        served = &mut running => served.map_err(unavailable)?,
        () = stop.wished() => {
            drop(end);
            running.await.map_err(unavailable)?;
        }
    }
    report.event(&Event::Stopped { role: Role::TpmCa, simulated: true, forgets: false });
    Ok(Exit::Ok)
}

/// A certificate in PEM (RFC 7468).
fn pem(certificate: &[u8]) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for (place, digit) in STANDARD.encode(certificate).chars().enumerate() {
        if place > 0 && place.is_multiple_of(64) {
            text.push('\n');
        }
        text.push(digit);
    }
    text + "\n-----END CERTIFICATE-----\n"
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage("enrollment", format!("{}: {error}", path.display()))
}
