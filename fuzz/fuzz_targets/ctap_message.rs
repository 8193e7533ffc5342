//! Every message of CTAP: a request that is read is written as it was understood, and responses
//! never do harm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use towline_ctap::{
    AuthenticatorData, BioEnrollmentResponse, ClientPinResponse, CosePublicKey,
    CredentialManagementResponse, GetAssertionResponse, GetInfo, LargeBlobsResponse,
    MakeCredentialResponse, Request,
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = Request::decode(bytes, 4096) {
        let again = request.encode();
        assert_eq!(Request::decode(&again, usize::MAX).as_ref(), Ok(&request));
    }
    if let Ok(data) = AuthenticatorData::decode(bytes) {
        assert_eq!(AuthenticatorData::decode(&data.encode()), Ok(data));
    }
    if let Ok(info) = GetInfo::decode(bytes) {
        assert_eq!(GetInfo::decode(&info.encode()).map(|info| info.encode()), Ok(info.encode()));
    }
    let _ = MakeCredentialResponse::decode(bytes);
    let _ = GetAssertionResponse::decode(bytes);
    let _ = ClientPinResponse::decode(bytes);
    let _ = CredentialManagementResponse::decode(bytes);
    let _ = LargeBlobsResponse::decode(bytes);
    let _ = BioEnrollmentResponse::decode(bytes);
    let _ = CosePublicKey::decode(bytes);
});
