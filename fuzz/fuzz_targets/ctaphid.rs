//! Reports of any content to both sides of CTAPHID, and U2F messages: errors or messages, and a
//! device that never hangs.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use towline_ctap::{
    hid::{
        HidChannel, HidDevice, HidDeviceConfig, HidDeviceOutput, Host, HostOutput, MAX_MESSAGE,
        REPORT_SIZE, Report,
    },
    u2f::{U2fAuthentication, U2fRegistration, U2fRequest},
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = U2fRequest::decode(bytes) {
        assert_eq!(U2fRequest::decode(&request.encode()), Ok(request));
    }
    let _ = U2fRegistration::decode(bytes);
    let _ = U2fAuthentication::decode(bytes);
    device(bytes);
    host(bytes);
});

/// Reports of which the fuzzer writes what matters: a channel out of few, and up to 16 bytes.
fn reports(script: &[u8]) -> impl Iterator<Item = (Report, u8)> {
    script.chunks(18).map(|chunk| {
        let mut report = [0; REPORT_SIZE];
        let (channel, rest) = chunk.split_first().expect("chunks are not empty");
        let id = match channel & 3 {
            0 => u32::MAX,
            1 => 0,
            n => u32::from(n - 1),
        };
        report[..4].copy_from_slice(&id.to_be_bytes());
        let length = rest.len().min(16);
        report[4..4 + length].copy_from_slice(&rest[..length]);
        (report, *channel)
    })
}

fn device(script: &[u8]) {
    let mut now = Instant::now();
    let mut device = HidDevice::new(HidDeviceConfig::default());
    for (report, control) in reports(script) {
        now += Duration::from_millis(u64::from(control));
        if device.poll_timeout().is_some_and(|deadline| deadline <= now) {
            device.handle_timeout(now);
        }
        device.handle_packet(&report, now);
        let mut asked = Vec::<HidChannel>::new();
        while let Some(output) = device.poll_output() {
            match output {
                HidDeviceOutput::Cbor { channel, .. } | HidDeviceOutput::Msg { channel, .. } => {
                    asked.push(channel)
                }
                _ => {}
            }
        }
        assert!(asked.len() <= 1, "one command at a time");
        for channel in asked {
            device.handle_response(channel, &vec![0; usize::from(control) * 31 % MAX_MESSAGE], now);
        }
        while device.poll_output().is_some() {}
    }
}

fn host(script: &[u8]) {
    let now = Instant::now();
    let mut host = Host::new();
    host.open([0; 8], now);
    for (report, control) in reports(script) {
        while let Some(output) = host.poll_output() {
            if let HostOutput::Message { message, .. } = output {
                assert!(message.len() <= MAX_MESSAGE);
            }
        }
        if control & 0x80 != 0 {
            let _ = host.send_cbor(&[0x04], now);
        }
        host.handle_packet(&report, now);
    }
    while host.poll_output().is_some() {}
    host.handle_timeout(now + Duration::from_secs(3600));
}
