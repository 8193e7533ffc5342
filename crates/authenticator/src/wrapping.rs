//! The secret that wraps credentials: read when it is needed first, and made when there is none.

use towline_crypto::Secret;
use towline_ctap::Status;
use zeroize::Zeroizing;

use crate::{
    Change, Record,
    flow::{Core, Flow, await_work, await_write},
    wrapped::{Wrapper, Wrapping},
};

/// Goes on when it is known what wraps credentials, or that nothing does. The store is asked once.
pub(crate) fn load(core: &mut Core, then: impl FnOnce(&mut Core) -> Flow + Send + 'static) -> Flow {
    if !matches!(core.state.wrapping, Wrapping::Unread) {
        return then(core);
    }
    let work = core.store.record(Record::WrappingSecret);
    await_work(core, work, |core, record| {
        core.state.wrapping = match record.map_err(|error| error.status())? {
            None => Wrapping::Absent,
            Some(record) => {
                let secret = Secret::from_slice(&record).map_err(|_| {
                    // To go on as if there were none would make a new one, and lose all credentials
                    // for good.
                    let record = Record::WrappingSecret.name();
                    tracing::error!(record, "a record in the store is damaged");
                    Status::Other
                })?;
                Wrapping::Present(Box::new(Wrapper::new(&core.provider, &secret)?))
            }
        };
        then(core)
    })
}

/// As [`load`]; the secret is made, and stored, if there is none yet. Never is one stored in the
/// place of another.
pub(crate) fn load_or_create(
    core: &mut Core,
    then: impl FnOnce(&mut Core) -> Flow + Send + 'static,
) -> Flow {
    load(core, |core| {
        if !matches!(core.state.wrapping, Wrapping::Absent) {
            return then(core);
        }
        let secret: Secret<32> = core.provider.random.secret().map_err(|_| Status::Other)?;
        let value = Zeroizing::new(secret.expose().to_vec());
        // What is stored is not known until the store has answered.
        core.state.wrapping = Wrapping::Unread;
        let new = Change::NewRecord { record: Record::WrappingSecret, value };
        let write = core.store.commit(vec![new]);
        await_write(core, write, |core, saved| {
            saved.map_err(|error| error.status())?;
            // What counts is what is there, whoever wrote it: a secret that took the place of
            // another would lose for good all that is wrapped with that.
            load(core, |core| match core.state.wrapping {
                Wrapping::Present(_) => then(core),
                Wrapping::Absent | Wrapping::Unread => Err(Status::Other),
            })
        })
    })
}
