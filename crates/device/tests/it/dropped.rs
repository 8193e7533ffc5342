//! A transaction may be dropped anywhere, whatever is left to do.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
    mpsc,
};

use towline_authenticator::{Custody, KeyError, KeyHandle, KeyStore, NewKey, Work};
use towline_ctap::{
    ClientDataHash, CosePublicKey, MakeCredentialRequest, Request, Rp, RpId, User, UserHandle,
    algorithm, hid::KeepaliveStatus,
};

use crate::*;

/// A token that makes a key when it is told to, and takes its time to delete one.
struct Slow {
    keys: SoftwareKeys,
    go: Arc<Mutex<mpsc::Receiver<()>>>,
    deleted: Arc<AtomicBool>,
}

impl KeyStore for Slow {
    fn algorithms(&self) -> Vec<i64> {
        self.keys.algorithms()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        let (made, go) = (self.keys.generate(algorithm), self.go.clone());
        Work::later(move || {
            go.lock().unwrap().recv().unwrap();
            match made {
                Work::Done(made) => made,
                Work::Later(run) => run(),
            }
        })
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        self.keys.sign(key, parts)
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        self.keys.public_key(key)
    }

    fn custody(&self, _: &KeyHandle) -> Custody {
        Custody::Held
    }

    fn forget(&mut self, _: &KeyHandle) -> Work<(), KeyError> {
        let deleted = self.deleted.clone();
        Work::later(move || {
            deleted.store(true, Relaxed);
            Ok(())
        })
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        self.keys.clear()
    }
}

#[test]
fn outside_of_the_runtime_its_work_waits_for_the_next_call() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    let (tell, go) = mpsc::channel();
    let deleted = Arc::new(AtomicBool::new(false));
    let provider = towline_crypto::rustcrypto::provider();
    let keys = Slow {
        keys: SoftwareKeys::new(provider.clone()),
        go: Arc::new(Mutex::new(go)),
        deleted: deleted.clone(),
    };
    let key =
        Authenticator::new(Config::security_key(), provider, MemoryStore::new(), keys).unwrap();
    let mut asked = 0;
    let person = person_fn(move |_| {
        asked += 1;
        let agrees = asked == 1;
        async move { if agrees { Answer::Approve } else { pending().await } }
    });
    let mut device = Device::new(key, person);
    let rp = Rp { id: RpId::new("example.org").unwrap(), name: None };
    let user = User {
        id: UserHandle::new(b"alice").unwrap(),
        name: Some("alice".into()),
        display_name: None,
    };
    let hash = ClientDataHash::new([7; 32]);
    let request = MakeCredentialRequest::new(hash, rp, user, vec![algorithm::ES256]);
    let tokio = runtime();
    tokio.block_on(async {
        device.request(Transport::Usb, ONE, &Request::from(request).encode());
        // Until the key is being made.
        loop {
            let next = device.next().await;
            if matches!(next, Delivery::Status { status: KeepaliveStatus::Processing, .. }) {
                break;
            }
        }
        device.cancel(ONE);
        assert_eq!(response(&mut device).await, (ONE, CANCELLED.to_vec()));
    });
    // Made for nobody; while another request is under way it is not deleted.
    tell.send(()).unwrap();
    let mut selection = Box::pin(device.transact(Transport::Usb, ONE, &SELECTION));
    tokio.block_on(async { timeout(Duration::from_millis(1), &mut selection).await.unwrap_err() });
    drop(selection);
    assert!(!deleted.load(Relaxed));
    tokio.block_on(let_it_run(&mut device));
    assert!(deleted.load(Relaxed));
}
