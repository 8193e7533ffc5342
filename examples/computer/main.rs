//! A login tool in small: a code on the terminal, somebody's phone scans it, the site gets its
//! answer. Radio, relay and phone are simulated here (`stage.rs`); put real ones in their place.
//!
//! ```sh
//! cargo run --release --example computer
//! ```

mod stage;

use std::error::Error;

use qrcode::{QrCode, render::unicode::Dense1x2};
use towline::{Computer, ComputerStep, fastest};

/// What the site hands to `navigator.credentials.create()`, and to `get()`.
const CREATION: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "authenticatorSelection": {"residentKey": "required"}}"#;
const REQUEST: &str = r#"{"challenge": "DwAOAQ0CDAMLBAoFCQYIBw"}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let stage = stage::set().await?;
    let computer = Computer::new(fastest::provider(), stage.radio, stage.connector);
    let screen = |step: ComputerStep<'_>| match step {
        ComputerStep::ShowCode(code) => {
            let drawn = QrCode::new(code).map(|qr| qr.render::<Dense1x2>().build());
            println!("{}\n{code}", drawn.unwrap_or_default());
            drop(stage.seen.send(code.to_owned())); // the phone's camera
        }
        step => println!("{step}"), // "Continue on your phone.", ..
    };
    let registration = computer.create(&screen, "https://example.org", CREATION).await?;
    let sign_in = computer.get(&screen, "https://example.org", REQUEST).await?;
    println!("for the site: {registration}\nand: {sign_in}");
    Ok(())
}
