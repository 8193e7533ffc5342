//! A secret that only this TPM opens: the key of a store, say.

use towline_crypto::Secret;

use crate::{
    code::Code,
    command::{Private, TpmCommand},
    error::Error,
    key_handle::mark,
    public::PublicArea,
    session::{Authorization, Encryption},
    template,
    wire::{Reader, Unreadable, Writer},
    worker::{PATIENCE, Worker},
};

const VERSION: u8 = 1;

/// Seals a secret: what comes back opens in this TPM only, for whoever has both. It is not bound to
/// the state of the machine, and gone for good when the TPM is cleared.
///
/// # Errors
/// [`Error`].
pub fn seal(worker: &Worker, secret: &Secret<32>) -> Result<Vec<u8>, Error> {
    let secret = secret.clone();
    worker.run(PATIENCE, move |tpm| {
        tpm.with_parent(|tpm, parent| {
            let template = template::sealed(Vec::new());
            let create = TpmCommand::create(parent, &[], secret.expose(), &template);
            let made = tpm.execute(create, &[Authorization::Value(&[])], Encryption::COMMAND)?;
            let writer = Writer::new().u8(VERSION).raw(&mark(&parent.name));
            let writer = writer.sized(&made.private.0).sized(&made.public.encode());
            Ok(writer.finish().to_vec())
        })
    })
}

/// Opens what [`seal`] has made.
///
/// # Errors
/// [`Error::AnotherTpm`] where it was made in another TPM, or before this one was cleared;
/// [`Error::Damaged`].
pub fn unseal(worker: &Worker, sealed: &[u8]) -> Result<Secret<32>, Error> {
    let (made_under, private, public) = read(sealed).map_err(|_| Error::Damaged)?;
    worker.run(PATIENCE, move |tpm| {
        tpm.with_parent(|tpm, parent| {
            if mark(&parent.name) != made_under {
                return Err(Error::AnotherTpm);
            }
            let load = TpmCommand::load(parent, &private, &public);
            let damaged = |error: Error| match error.code().and_then(crate::ResponseCode::code) {
                Some(Code::Integrity | Code::Binding | Code::Size) => Error::Damaged,
                _ => error,
            };
            let object = tpm.execute(load, &[Authorization::Empty], Encryption::default());
            let unseal = TpmCommand::unseal(&object.map_err(damaged)?);
            let secret = tpm.execute(unseal, &[Authorization::Value(&[])], Encryption::RESPONSE)?;
            Secret::from_slice(&secret).map_err(|_| Error::Damaged)
        })
    })
}

fn read(sealed: &[u8]) -> Result<([u8; 8], Private, PublicArea), Unreadable> {
    let mut reader = Reader::new(sealed, "sealed secret");
    if reader.u8()? != VERSION {
        return Err(reader.malformed());
    }
    let parent = reader.array()?;
    let private = Private(reader.sized(1024)?.into());
    let public = PublicArea::decode(reader.sized(1024)?)?;
    reader.end()?;
    Ok((parent, private, public))
}
