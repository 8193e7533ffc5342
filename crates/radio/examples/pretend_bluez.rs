//! A pretend `org.bluez` with one adapter, as a program: for tests of programs that look for
//! Bluetooth on the bus that `DBUS_SYSTEM_BUS_ADDRESS` names. Says `ready` when it is there. Lines
//! of standard input switch the adapter `off` and `on`, or ask for the `adverts` that are on the
//! air, whose number is printed.
//!
//!     cargo run -p towline-radio --features bluetooth --example pretend_bluez
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects
)]

#[cfg(target_os = "linux")]
#[path = "../tests/bluez/pretend.rs"]
mod pretend;

#[cfg(target_os = "linux")]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let bluez = pretend::Pretend::start().await;
    println!("ready");
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if tell.blocking_send(line).is_err() {
                return;
            }
        }
    });
    // The end of the input is the end of the program.
    while let Some(line) = told.recv().await {
        match line.as_str() {
            "off" => bluez.power(false),
            "on" => bluez.power(true),
            "adverts" => println!("{}", bluez.on_air().len()),
            other => eprintln!("unknown: {other}"),
        }
    }
    bluez.stop().await;
}

#[cfg(not(target_os = "linux"))]
fn main() {}
