//! Whole sessions, replayed through the machines with the recorded randomness.

use std::time::{Duration, Instant};

use towline_hybrid::{
    CodeSource, ComputerEvent, Effect, Initiator, InitiatorConfig, Machine, Opened, PhoneEvent,
    Responder, ResponderAnswer, ResponderConfig, ResponderQuestion, Target,
    domain::TunnelDomain,
    ids::{ClientNonce, ContactId, LinkId, RoutingId, TunnelId},
    internal::eid::{Eid, EidKey},
    internal::frame::{Opener, Sealer},
    internal::message::PostHandshake,
    internal::noise::{self, InitiatorKey, ResponderKey},
    internal::secrets::{LinkSecret, Psk, QrSecret, RootSecret},
    link::{ClientPayload, LinkOffer, LinkedPhone, LinkingInformation, Ring},
    qr::{Hint, QrPayload},
    tunnel,
};

use super::*;

fn session(kind: &str) -> &'static Value {
    rows("sessions").iter().find(|row| text(row, "kind") == kind).unwrap()
}

fn frames<'a>(row: &'a Value, kind: &str) -> Vec<&'a Value> {
    row["frames"].as_array().unwrap().iter().filter(|frame| text(frame, "kind") == kind).collect()
}

/// What a machine has to say, without its progress reports.
fn computer_outputs(machine: &mut Initiator) -> Vec<Effect<ComputerEvent>> {
    std::iter::from_fn(|| machine.poll_output())
        .filter(|o| !matches!(o, Effect::Tell(ComputerEvent::Progress(_))))
        .collect()
}

fn phone_outputs(machine: &mut Responder) -> Vec<Effect<PhoneEvent>> {
    std::iter::from_fn(|| machine.poll_output())
        .filter(|o| !matches!(o, Effect::Tell(PhoneEvent::Progress(_))))
        .collect()
}

