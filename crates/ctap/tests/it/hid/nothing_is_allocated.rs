//! Once they are made, neither side allocates anything, whatever passes between them.

use allocation_counter::measure;

use super::*;

/// Passes reports to and fro without keeping any; requests are answered with as many bytes as they
/// have.
fn pump(host: &mut Host, device: &mut HidDevice, now: Instant, answers: bool) {
    const ZEROS: &[u8] = &[0; MAX_MESSAGE];
    loop {
        let mut quiet = true;
        while let Some(output) = host.poll_output() {
            quiet = false;
            if let HostOutput::Send(report) = output {
                device.handle_packet(&report, now);
            }
        }
        let mut due = None;
        while let Some(output) = device.poll_output() {
            quiet = false;
            match output {
                HidDeviceOutput::Send { report, .. } => host.handle_packet(&report, now),
                HidDeviceOutput::Cbor { channel, request } if answers => {
                    due = Some((channel, request.len()));
                }
                HidDeviceOutput::Cancel { channel } => due = Some((channel, 1)),
                _ => {}
            }
        }
        if let Some((channel, length)) = due {
            device.handle_response(channel, &ZEROS[..length], now);
        }
        if quiet {
            return;
        }
    }
}

fn allocations(run: impl FnOnce()) -> u64 {
    measure(run).count_total
}

#[test]
fn messages_of_every_length_pass_without_an_allocation() {
    let (mut host, mut device) = (Host::new(), HidDevice::new(HidDeviceConfig::default()));
    let (now, message) = (Instant::now(), [7; MAX_MESSAGE]);
    let counted = allocations(|| {
        host.open([1; 8], now);
        pump(&mut host, &mut device, now, true);
        for length in [1, 57, 58, 116, 117, 1024, MAX_MESSAGE] {
            for command in [HidCommand::Ping, HidCommand::Cbor] {
                host.send(command, &message[..length], now).unwrap();
                pump(&mut host, &mut device, now, true);
                assert_eq!(host.poll_timeout(), None, "answered");
            }
        }
    });
    assert_eq!(counted, 0);
}

#[test]
fn waiting_and_cancelling_allocate_nothing() {
    let (mut host, mut device) = (Host::new(), HidDevice::new(HidDeviceConfig::default()));
    let mut now = Instant::now();
    let counted = allocations(|| {
        host.open([1; 8], now);
        pump(&mut host, &mut device, now, false);
        for _ in 0..100 {
            host.send_cbor(&[1; 300], now).unwrap();
            pump(&mut host, &mut device, now, false);
            device.handle_keepalive(HidChannel(1), KeepaliveStatus::UpNeeded, now);
            pump(&mut host, &mut device, now, false);
            for _ in 0..50 {
                now += Duration::from_millis(100);
                device.handle_timeout(now);
                pump(&mut host, &mut device, now, false);
            }
            host.cancel();
            pump(&mut host, &mut device, now, false);
            assert_eq!(device.busy(), None);
        }
    });
    assert_eq!(counted, 0);
}

#[test]
fn what_is_refused_allocates_nothing() {
    let mut desk = desk();
    desk.start(1);
    let long = init_packet(2, CBOR, 7000, &[1; 57]);
    let packets = [
        init_packet(2, PING, 3, &[1, 2, 3]),
        init_packet(7, PING, 3, &[1, 2, 3]),
        init_packet(2, 0xf5, 3, &[1, 2, 3]),
        init_packet(2, LOCK, 9, &[0]),
        continuation(2, 3, &[0; 59]),
        continuation(9, 0, &[0; 59]),
        init_packet(u32::MAX, PING, 1, &[0]),
        init_packet(u32::MAX, INIT, 7, &[0; 8]),
        long,
        [0; 64],
        [0xff; 64],
    ];
    let Desk { device, now } = &mut desk;
    let mut answers = 0;
    let counted = allocations(|| {
        for round in 0..1000_u32 {
            for packet in &packets {
                device.handle_packet(packet, *now);
                while let Some(output) = device.poll_output() {
                    answers += u32::from(matches!(output, HidDeviceOutput::Send { .. }));
                }
            }
            if round == 500 {
                // From here on the long message comes in, is broken off and times out again and
                // again.
                device.handle_response(HidChannel(1), &[0], *now);
            }
            *now += Duration::from_millis(600);
            device.handle_timeout(*now);
        }
    });
    assert!(answers > 6000, "{answers}");
    assert_eq!(counted, 0);
}
