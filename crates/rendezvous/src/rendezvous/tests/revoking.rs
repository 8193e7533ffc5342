//! Contacts that are made up and revoked, to push out those of others.

use super::ringing::{close, key, send};
use super::*;
use crate::message::{FromPhone, FromService};

/// Revocations of one source at once, and of the /24 around it.
const OF_ONE: (u8, u8) = (16, 64);

impl Service {
    /// A phone comes from there and revokes its contact; whether it is told that it is.
    fn revoke_at(&mut self, from: [u8; 4], number: u8, kept: bool) -> bool {
        let request = TunnelRequest::Listen { key: key(number), sequence: 0 };
        let leg = self.ask_at(from, request).unwrap().leg;
        let message = FromPhone::Revoke.encode();
        assert_eq!(self.relay.handle_message(leg, &message, self.now), Heard::Taken);
        let outputs: Vec<_> = std::iter::from_fn(|| self.relay.poll_output()).collect();
        let told = match &outputs[..] {
            [] => false,
            [RendezvousOutput::Revoke { token, .. }] => {
                self.relay.handle_revoked(*token, kept, self.now);
                true
            }
            other => panic!("{other:?}"),
        };
        let outputs: Vec<_> = std::iter::from_fn(|| self.relay.poll_output()).collect();
        let said = [send(leg, FromService::Revoked), close(leg, Ending::PeerLeft)];
        assert_eq!(outputs, if told && kept { said.to_vec() } else { Vec::new() });
        self.relay.handle_closed(leg, self.now);
        // It is not expected back.
        self.pass(Limits::default().resume_time);
        told
    }
}

#[test]
fn no_network_revokes_so_much_that_others_are_forgotten() {
    let mut service = Service::new(Limits::default());
    let (each, all) = OF_ONE;
    let mut number = 0;
    let mut revoke = |service: &mut Service, from| {
        number += 1;
        service.revoke_at(from, number, true)
    };
    for _ in 0..each {
        assert!(revoke(&mut service, [203, 0, 113, 1]));
    }
    assert!(!revoke(&mut service, [203, 0, 113, 1]), "one address");
    let others = (0..all).filter(|at| revoke(&mut service, [203, 0, 113, 2 + at])).count();
    // One more each three minutes, and each took 20 seconds.
    assert!((48..=56).contains(&others), "{others} of one network");
    assert!(revoke(&mut service, [198, 51, 100, 1]), "another one does not pay for it");
    service.pass(Duration::from_secs(12 * 60));
    assert!(revoke(&mut service, [203, 0, 113, 1]), "later");
}

#[test]
fn what_was_not_kept_costs_nothing() {
    let mut service = Service::new(Limits::default());
    for _ in 0..100 {
        assert!(service.revoke_at([203, 0, 113, 1], 1, false), "it says so again and again");
    }
    assert!(service.revoke_at([203, 0, 113, 1], 1, true));
}
