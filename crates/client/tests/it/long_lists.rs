//! Long lists at a key that keeps to its limits: whatever the list, the passkey in it is found.

use serde_json::{Value, json};
use towline_client::{CeremonyOutput, Error};
use towline_ctap::{
    Flags, GetAssertionResponse, GetInfo, PublicKeyCredentialDescriptor, Request, Status,
    Transport, Version,
};

use crate::scripted::*;

/// A key with one passkey, and the limits that its getInfo tells.
struct Key {
    info: GetInfo,
    holds: Vec<u8>,
    /// The passkey is hidden from whoever is not verified.
    hidden: bool,
    /// What it answers to a list without its passkey.
    none: Status,
    requests: usize,
    /// How often a list was too long for it.
    refusals: usize,
}

impl Key {
    fn new(info: GetInfo, holds: &[u8], hidden: bool) -> Self {
        Self {
            info,
            holds: holds.to_vec(),
            hidden,
            none: Status::NoCredentials,
            requests: 0,
            refusals: 0,
        }
    }

    fn answer(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.requests += 1;
        assert!(self.requests < 1000, "it never ends");
        let limit = |limit: Option<u64>, none| limit.map_or(none, |l| usize::try_from(l).unwrap());
        let max_size = limit(self.info.max_msg_size, 1024);
        let max_count = limit(self.info.max_credential_count_in_list, usize::MAX);
        let check = |list: &[PublicKeyCredentialDescriptor]| {
            if bytes.len() > max_size && list.len() > 1 {
                Some(Status::RequestTooLarge)
            } else if list.len() > max_count {
                Some(Status::LimitExceeded)
            } else {
                None
            }
        };
        let holds = |list: &[PublicKeyCredentialDescriptor]| {
            list.iter().any(|entry| entry.id.as_bytes() == self.holds)
        };
        let always = self.info.options.always_uv == Some(true);
        match Request::decode(bytes, usize::MAX).unwrap() {
            Request::MakeCredential(request) => {
                let list = &request.exclude_list;
                if let Some(status) = check(list) {
                    self.refusals += 1;
                    return vec![status.to_u8()];
                }
                let verified = always || request.options.uv == Some(true);
                if holds(list) && (verified || !self.hidden) {
                    return vec![Status::CredentialExcluded.to_u8()];
                }
                created(&new_credential())
            }
            Request::GetAssertion(request) => {
                let list = request.allow_list.as_deref().unwrap_or_default();
                if let Some(status) = check(list) {
                    self.refusals += 1;
                    return vec![status.to_u8()];
                }
                let up = request.options.up != Some(false);
                let verified = (always && up) || request.options.uv == Some(true);
                if !holds(list) || (self.hidden && !verified) {
                    return vec![self.none.to_u8()];
                }
                let mut flags = if up { Flags::UP } else { Flags::empty() };
                if verified {
                    flags = flags | Flags::UV;
                }
                let data = auth_data(flags).encode();
                GetAssertionResponse::new(descriptor(&self.holds), data, vec![1]).encode()
            }
            other => panic!("{other:?}"),
        }
    }

    fn register(&mut self, options: &Value) -> Result<Value, Error> {
        let mut create = start_create(options).unwrap();
        create.handle_info(&self.info.to_cbor(), &Transport::Usb);
        loop {
            match create.poll_output() {
                Some(CeremonyOutput::Request(request)) => {
                    create.handle_response(&self.answer(&request))
                }
                output => return finished(output),
            }
        }
    }

    fn sign_in(&mut self, options: &Value) -> Result<Value, Error> {
        let mut get = start_get(options).unwrap();
        get.handle_info(&self.info.to_cbor(), &Transport::Usb);
        loop {
            match get.poll_output() {
                Some(CeremonyOutput::Request(request)) => {
                    get.handle_response(&self.answer(&request))
                }
                output => return finished(output),
            }
        }
    }
}

fn ids(count: usize, length: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| vec![u8::try_from(n).unwrap(); length]).collect()
}

fn list(ids: &[Vec<u8>]) -> Value {
    ids.iter().map(|id| listed(id)).collect()
}

fn excluding(ids: &[Vec<u8>]) -> Value {
    with(creation(), "excludeCredentials", list(ids))
}

fn allowing(ids: &[Vec<u8>]) -> Value {
    with(request(), "allowCredentials", list(ids))
}

#[test]
fn a_passkey_is_found_in_a_list_of_any_length_within_any_limits() {
    let mut tried = 0;
    for count in [1, 8, 9, 17, 65, 200] {
        for length in [16, 64, 300] {
            for max_count in [Some(1), Some(8), None] {
                for max_size in [None, Some(1024), Some(1200), Some(2048)] {
                    for hidden in [false, true] {
                        let mut info = if hidden { phone() } else { simple_key() };
                        info.max_credential_count_in_list = max_count;
                        info.max_msg_size = max_size;
                        let ids = ids(count, length);
                        for held in [0, count / 2, count - 1] {
                            let what = format!(
                                "{count} {length} {max_count:?} {max_size:?} {hidden} {held}"
                            );
                            let mut key = Key::new(info.clone(), &ids[held], hidden);
                            let result = key.register(&excluding(&ids));
                            assert_eq!(result, Err(Error::AlreadyRegistered), "{what}");
                            let mut key = Key::new(info.clone(), &ids[held], hidden);
                            let result = key.sign_in(&allowing(&ids));
                            assert_eq!(result.unwrap()["id"], b64(&ids[held]), "{what}");
                            tried += 1;
                        }
                        let mut key = Key::new(info, &[0xff], hidden);
                        assert!(key.register(&excluding(&ids)).is_ok());
                        assert_eq!(key.sign_in(&allowing(&ids)), Err(Error::NoCredentials));
                    }
                }
            }
        }
    }
    assert_eq!(tried, 6 * 3 * 3 * 4 * 2 * 3);
}

