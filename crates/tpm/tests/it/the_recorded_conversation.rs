//! A whole conversation with swtpm, byte for byte: with the same randomness the same commands, and
//! what the responses say.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use towline_tpm::{
    Authorization, Curve, Encryption, Handle, InScheme, Loaded, Object, ObjectName, PublicArea,
    Tpm, TpmCommand, TpmTransport, attribute, template,
};
use tpm2_protocol::frame;

use crate::vectors::{hex, provider, scripted, vectors};

/// Answers as the record says, as long as it is asked as the record says.
struct Record {
    steps: VecDeque<(String, Vec<u8>, Vec<u8>)>,
    pauses: Arc<Mutex<u32>>,
}

impl TpmTransport for Record {
    fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> std::io::Result<()> {
        let Some((step, expected, answer)) = self.steps.pop_front() else {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        };
        // With which value it was is not in the record.
        let told = if step.contains("wrong") { command.len() - 70 } else { command.len() };
        assert_eq!(command[..told - 2], expected[..told - 2], "{step}");
        *response = answer;
        Ok(())
    }

    fn pause(&mut self, _: std::time::Duration) {
        *self.pauses.lock().unwrap() += 1;
    }

    fn is_managed(&self) -> bool {
        true
    }
}

fn steps(transcript: &Value) -> impl Iterator<Item = (String, Vec<u8>, Vec<u8>)> + '_ {
    transcript["steps"].as_array().unwrap().iter().map(|step| {
        (step["step"].as_str().unwrap().into(), hex(&step["command"]), hex(&step["response"]))
    })
}

#[test]
fn the_same_randomness_gives_the_same_bytes() {
    let all = vectors();
    let record = &all["transcript"];
    let mut random = vec![hex(&record["ephemeral_scalar"])];
    random.extend(record["caller_random"].as_array().unwrap().iter().map(hex));
    let pauses = Arc::default();
    let transport = Record { steps: steps(record).collect(), pauses: Arc::clone(&pauses) };
    let mut tpm = Tpm::new(scripted(random), Box::new(transport)).unwrap();
    let (pin, digest) = (hex(&record["pin_auth_value"]), hex(&record["digest"]));
    let (right, plain) = ([Authorization::Value(&pin)], Encryption::default());

    let parent = tpm.parent().unwrap();
    assert_eq!(parent.name.as_bytes(), hex(&record["names"]["parent"]));
    let mut template = template::credential_ecc(Curve::P256);
    template.attributes &= !attribute::NO_DA;
    let create = TpmCommand::create(&parent, &pin, &[], &template);
    let key = tpm.execute(create, &[Authorization::Value(&[])], Encryption::COMMAND).unwrap();
    assert_eq!(key.public.encode(), hex(&record["public_areas"]["credential"]));
    let load = TpmCommand::load(&parent, &key.private, &key.public);
    let key = tpm.execute(load, &[Authorization::Empty], plain).unwrap();
    assert_eq!(key.name.as_bytes(), hex(&record["names"]["credential"]));

    let sign = || TpmCommand::sign(&key, &digest, InScheme::Ecdsa(256));
    let signature = tpm.execute(sign(), &right, plain).unwrap();
    assert_eq!((signature[0], usize::from(signature[1])), (0x30, signature.len() - 2));
    assert_eq!(*pauses.lock().unwrap(), 1, "0x922 came once");
    let refused = tpm.execute(sign(), &[Authorization::Value(b"wrong")], plain).unwrap_err();
    assert!(refused.code().unwrap().is_wrong_auth());

    let mut aik = template::attestation_key();
    if let Object::Ecc { x, y, .. } = &mut aik.object {
        (*x, *y) = (vec![0; 32], vec![0; 32]);
    }
    let create = TpmCommand::create_primary(Handle::ENDORSEMENT, &aik);
    let aik = tpm.execute(create, &[Authorization::Empty], plain).unwrap();
    assert_eq!(aik.name.as_bytes(), hex(&record["names"]["aik"]));
    assert_eq!(aik.public.name(&provider()), aik.name);
    let aik = Loaded { handle: aik.handle, name: aik.name };
    let by = [Authorization::Value(&pin), Authorization::Empty];
    let said = tpm.execute(TpmCommand::certify(&key, &aik, &digest), &by, plain).unwrap();
    let public = PublicArea::decode(&hex(&record["public_areas"]["aik"])).unwrap();
    let public = public.cose(-7).unwrap().to_plain().unwrap();
    let es256 = provider().signature(-7).unwrap();
    es256.verify(&public, &said.info, &said.signature).unwrap();

    let secret = hex(&record["sealed"]);
    let mut template = template::sealed(Vec::new());
    template.attributes &= !attribute::NO_DA;
    let create = TpmCommand::create(&parent, &pin, &secret, &template);
    let sealed = tpm.execute(create, &[Authorization::Value(&[])], Encryption::COMMAND).unwrap();
    let load = TpmCommand::load(&parent, &sealed.private, &sealed.public);
    let sealed = tpm.execute(load, &[Authorization::Empty], plain).unwrap();
    let opened = tpm.execute(TpmCommand::unseal(&sealed), &right, Encryption::RESPONSE).unwrap();
    assert_eq!(*opened, secret);

    let lockout = tpm.run(TpmCommand::properties(0x20e, 4)).unwrap();
    assert_eq!(lockout.values, [(0x20e, 1), (0x20f, 3), (0x210, 1000), (0x211, 1000)]);
    tpm.flush(sealed.handle);
}

