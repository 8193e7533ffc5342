//! In memory and in a folder of this machine, by the engines of `object_store`.

use std::{fs, sync::Arc};

use towline_sync_object::object_store::{
    ObjectStore, ObjectStoreExt as _, local::LocalFileSystem, memory::InMemory, path::Path,
};

use super::*;

fn over<E: ObjectStore>(engine: &Arc<E>, circle: ObjectHash) -> RemoteStore {
    RemoteStore::over(engine.clone(), circle).unwrap()
}

#[test]
fn in_memory() {
    let engine = Arc::new(InMemory::new());
    four_verbs(&over(&engine, CIRCLE));
    two_devices_share(|circle| over(&engine, circle));
}

#[test]
fn in_a_folder() {
    let folder = std::env::temp_dir().join(format!("towline-object-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let engine = Arc::new(LocalFileSystem::new_with_prefix(&folder).unwrap());
    four_verbs(&over(&engine, CIRCLE));
    two_devices_share(|circle| over(&engine, circle));
    fs::remove_dir_all(folder).unwrap();
}

/// The program may have a runtime of its own, and may wait on it.
#[test]
fn from_within_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = RemoteStore::over(Arc::new(InMemory::new()), CIRCLE).unwrap();
        four_verbs(&store);
    });
}

#[test]
fn what_is_there_under_a_name_is_left_if_it_is_the_same_and_mended_if_not() {
    let engine = Arc::new(InMemory::new());
    let store = over(&engine, CIRCLE);
    let path = Path::from(format!("{}/{NAME}", "07".repeat(16)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let version = || runtime.block_on(engine.head(&path)).unwrap().e_tag;
    store.put(NAME, b"bytes").unwrap();
    let first = version();
    store.put(NAME, b"bytes").unwrap();
    assert_eq!(version(), first, "it is written once");
    runtime.block_on(engine.put(&path, b"damaged"[..].into())).unwrap();
    store.put(NAME, b"bytes").unwrap();
    assert_eq!(store.get(NAME).unwrap().as_deref(), Some(&b"bytes"[..]));
}

#[test]
fn what_is_too_long_is_not_read_and_other_names_are_passed_over() {
    let engine = Arc::new(InMemory::new());
    let store = over(&engine, CIRCLE);
    store.put(NAME, &vec![1; NAME.limit() + 1]).unwrap();
    assert_eq!(store.get(NAME).unwrap(), None);
    let crypto = rustcrypto::provider();
    let mut first = begin(&crypto);
    let store = over(&engine, first.id());
    make(&mut first, 1);
    sync(&mut first, &store);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for name in store.list().unwrap() {
        let other = Path::from(format!("{}/{name} (conflicted copy)", hex(first.id())));
        runtime.block_on(engine.put(&other, b"not ours"[..].into())).unwrap();
    }
    let mut second = join(&crypto, &mut first);
    sync(&mut first, &store);
    sync(&mut second, &store);
    assert!(has(&second, 1));
}

pub(super) fn hex(circle: ObjectHash) -> String {
    circle.0.iter().map(|byte| format!("{byte:02x}")).collect()
}
