//! Keys of credentials that are not there yet: if the ceremony ends before they are, the key goes.

use crate::{
    KeyHandle, NewKey, Work,
    flow::{Core, Flow, await_or_undo, await_write_or_undo},
    store_access::Write,
};

/// Makes a key pair and goes on with it.
pub(crate) fn generate(
    core: &mut Core,
    algorithm: i64,
    then: impl FnOnce(&mut Core, NewKey) -> Flow + Send + 'static,
) -> Flow {
    let work = core.keys.generate(algorithm);
    await_or_undo(
        core,
        work,
        |core, key| {
            let key = key.map_err(|error| error.status())?;
            let handle = key.handle.clone();
            // Should it be one that was to be deleted, it is not any more.
            core.unneeded.strike(&handle);
            keep_or_forget(core, &handle, |core| then(core, key))
        },
        |core, key| {
            if let Ok(NewKey { handle, .. }) = key {
                core.forget(&handle);
            }
        },
    )
}

/// Waits, with a key that was made but is not stored yet.
pub(crate) fn await_with_key<T: Send + 'static, E: Send + 'static>(
    core: &mut Core,
    key: KeyHandle,
    work: Work<T, E>,
    then: impl FnOnce(&mut Core, Result<T, E>) -> Flow + Send + 'static,
) -> Flow {
    let unused = key.clone();
    await_or_undo(
        core,
        work,
        move |core, result| keep_or_forget(core, &key, |core| then(core, result)),
        move |core, _| core.forget(&unused),
    )
}

/// As [`await_with_key`], for a write.
pub(crate) fn await_write_with_key<T: Send + 'static, E: Send + 'static>(
    core: &mut Core,
    key: KeyHandle,
    write: Write<T, E>,
    then: impl FnOnce(&mut Core, Result<T, E>) -> Flow + Send + 'static,
) -> Flow {
    let unused = key.clone();
    await_write_or_undo(
        core,
        write,
        move |core, result| keep_or_forget(core, &key, |core| then(core, result)),
        move |core| core.forget(&unused),
    )
}

/// Goes on with a key that was made; if that fails, the key goes.
pub(crate) fn keep_or_forget(
    core: &mut Core,
    key: &KeyHandle,
    go_on: impl FnOnce(&mut Core) -> Flow,
) -> Flow {
    let flow = go_on(core);
    if flow.is_err() {
        core.forget(key);
    }
    flow
}