/// Every bit of what the TPM said counts, in whatever place it is turned over on the way.
#[test]
fn a_bit_that_was_turned_over_on_the_way_is_noticed() {
    let all = vectors();
    let record = &all["transcript"];
    let steps: Vec<_> = steps(record).collect();
    let mut unnoticed = Vec::new();
    let (pin, digest) = (hex(&record["pin_auth_value"]), hex(&record["digest"]));
    let signed = &steps[5].2;
    let mut template = template::credential_ecc(Curve::P256);
    template.attributes &= !attribute::NO_DA;
    for place in 0..signed.len() * 8 {
        let mut random = vec![hex(&record["ephemeral_scalar"])];
        random.extend(record["caller_random"].as_array().unwrap().iter().map(hex));
        let mut answer = signed.clone();
        answer[place / 8] ^= 1 << (place % 8);
        let mut steps: VecDeque<_> = [0, 1, 2, 5].map(|step| steps[step].clone()).into();
        steps[3].2 = answer;
        let transport = Record { steps, pauses: Arc::default() };
        let mut tpm = Tpm::new(scripted(random), Box::new(transport)).unwrap();
        let parent = tpm.parent().unwrap();
        let create = TpmCommand::create(&parent, &pin, &[], &template);
        tpm.execute(create, &[Authorization::Value(&[])], Encryption::COMMAND).unwrap();
        let name = ObjectName::read(&hex(&record["names"]["credential"])).unwrap();
        let key = Loaded { handle: Handle(0x8000_0001), name };
        let sign = TpmCommand::sign(&key, &digest, InScheme::Ecdsa(256));
        if tpm.execute(sign, &[Authorization::Value(&pin)], Encryption::default()).is_ok() {
            unnoticed.push(place);
        }
    }
    assert_eq!(unnoticed, [0; 0]);
}

#[test]
fn another_implementation_takes_every_command_and_response_for_one() {
    let all = vectors();
    for (step, command, response) in steps(&all["transcript"]) {
        let command = frame::TpmCommand::cast(&command).unwrap();
        command.validate().unwrap_or_else(|error| panic!("{step}: {error:?}"));
        let code = command.cc().unwrap();
        let response = frame::TpmResponse::cast(&response).unwrap();
        response.validate(code).unwrap_or_else(|error| panic!("{step}: {error:?}"));
    }
}