#[test]
fn the_recorded_qr_session_is_reproduced_byte_for_byte() {
    let row = session("qr");
    let now = Instant::now();
    let code = QrPayload::from_uri(&provider(), text(row, "uri")).unwrap();
    let frame_of = |kind| bytes(frames(row, kind)[0], "frame");
    let message_of = |kind, index: usize| bytes(frames(row, kind)[index], "message");

    let random = [
        bytes(row, "qr_private"),
        bytes(row, "qr_secret"),
        bytes(row, "initiator_ephemeral_private"),
    ];
    let mut config = InitiatorConfig::default();
    config.linking = code.linking.unwrap();
    let mut computer = Initiator::new(
        config,
        &scripted(&random),
        code.request_hint(),
        now,
        code.timestamp.unwrap(),
    )
    .unwrap();
    assert_eq!(computer.qr_uri(), Some(text(row, "uri")));
    assert_eq!(computer_outputs(&mut computer), [Effect::StartScanning]);

    let random = [
        bytes(row, "advert_nonce"),
        bytes(row, "responder_ephemeral_private"),
        bytes(row, "link_id"),
    ];
    let post_handshake = PostHandshake::decode(&message_of("post_handshake", 0)).unwrap();
    let domain = TunnelDomain::new(u16::try_from(number(row, "encoded_domain")).unwrap()).unwrap();
    let mut config = ResponderConfig::new(post_handshake.get_info.clone().unwrap(), domain);
    config.link_offer = Some(LinkOffer {
        root_secret: RootSecret::new(secret(row, "root_secret")),
        contact_id: ContactId::new(bytes(row, "contact_id")),
        name: text(row, "link_name").into(),
    });
    let mut phone =
        Responder::new(config, &scripted(&random), code, CodeSource::Camera, now, 1_790_000_000)
            .unwrap();

    let outputs = phone_outputs(&mut phone);
    let [Effect::Tell(PhoneEvent::Ask { token, question: ResponderQuestion::Connect(question) })] =
        &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert!(question.may_remember);
    phone.handle_answer(*token, ResponderAnswer::Connect { remember: true }, now).unwrap();
    let outputs = phone_outputs(&mut phone);
    let [Effect::Connect(Target::New { domain, tunnel_id })] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    let url = format!("wss://{}{}", domain.host(&provider()), tunnel::new_path(tunnel_id));
    assert_eq!(url, text(row, "url_new"));

    phone.handle_opened(
        Opened {
            routing_id: Some(tunnel::read_routing_id([text(row, "routing_id_header")]).unwrap()),
            signal: false,
        },
        now,
    );
    let outputs = phone_outputs(&mut phone);
    let [Effect::Advertise(advert)] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(advert.as_bytes().to_vec(), bytes(row, "service_data"));

    computer.handle_advert(advert.as_bytes(), now);
    let outputs = computer_outputs(&mut computer);
    let [Effect::Connect(Target::Connect { domain, routing_id, tunnel_id })] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    let url = format!(
        "wss://{}{}",
        domain.host(&provider()),
        tunnel::connect_path(routing_id, tunnel_id)
    );
    assert_eq!(url, text(row, "url_connect"));
    computer.handle_opened(Opened::default(), now);
    assert_eq!(computer_outputs(&mut computer), [Effect::Send(frame_of("handshake"))]);

    phone.handle_frame(frame_of("handshake"), now);
    assert_eq!(
        phone_outputs(&mut phone),
        [
            Effect::StopRadio,
            Effect::Send(bytes(frames(row, "handshake")[1], "frame")),
            Effect::Send(frame_of("post_handshake")),
            Effect::Tell(PhoneEvent::Linked { link_id: LinkId::new(array(row, "link_id")) }),
            Effect::Send(frame_of("update")),
        ]
    );

    computer.handle_frame(bytes(frames(row, "handshake")[1], "frame"), now);
    computer.handle_frame(frame_of("post_handshake"), now);
    computer.handle_frame(frame_of("update"), now);
    let outputs = computer_outputs(&mut computer);
    let [
        Effect::StopRadio,
        Effect::Tell(ComputerEvent::Ready { get_info, .. }),
        Effect::Tell(ComputerEvent::Linked(linked)),
    ] = &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert_eq!(Some(get_info), post_handshake.get_info.as_ref());
    let information = &linked.information;
    assert_eq!(information.identity, public_key(row, "identity_public"));
    assert_eq!(information.secret.expose().to_vec(), bytes(row, "link_secret"));
    assert_eq!(information.name, text(row, "link_name"));

    computer.handle_request(message_of("ctap", 0)[1..].to_vec(), now).unwrap();
    assert_eq!(
        computer_outputs(&mut computer),
        [Effect::Send(bytes(frames(row, "ctap")[0], "frame"))]
    );
    phone.handle_frame(bytes(frames(row, "ctap")[0], "frame"), now);
    assert_eq!(
        phone_outputs(&mut phone),
        [Effect::Tell(PhoneEvent::Request(message_of("ctap", 0)[1..].to_vec()))]
    );
    phone.handle_response(message_of("ctap", 1)[1..].to_vec(), now).unwrap();
    assert_eq!(phone_outputs(&mut phone), [Effect::Send(bytes(frames(row, "ctap")[1], "frame"))]);
    computer.handle_frame(bytes(frames(row, "ctap")[1], "frame"), now);
    assert_eq!(
        computer_outputs(&mut computer),
        [Effect::Tell(ComputerEvent::Response(message_of("ctap", 1)[1..].to_vec()))]
    );

    computer.handle_shutdown(now);
    assert_eq!(computer_outputs(&mut computer), [Effect::Send(frame_of("shutdown"))]);
    phone.handle_frame(frame_of("shutdown"), now);
    let outputs = phone_outputs(&mut phone);
    assert!(
        matches!(&outputs[..], [Effect::Close, Effect::Tell(PhoneEvent::Finished(Ok(summary)))] if summary.linked)
    );
    computer.handle_closed(now + Duration::from_secs(1));
    let outputs = computer_outputs(&mut computer);
    assert!(
        matches!(&outputs[..], [Effect::Tell(ComputerEvent::Finished(Ok(summary)))] if summary.linked && summary.requests == 1)
    );
}

