//! What faults of CTAPHID do: reports in, reports out, one by one.

use towline_ctap::hid::Report;
use towline_virtual::{Builder, Fault, FaultPlace, Hid, VirtualAuthenticator, person::anything};

/// A first report.
fn first(channel: [u8; 4], command: u8, payload: &[u8]) -> Report {
    let mut report = [0; 64];
    report[..4].copy_from_slice(&channel);
    report[4] = 0x80 | command;
    report[6] = payload.len().try_into().unwrap();
    report[7..7 + payload.len()].copy_from_slice(payload);
    report
}

fn all(hid: &mut Hid) -> Vec<Report> {
    std::iter::from_fn(|| hid.receive()).collect()
}

/// The answer to this on a channel of its own; the fault comes when the channel is there.
fn answer(fault: Option<Fault>, command: u8, payload: &[u8]) -> Vec<Report> {
    let key = Builder::security_key().seed(1).build().unwrap();
    key.person().when(anything()).ignores_it();
    let mut hid = key.hid();
    hid.send(first([0xff; 4], 0x06, &[7; 8]));
    let channel = all(&mut hid)[0][15..19].try_into().unwrap();
    let injected = fault.map(|fault| key.faults().inject(fault));
    hid.send(first(channel, command, payload));
    if command == 0x10 && payload == [0x0b] {
        // There is a keepalive at once, and the host calls it off.
        hid.send(first(channel, 0x11, &[]));
    }
    let reports = all(&mut hid);
    assert!(injected.is_none_or(|it| it.count() > 0), "{fault:?} never comes");
    reports
}

/// Commands of the first reports, without the bit that says so.
fn commands(reports: &[Report]) -> Vec<u8> {
    reports.iter().filter(|it| it[4] >= 0x80).map(|it| it[4] & 0x7f).collect()
}

fn says(fault: Fault) -> bool {
    let (info, selection) = ([0x04], [0x0b]);
    let [good, bad] = [None, Some(fault)].map(|fault| match fault {
        Some(Fault::LosesRequests | Fault::NoKeepalives | Fault::IgnoresCancel) => Vec::new(),
        fault => answer(fault, 0x10, &info),
    });
    assert!(good.len() > 2 && commands(&good) == [0x10]);
    let waiting = |fault| commands(&answer(fault, 0x10, &selection));
    assert_eq!(waiting(None), [0x3b, 0x10], "a keepalive, and the answer to the cancel");
    match fault {
        Fault::LosesReports => bad.iter().eq(good.iter().step_by(2)),
        // The second is the cancel.
        Fault::LosesRequests => waiting(Some(fault)) == [0x3b],
        Fault::ReordersReports => bad[..2] == [good[1], good[0]] && bad[2..] == good[2..],
        Fault::DoublesReports => bad.chunks(2).map(|two| two[0]).eq(good) && bad[0] == bad[1],
        Fault::CorruptsSequence => {
            bad[0] == good[0] && bad[1][4] == 1 && bad[1][5..] == good[1][5..]
        }
        Fault::AnotherChannel => {
            bad.len() == good.len()
                && bad.iter().zip(&good).all(|(bad, good)| bad[..4] != good[..4])
        }
        Fault::BusyForever => bad.len() == 1 && bad[0][4..8] == [0xbf, 0, 1, 6],
        Fault::NoKeepalives => waiting(Some(fault)) == [0x10],
        Fault::IgnoresCancel => waiting(Some(fault)) == [0x3b],
        Fault::HidInvalidLength => bad[0][5..7] == [0xff; 2] && bad[0][7..] == good[0][7..],
        Fault::HidUnknownCommand => bad[0][4] == 0xba && bad[0][5..] == good[0][5..],
        Fault::GarbageReports => bad.len() == good.len() && bad.iter().all(|it| *it == [0xff; 64]),
        _ => panic!("nothing is said of {fault}"),
    }
}

#[test]
fn faults_do_what_they_say_on_ctaphid() {
    for fault in Fault::ALL.iter().filter(|fault| fault.place() == FaultPlace::Report) {
        assert!(says(*fault), "{fault}");
    }
}

#[test]
fn a_registration_that_is_busy_for_ever_makes_no_passkey() {
    let key = VirtualAuthenticator::security_key();
    key.faults().inject(Fault::BusyForever);
    let mut hid = key.hid();
    hid.send(first([0xff; 4], 0x06, &[7; 8]));
    let channel: [u8; 4] = all(&mut hid)[0][15..19].try_into().unwrap();
    // A reset, which would be allowed so soon.
    hid.send(first(channel, 0x10, &[0x07]));
    assert_eq!(commands(&all(&mut hid)), [0x3f]);
    assert!(key.person().heard().is_empty(), "nobody was asked");
}
