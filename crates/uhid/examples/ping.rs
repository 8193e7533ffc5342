//! Sends a key the longest message that it takes in one go, and one of the greatest length no
//! faster than a wire would, and checks that both come back whole:
//! `cargo run -p towline-uhid --example ping -- /dev/hidraw0`
#![allow(missing_docs)]

use std::{
    env,
    error::Error,
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    thread::sleep,
    time::{Duration, Instant},
};

use towline_ctap::hid::{HidCommand, Host, HostOutput, MAX_MESSAGE, REPORT_SIZE};
use towline_uhid::MAX_MSG_SIZE;

/// How long a report is on its way to a key on a wire.
const REPORT_TIME: Duration = Duration::from_millis(1);

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("which node? /dev/hidraw0, say")?;
    let mut node = OpenOptions::new().read(true).write(true).open(path)?;
    for _ in 0..10 {
        ping(&mut node, MAX_MSG_SIZE, Duration::ZERO)?;
    }
    ping(&mut node, MAX_MESSAGE, REPORT_TIME)
}

fn ping(node: &mut File, length: usize, pause: Duration) -> Result<(), Box<dyn Error>> {
    let message: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
    let mut host = Host::new();
    host.open(*b"a nonce!", Instant::now());
    let mut sent = Instant::now();
    loop {
        match host.poll_output() {
            // The number of the report comes first: 0, since there is only one.
            Some(HostOutput::Send(report)) => {
                node.write_all(&[&[0][..], &report].concat())?;
                sleep(pause);
            }
            Some(HostOutput::Opened(_)) => {
                sent = Instant::now();
                host.send(HidCommand::Ping, &message, sent)?;
            }
            Some(HostOutput::Message { message: back, .. }) => {
                println!("{} bytes in {:?}", back.len(), sent.elapsed());
                return if back == message {
                    Ok(())
                } else {
                    Err("something else came back".into())
                };
            }
            Some(HostOutput::Failed(failure)) => return Err(format!("{failure:?}").into()),
            Some(HostOutput::Keepalive(_)) => {}
            None => {
                let mut report = [0; REPORT_SIZE];
                node.read_exact(&mut report)?;
                host.handle_packet(&report, Instant::now());
            }
        }
    }
}
