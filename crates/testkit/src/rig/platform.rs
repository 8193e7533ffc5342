//! The platform's side of the PIN/UV auth protocols, written from the standard, independent of the
//! authenticator's.

use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::{
    ClientPinRequest, ClientPinResponse, GetAssertionRequest, KeyAgreementKey,
    MakeCredentialRequest, Permissions, PinUvAuth, Request, Status, extension::HmacSecretInput,
};

use super::{CLIENT_DATA_HASH, Rig, rp_id};

/// One key agreement.
pub struct Platform {
    /// The PIN/UV auth protocol.
    pub protocol: u64,
    /// The platform's public key.
    pub key: KeyAgreementKey,
    hmac: [u8; 32],
    aes: [u8; 32],
    provider: CryptoProvider,
}

/// A token as the platform has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformToken {
    /// The PIN/UV auth protocol that it was had by.
    pub protocol: u64,
    /// The token, decrypted.
    pub value: Vec<u8>,
}

impl Platform {
    /// Agrees with this authenticator on a secret.
    pub fn agree(rig: &mut Rig, protocol: u64) -> Self {
        let response = client_pin(rig, ClientPinRequest::GetKeyAgreement { protocol }).unwrap();
        let provider = rig.provider.clone();
        let own = provider.ecdh.generate(&*provider.random).unwrap();
        let theirs = response.key_agreement.unwrap();
        let z = own.agree(&provider.ecdh.public_key(&theirs.point()).unwrap()).unwrap();
        let derive = |info: &[u8]| {
            let mut key = [0; 32];
            provider.hkdf.derive(&[0; 32], z.expose(), info, &mut key).unwrap();
            key
        };
        let (hmac, aes) = if protocol == 1 {
            let both = provider.sha256.hash(&[z.expose()]);
            (both, both)
        } else {
            (derive(b"CTAP2 HMAC key"), derive(b"CTAP2 AES key"))
        };
        Self { protocol, key: own.public_key().into(), hmac, aes, provider }
    }

    /// `encrypt` of the protocol.
    pub fn encrypt(&self, message: &[u8]) -> Vec<u8> {
        let iv = if self.protocol == 1 { [0; 16] } else { [0x11; 16] };
        let mut data = message.to_vec();
        self.provider.aes256_cbc.encrypt(&self.aes, &iv, &mut data).unwrap();
        if self.protocol == 1 { data } else { [iv.to_vec(), data].concat() }
    }

    /// `decrypt` of the protocol.
    pub fn decrypt(&self, message: &[u8]) -> Vec<u8> {
        let (iv, data) = if self.protocol == 1 {
            ([0; 16], message)
        } else {
            (message[..16].try_into().unwrap(), &message[16..])
        };
        let mut data = data.to_vec();
        self.provider.aes256_cbc.decrypt(&self.aes, &iv, &mut data).unwrap();
        data
    }

    /// `authenticate` of the protocol, with the shared secret.
    pub fn mac(&self, message: &[u8]) -> Vec<u8> {
        mac(&self.provider, self.protocol, &self.hmac, message)
    }

    /// A new PIN as it is sent: padded to 64 bytes and encrypted.
    pub fn padded(&self, pin: &str) -> Vec<u8> {
        let mut padded = pin.as_bytes().to_vec();
        padded.resize(64, 0);
        self.encrypt(&padded)
    }

    /// A present PIN as it is sent: 16 bytes of its hash, encrypted.
    pub fn pin_hash(&self, pin: &str) -> Vec<u8> {
        self.encrypt(&self.provider.sha256.hash(&[pin.as_bytes()])[..16])
    }

    /// setPIN.
    pub fn set_pin(&self, rig: &mut Rig, pin: &str) -> Result<(), Status> {
        self.set_encrypted(rig, self.padded(pin))
    }

    /// setPIN as a request, not sent.
    pub fn set_pin_request(&self, pin: &str) -> Request {
        let new_pin_enc = self.padded(pin);
        let param = self.mac(&new_pin_enc);
        let (protocol, key_agreement) = (self.protocol, self.key);
        ClientPinRequest::SetPin { protocol, key_agreement, param, new_pin_enc }.into()
    }

    /// setPIN with any bytes in the place of the encrypted PIN.
    pub fn set_encrypted(&self, rig: &mut Rig, new_pin_enc: Vec<u8>) -> Result<(), Status> {
        let request = ClientPinRequest::SetPin {
            protocol: self.protocol,
            key_agreement: self.key,
            param: self.mac(&new_pin_enc),
            new_pin_enc,
        };
        assert_eq!(client_pin(rig, request)?, ClientPinResponse::default());
        Ok(())
    }