#[test]
fn the_recorded_linked_session_follows_from_the_link() {
    let row = session("linked");
    let provider = provider();
    let secret = LinkSecret::new(secret(row, "link_secret"));
    let nonce = ClientNonce::new(array(row, "client_nonce"));
    let payload = ClientPayload {
        link_id: LinkId::new(array(row, "link_id")),
        nonce,
        hint: Hint::from_text(text(row, "hint")),
    };
    assert_eq!(payload.to_header(), text(row, "client_payload_header"));
    assert!(
        text(row, "url_contact")
            .ends_with(&tunnel::contact_path(&ContactId::new(bytes(row, "contact_id"))))
    );
    let path = tunnel::connect_path(
        &RoutingId::from_hex(text(row, "pushed_routing_id")).unwrap(),
        &TunnelId::from_hex(text(row, "pushed_tunnel_id")).unwrap(),
    );
    assert!(text(row, "url_connect").ends_with(&path));

    let key = EidKey::linked(&provider, &secret, &nonce).unwrap();
    assert_eq!(key.expose().to_vec(), bytes(row, "eid_key"));
    let eid =
        Eid::linked(&*scripted(&[bytes(row, "advert_plaintext")[1..].to_vec()]).random).unwrap();
    let advert = key.prepare(&provider).seal(&eid);
    assert_eq!(advert.as_bytes().to_vec(), bytes(row, "service_data"));
    let psk = Psk::linked(&provider, &secret, &eid).unwrap();
    assert_eq!(psk.expose().to_vec(), bytes(row, "psk"));

    let identity = private_key(row, "identity_private");
    let random = scripted(&[bytes(row, "initiator_ephemeral_private")]);
    let (initiated, message1) =
        noise::initiate(&random, &psk, InitiatorKey::Linked(identity.public_key())).unwrap();
    let random = scripted(&[bytes(row, "responder_ephemeral_private")]);
    let (message2, phone) =
        noise::respond(&random, &psk, ResponderKey::Linked(&identity), &message1).unwrap();
    let computer = initiated.finish(&message2).unwrap();
    assert_eq!(computer, phone);
    assert_eq!(computer.hash.0.to_vec(), bytes(row, "handshake_hash"));
    let handshake = frames(row, "handshake");
    assert_eq!(message1.to_vec(), bytes(handshake[0], "frame"));
    assert_eq!(message2.to_vec(), bytes(handshake[1], "frame"));
    let mut to_phone = Sealer::new(&provider, &computer.to_phone);
    let mut to_computer = Sealer::new(&provider, &computer.to_computer);
    for frame in
        row["frames"].as_array().unwrap().iter().filter(|frame| frame["message"].is_string())
    {
        let sealer = if text(frame, "dir") == "c2a" { &mut to_phone } else { &mut to_computer };
        assert_eq!(sealer.seal(bytes(frame, "message")).unwrap(), bytes(frame, "frame"));
    }
}

