//! A fake phone, and a computer that is the program: they share a simulated air and a relay.

use std::{fs, sync::Arc};

use towline::{
    PhoneTransport, hybrid::domain::TunnelDomain, radio::air::UdpAir, transport::TunnelConnector,
};
use towline_virtual_phone::{
    FakePhone,
    towline_virtual::{Builder, person::*},
};

use crate::world::{World, find};

#[tokio::test]
async fn a_fake_phone_answers_the_picture_that_the_program_draws() {
    let world = World::new().await;
    let air = world.air.trim_start_matches("udp:").parse().unwrap();
    let relay = world.relay_url.trim_start_matches("ws://").trim_end_matches('/').parse().unwrap();
    let transport = PhoneTransport {
        advertiser: Arc::new(UdpAir::connect(air).await.unwrap()),
        connector: Arc::new(TunnelConnector::plain_loopback(relay).unwrap()),
        domain: TunnelDomain::new(300).unwrap(),
    };
    let mut phone = FakePhone::over(Builder::phone(), transport).unwrap();
    phone.person().when(verifying()).fails_the_lock().once().expect(1);

    let picture = world.directory.path("code.png");
    for (args, event) in [
        (&["register", "--account", "alice", "--name", "Fake phone"][..], "registered"),
        (&["sign-in"], "signed_in"),
    ] {
        let args: Vec<_> = args.iter().copied().chain(["--qr-image", &picture]).collect();
        let mut computer = world.computer(&args);
        computer.event("qr_code").await;
        assert_eq!(phone.scan_png(&fs::read(&picture).unwrap()).await.unwrap().requests, 1);
        let ended = computer.ended().await;
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_eq!(find(&ended, event)["account"], "alice");
    }
    assert_eq!(phone.passkeys().len(), 1);

    phone.person().when(signing_in()).refuses().once().expect(1);
    let mut computer = world.computer(&["sign-in", "--qr-image", &picture]);
    computer.event("qr_code").await;
    phone.scan_png(&fs::read(&picture).unwrap()).await.unwrap();
    computer.ended().await.assert_failed(3, "refused");
}