    /// changePIN.
    pub fn change_pin(&self, rig: &mut Rig, old: &str, new: &str) -> Result<(), Status> {
        let (new_pin_enc, pin_hash_enc) = (self.padded(new), self.pin_hash(old));
        let request = ClientPinRequest::ChangePin {
            protocol: self.protocol,
            key_agreement: self.key,
            param: self.mac(&[new_pin_enc.clone(), pin_hash_enc.clone()].concat()),
            new_pin_enc,
            pin_hash_enc,
        };
        client_pin(rig, request).map(drop)
    }

    /// getPinToken, whose token has no permissions of its own.
    pub fn legacy_token(&self, rig: &mut Rig, pin: &str) -> Result<PlatformToken, Status> {
        let request = ClientPinRequest::GetPinToken {
            protocol: self.protocol,
            key_agreement: self.key,
            pin_hash_enc: self.pin_hash(pin),
        };
        self.given(client_pin(rig, request)?)
    }

    /// getPinUvAuthTokenUsingPinWithPermissions.
    pub fn pin_token(
        &self,
        rig: &mut Rig,
        pin: &str,
        permissions: Permissions,
        rp: Option<&str>,
    ) -> Result<PlatformToken, Status> {
        let request = ClientPinRequest::GetPinUvAuthTokenUsingPinWithPermissions {
            protocol: self.protocol,
            key_agreement: self.key,
            pin_hash_enc: self.pin_hash(pin),
            permissions,
            rp_id: rp.map(rp_id),
        };
        self.given(client_pin(rig, request)?)
    }

    /// getPinUvAuthTokenUsingUvWithPermissions.
    pub fn uv_token(
        &self,
        rig: &mut Rig,
        permissions: Permissions,
        rp: Option<&str>,
    ) -> Result<PlatformToken, Status> {
        let request = ClientPinRequest::GetPinUvAuthTokenUsingUvWithPermissions {
            protocol: self.protocol,
            key_agreement: self.key,
            permissions,
            rp_id: rp.map(rp_id),
        };
        self.given(client_pin(rig, request)?)
    }

    fn given(&self, response: ClientPinResponse) -> Result<PlatformToken, Status> {
        let value = self.decrypt(&response.pin_uv_auth_token.unwrap());
        assert_eq!(value.len(), 32);
        Ok(PlatformToken { protocol: self.protocol, value })
    }
}

impl PlatformToken {
    /// The proof of having this token, over a message.
    pub fn auth(&self, rig: &Rig, message: &[u8]) -> PinUvAuth {
        let key = Secret::<32>::from_slice(&self.value).unwrap();
        let param = mac(&rig.provider, self.protocol, key.expose(), message);
        PinUvAuth { protocol: self.protocol, param }
    }

    /// Puts the proof into a registration.
    pub fn authorize(&self, rig: &Rig, request: &mut MakeCredentialRequest) {
        let auth = self.auth(rig, CLIENT_DATA_HASH.as_bytes());
        request.pin_uv_auth_param = Some(auth.param);
        request.pin_uv_auth_protocol = Some(auth.protocol);
    }

    /// Puts the proof into a sign-in.
    pub fn authorize_sign_in(&self, rig: &Rig, request: &mut GetAssertionRequest) {
        let auth = self.auth(rig, CLIENT_DATA_HASH.as_bytes());
        request.pin_uv_auth_param = Some(auth.param);
        request.pin_uv_auth_protocol = Some(auth.protocol);
    }
}

fn mac(provider: &CryptoProvider, protocol: u64, key: &[u8; 32], message: &[u8]) -> Vec<u8> {
    let tag = provider.hmac.key(key).sign(&[message]);
    if protocol == 1 { tag[..16].to_vec() } else { tag.to_vec() }
}

/// The salts of `hmac-secret`, as the platform sends them.
pub fn salts(platform: &Platform, salts: &[u8]) -> HmacSecretInput {
    let salt_enc = platform.encrypt(salts);
    HmacSecretInput {
        key_agreement: platform.key,
        salt_auth: platform.mac(&salt_enc),
        salt_enc,
        pin_uv_auth_protocol: Some(platform.protocol),
    }
}

/// authenticatorClientPIN.
pub fn client_pin(rig: &mut Rig, request: ClientPinRequest) -> Result<ClientPinResponse, Status> {
    let response = rig.call(&Request::from(request))?;
    Ok(ClientPinResponse::decode(&response).unwrap())
}

/// The tries that are left for the PIN, and whether a power cycle is wanted first.
pub fn pin_retries(rig: &mut Rig) -> (u64, Option<bool>) {
    let response = client_pin(rig, ClientPinRequest::GetPinRetries).unwrap();
    (response.pin_retries.unwrap(), response.power_cycle_state)
}

/// The tries that are left for built-in verification.
pub fn uv_retries(rig: &mut Rig) -> u64 {
    client_pin(rig, ClientPinRequest::GetUvRetries).unwrap().uv_retries.unwrap()
}
