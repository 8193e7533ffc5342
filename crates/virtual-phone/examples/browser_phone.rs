//! A fake phone for the browser on this machine, over its Bluetooth: it is told the names of
//! pictures of the screen, one a line, answers the code that is in each, and says what became of
//! it. tests/chromium signs in with it.
//!
//! ```sh
//! cargo run -p towline-virtual-phone --features bluetooth,picture --example browser_phone \
//!     CA.pem 127.0.0.1:8443
//! ```
//!
//! That file has the root of the relay's certificate, and that address is the relay's. The browser
//! has to find `cable.ua5v.com` there, by Chromium's `--host-resolver-rules`.

use std::{env, error::Error, sync::Arc};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};
use towline_virtual_phone::{
    FakePhone,
    towline::{
        PhoneTransport, crypto::rustcrypto, hybrid::domain::TunnelDomain, radio::Bluetooth,
        transport::TunnelConnector,
    },
    towline_virtual::{Builder, person::*},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(ca), Some(relay)) = (args.next(), args.next()) else {
        return Err("usage: browser_phone CA.pem ADDRESS".into());
    };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca)?)?;
    let connector = TunnelConnector::with_roots(roots, rustcrypto::provider())?;
    let transport = PhoneTransport {
        advertiser: Arc::new(Bluetooth::new()),
        connector: Arc::new(connector.relay_at(relay.parse()?)),
        domain: TunnelDomain::GOOGLE,
    };
    let mut phone = FakePhone::over(Builder::phone(), transport)?;
    // The person has to try twice, once, and the browser to wait for them.
    phone.person().when(verifying()).fails_the_lock().once();

    let mut pictures = BufReader::new(stdin()).lines();
    println!("ready");
    while let Some(picture) = pictures.next_line().await? {
        match phone.scan_png(&std::fs::read(picture)?).await {
            Ok(session) => println!("served {}", session.requests),
            Err(why) => println!("failed: {why}"),
        }
    }
    Ok(())
}
