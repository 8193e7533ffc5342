//! Sessions and policies (TPM 2.0 Part 3 §11, §23).

use towline_crypto::CryptoProvider;

use super::{CommandCode, TpmCommand, required};
use crate::{
    handle::{Handle, ObjectName, SHA256},
    wire::{Reader, Unreadable, Writer},
};

/// A session that was started.
#[derive(Debug, Clone)]
pub struct StartedSession {
    /// The handle by which commands find it.
    pub handle: Handle,
    /// The TPM's first nonce.
    pub nonce: [u8; 32],
}

const HMAC: u8 = 0;
const POLICY: u8 = 1;

fn session(
    salted_to: Handle,
    nonce: &[u8; 32],
    salt: &[u8],
    kind: u8,
    encryption: &[u16],
) -> TpmCommand<StartedSession> {
    let parameters = Writer::new().sized(nonce).sized(salt).u8(kind);
    let parameters = encryption.iter().fold(parameters, |writer, part| writer.u16(*part));
    TpmCommand::new(CommandCode::StartAuthSession, parameters.u16(SHA256), |handle, reader| {
        let nonce = reader.sized(64)?.try_into();
        let nonce = nonce.map_err(|_| Unreadable("nonce of a session"))?;
        Ok(StartedSession { handle: required(handle)?, nonce })
    })
    .about(salted_to, &salted_to.name())
    .about(Handle::NULL, &Handle::NULL.name())
    .giving_handle()
}

impl TpmCommand<StartedSession> {
    /// `TPM2_StartAuthSession` that authorises by HMAC, with a salt that was encrypted for a
    /// parent, and with AES-128-CFB for parameters.
    #[must_use]
    pub fn start_salted(parent: Handle, nonce: &[u8; 32], encrypted_salt: &[u8]) -> Self {
        const AES_128_CFB: [u16; 3] = [0x0006, 0x0080, 0x0043];
        session(parent, nonce, encrypted_salt, HMAC, &AES_128_CFB)
    }

    /// `TPM2_StartAuthSession` that authorises by policy. Nothing is encrypted by it.
    #[must_use]
    pub fn start_policy(nonce: &[u8; 32]) -> Self {
        const NULL: [u16; 1] = [0x0010];
        session(Handle::NULL, nonce, &[], POLICY, &NULL)
    }
}

/// The policy that is met by whoever knows the authorisation value of something (TPM 2.0 Part 3
/// §23.4), and nothing else.
#[must_use]
pub fn policy_secret(provider: &CryptoProvider, name: &ObjectName) -> [u8; 32] {
    let code = CommandCode::PolicySecret.number().to_be_bytes();
    let first = provider.sha256.hash(&[&[0; 32], &code, name.as_bytes()]);
    provider.sha256.hash(&[&first])
}

impl TpmCommand<()> {
    /// `TPM2_PolicySecret`: the policy session is told that the authorisation value of something
    /// was known, for as long as the session lasts.
    #[must_use]
    pub fn policy_secret(of: Handle, name: &ObjectName, policy: Handle) -> Self {
        // No nonce, no hash of a command, no reference, no expiry.
        let parameters = Writer::new().u16(0).u16(0).u16(0).u32(0);
        Self::new(CommandCode::PolicySecret, parameters, |_, reader: &mut Reader<'_>| {
            // A time-out and a ticket, which are empty.
            reader.sized(64)?;
            let (_tag, _hierarchy) = (reader.u16()?, reader.u32()?);
            reader.sized(64).map(drop)
        })
        .by(of, name)
        .about(policy, &policy.name())
    }
}