#[test]
fn the_recorded_linked_session_is_reproduced_by_both_machines() {
    let (qr, row, now) = (session("qr"), session("linked"), Instant::now());
    let frame_of = |kind, index: usize| bytes(frames(row, kind)[index], "frame");
    let message_of = |kind, index: usize| bytes(frames(row, kind)[index], "message");
    let domain = TunnelDomain::GOOGLE;
    let phone = LinkedPhone {
        information: LinkingInformation {
            contact_id: ContactId::new(bytes(row, "contact_id")),
            link_id: LinkId::new(array(row, "link_id")),
            secret: LinkSecret::new(secret(row, "link_secret")),
            identity: public_key(row, "identity_public"),
            name: text(qr, "link_name").into(),
        },
        domain,
        since: None,
    };
    let random = [bytes(row, "client_nonce"), bytes(row, "initiator_ephemeral_private")];
    let (config, hint) = (InitiatorConfig::default(), Hint::from_text(text(row, "hint")));
    let mut computer = Initiator::ring(config, &scripted(&random), &phone, hint, now).unwrap();
    let outputs = computer_outputs(&mut computer);
    let [
        Effect::StartScanning,
        Effect::Connect(Target::Contact { domain: at, contact_id, payload }),
    ] = &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    let url = format!("wss://{}{}", at.host(&provider()), tunnel::contact_path(contact_id));
    assert_eq!(url, text(row, "url_contact"));
    assert_eq!(payload.to_header(), text(row, "client_payload_header"));

    let routing_id = RoutingId::from_hex(text(row, "pushed_routing_id")).unwrap();
    let ring = Ring {
        payload: *payload,
        routing_id,
        tunnel_id: TunnelId::from_hex(text(row, "pushed_tunnel_id")).unwrap(),
        secret: LinkSecret::new(secret(row, "link_secret")),
        identity: private_key(row, "identity_private"),
    };
    let info = PostHandshake::decode(&message_of("post_handshake", 0)).unwrap().get_info.unwrap();
    let random =
        [bytes(row, "advert_plaintext")[1..].to_vec(), bytes(row, "responder_ephemeral_private")];
    let config = ResponderConfig::new(info.clone(), domain);
    let mut phone = Responder::answer_ring(config, &scripted(&random), ring, now);
    let outputs = phone_outputs(&mut phone);
    let [Effect::Connect(Target::Connect { domain, routing_id, tunnel_id })] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    let path = tunnel::connect_path(routing_id, tunnel_id);
    assert_eq!(format!("wss://{}{path}", domain.host(&provider())), text(row, "url_connect"));
    phone.handle_opened(Opened::default(), now);
    let outputs = phone_outputs(&mut phone);
    let [Effect::Advertise(advert)] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(advert.as_bytes().to_vec(), bytes(row, "service_data"));

    computer.handle_opened(Opened { routing_id: None, signal: true }, now);
    computer.handle_advert(advert.as_bytes(), now);
    assert_eq!(
        computer_outputs(&mut computer),
        [Effect::StopRadio, Effect::Send(frame_of("handshake", 0))]
    );
    computer.handle_frame(frame_of("signal", 0), now);
    phone.handle_frame(frame_of("handshake", 0), now);
    assert_eq!(
        phone_outputs(&mut phone),
        [
            Effect::StopRadio,
            Effect::Send(frame_of("handshake", 1)),
            Effect::Send(frame_of("post_handshake", 0)),
        ]
    );
    computer.handle_frame(frame_of("handshake", 1), now);
    computer.handle_frame(frame_of("post_handshake", 0), now);
    let outputs = computer_outputs(&mut computer);
    let [Effect::Tell(ComputerEvent::Ready { get_info, .. })] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(*get_info, info);
    computer.handle_request(message_of("ctap", 0)[1..].to_vec(), now).unwrap();
    assert_eq!(computer_outputs(&mut computer), [Effect::Send(frame_of("ctap", 0))]);
    phone.handle_frame(frame_of("ctap", 0), now);
    phone.handle_response(message_of("ctap", 1)[1..].to_vec(), now).unwrap();
    assert!(phone_outputs(&mut phone).contains(&Effect::Send(frame_of("ctap", 1))));
    computer.handle_frame(frame_of("ctap", 1), now);
    computer.handle_shutdown(now);
    let outputs = computer_outputs(&mut computer);
    assert!(outputs.contains(&Effect::Send(frame_of("shutdown", 0))), "{outputs:?}");
}

#[test]
fn the_captured_session_of_a_real_phone_is_understood() {
    let row = &VECTORS["captured"]["iphone_session"];
    let provider = provider();
    let secret = QrSecret::new(secret(row, "qr_secret"));
    let payload = QrPayload::from_uri(&provider, text(row, "uri")).unwrap();
    assert_eq!(payload.secret, secret);
    let key = EidKey::qr(&provider, &secret).unwrap().prepare(&provider);
    let advert = key.open_qr(&bytes(row, "service_data")).unwrap();
    assert_eq!(advert.domain, TunnelDomain::APPLE);
    assert_eq!(advert.eid.expose().to_vec(), bytes(row, "advert_plaintext"));
    assert_eq!(secret.tunnel_id(&provider).unwrap().as_bytes().to_vec(), bytes(row, "tunnel_id"));
    let psk = Psk::qr(&provider, &secret, &advert.eid).unwrap();
    let qr_key = private_key(row, "qr_private");
    let random = scripted(&[bytes(row, "initiator_ephemeral_private")]);
    let (initiated, _) = noise::initiate(&random, &psk, InitiatorKey::Qr(&qr_key)).unwrap();
    let established = initiated.finish(&bytes(row, "message2")).unwrap();
    let mut opener = Opener::new(&provider, &established.to_computer);
    let message = opener.open(bytes(row, "post_handshake_frame")).unwrap();
    assert_eq!(message, bytes(row, "post_handshake_message"));
    let message = PostHandshake::decode(&message).unwrap();
    assert!(message.features.ctap && message.features.digital_credentials);
}
