//! Whatever a TPM answers, to whatever command: a result or an error, and no panic; and what is
//! read as a public area is written as it came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use towline_tpm::{
    Encryption, Handle, InScheme, Loaded, NvPublic, ObjectName, PublicArea, ResponseCode,
    TpmCommand, TpmRequest, TpmResponse,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, answer)) = bytes.split_first() else { return };
    if let Ok(area) = PublicArea::decode(answer) {
        // An RSA exponent can be written in two ways.
        let again = PublicArea::decode(&area.encode());
        assert_eq!(again, Ok(area));
    }
    if let Some(code) = answer.first_chunk::<4>() {
        let code = ResponseCode::new(u32::from_be_bytes(*code));
        assert!(!code.to_string().is_empty());
    }
    let _parts = TpmResponse::parse(answer, which & 1 == 1, usize::from(which >> 1 & 3));

    let provider = towline_crypto_test::fake::provider(0);
    let name = ObjectName::read(&[0; 34]).expect("a name");
    let key = Loaded { handle: Handle(0x8000_0001), name };
    let template = towline_tpm::template::parent();
    macro_rules! reads {
        ($command:expr, $authorizations:expr) => {{
            let command = $command;
            let empty = [towline_tpm::Authorization::Empty; 2];
            let encryption = Encryption::default();
            let empty = &empty[..$authorizations];
            let request = TpmRequest::new(&provider, command, empty, encryption, None);
            let _reply = request.expect("a request").open(&provider, answer, None);
        }};
    }
    match which {
        0 => reads!(TpmCommand::create_primary(Handle::OWNER, &template), 1),
        1 => reads!(TpmCommand::create(&key, &[], &[], &template), 1),
        2 => reads!(TpmCommand::sign(&key, &[0; 32], InScheme::Rsassa), 1),
        3 => reads!(TpmCommand::certify(&key, &key, &[0; 32]), 2),
        4 => reads!(TpmCommand::unseal(&key), 1),
        5 => reads!(TpmCommand::start_policy(&[0; 32]), 0),
        6 => reads!(TpmCommand::read_public(key.handle), 0),
        7 => reads!(TpmCommand::nv_read_public(Handle(0x0180_0000)), 0),
        8 => reads!(TpmCommand::properties(0, 8), 0),
        9 => reads!(TpmCommand::handles(Handle(0)), 0),
        10 => reads!(TpmCommand::algorithms(), 0),
        11 => reads!(TpmCommand::policy_secret(key.handle, &key.name, Handle::NULL), 1),
        12 => {
            let index = NvPublic::counter(Handle(0x0180_0000)).named(&provider);
            reads!(TpmCommand::nv_read(None, &index, 0, 8), 1);
        }
        _ => {}
    }
});