#[test]
fn every_request_of_a_search_fits_where_ids_are_long() {
    for length in [24, 256] {
        for max in (1000..1280).step_by(3) {
            for (mut info, wanted) in
                [(phone(), "required"), (phone(), "discouraged"), (simple_key(), "preferred")]
            {
                info.max_msg_size = Some(max);
                let ids = ids(30, length);
                let mut key = Key::new(info.clone(), &[0xff], true);
                let options = with(allowing(&ids), "userVerification", json!(wanted));
                assert_eq!(key.sign_in(&options), Err(Error::NoCredentials), "{length} {max}");
                assert_eq!(key.refusals, 0, "{length} {max}");
                let selection = json!({"userVerification": wanted});
                let options = with(excluding(&ids), "authenticatorSelection", selection);
                let mut key = Key::new(info, &[0xff], true);
                let result = key.register(&options);
                assert!(result.is_ok() || wanted == "required", "{length} {max} {result:?}");
                assert_eq!(key.refusals, 0, "{length} {max}");
            }
        }
    }
}

#[test]
fn a_greatest_length_of_nothing_drops_no_list() {
    let ids = ids(3, 16);
    let mut info = simple_key();
    info.max_credential_id_length = Some(0);
    info.max_credential_count_in_list = Some(0);
    let unlimited = |info: &GetInfo| {
        let mut key = Key::new(info.clone(), &ids[1], false);
        key.info.max_credential_count_in_list = None;
        key
    };
    let mut create = start_create(&excluding(&ids)).unwrap();
    create.handle_info(&info.to_cbor(), &Transport::Usb);
    let mut key = unlimited(&info);
    loop {
        match create.poll_output() {
            Some(CeremonyOutput::Request(request)) => create.handle_response(&key.answer(&request)),
            output => {
                assert_eq!(finished(output), Err(Error::AlreadyRegistered));
                break;
            }
        }
    }
    let mut key = unlimited(&info);
    assert_eq!(key.sign_in(&allowing(&ids)).unwrap()["id"], b64(&ids[1]));
}

#[test]
fn a_key_that_always_verifies_by_itself_is_asked_for_every_piece() {
    let mut info = phone();
    info.options.always_uv = Some(true);
    info.max_credential_count_in_list = Some(8);
    let ids = ids(20, 16);
    for wanted in ["discouraged", "preferred", "required"] {
        for held in [0, 9, 19] {
            let mut key = Key::new(info.clone(), &ids[held], true);
            let options = with(allowing(&ids), "userVerification", json!(wanted));
            assert_eq!(key.sign_in(&options).unwrap()["id"], b64(&ids[held]), "{wanted} {held}");
            let mut key = Key::new(info.clone(), &ids[held], true);
            let selection = json!({"userVerification": wanted});
            let options = with(excluding(&ids), "authenticatorSelection", selection);
            assert_eq!(key.register(&options), Err(Error::AlreadyRegistered), "{wanted} {held}");
        }
    }
}

#[test]
fn a_credential_that_is_not_valid_for_the_key_is_not_on_it() {
    for hidden in [false, true] {
        let mut info = if hidden { phone() } else { simple_key() };
        info.max_credential_count_in_list = Some(2);
        let ids = ids(9, 16);
        for held in 0..9 {
            let mut key = Key::new(info.clone(), &ids[held], hidden);
            key.none = Status::InvalidCredential;
            assert_eq!(key.register(&excluding(&ids)), Err(Error::AlreadyRegistered), "{held}");
            assert_eq!(key.sign_in(&allowing(&ids)).unwrap()["id"], b64(&ids[held]), "{held}");
        }
    }
}

#[test]
fn a_key_that_did_not_tell_its_limits_gets_shorter_lists() {
    for (max_count, max_size) in [(1, 1024), (3, 1024), (100, 512), (100, 300)] {
        let mut info = simple_key();
        info.versions = vec![Version::Fido2_0];
        let ids = ids(30, 16);
        for held in [0, 14, 29] {
            let run = |what: &str| {
                let mut key = Key::new(info.clone(), &ids[held], false);
                key.info.max_credential_count_in_list = Some(max_count);
                key.info.max_msg_size = Some(max_size);
                let told = info.to_cbor();
                if what == "create" {
                    let mut create = start_create(&excluding(&ids)).unwrap();
                    create.handle_info(&told, &Transport::Usb);
                    loop {
                        match create.poll_output() {
                            Some(CeremonyOutput::Request(r)) => {
                                create.handle_response(&key.answer(&r))
                            }
                            output => return finished(output),
                        }
                    }
                }
                let mut get = start_get(&allowing(&ids)).unwrap();
                get.handle_info(&told, &Transport::Usb);
                loop {
                    match get.poll_output() {
                        Some(CeremonyOutput::Request(r)) => get.handle_response(&key.answer(&r)),
                        output => return finished(output),
                    }
                }
            };
            assert_eq!(run("create"), Err(Error::AlreadyRegistered), "{max_count} {held}");
            assert_eq!(run("get").unwrap()["id"], b64(&ids[held]), "{max_count} {held}");
        }
    }
}
