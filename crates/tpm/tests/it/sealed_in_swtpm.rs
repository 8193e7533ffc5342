//! A secret that only one TPM opens.

use towline_crypto::Secret;
use towline_tpm::{Error, seal, unseal};

use crate::swtpm::{Swtpm, tapped, worker};

#[test]
fn a_sealed_secret_opens_in_its_own_tpm() {
    let (Some(mut swtpm), Some(other)) = (Swtpm::new(), Swtpm::new()) else { return };
    let secret = Secret::new([0x5a; 32]);
    let sealed = {
        let (tap, _, worker) = tapped(&swtpm);
        let sealed = seal(&worker, &secret).unwrap();
        assert_eq!(unseal(&worker, &sealed).unwrap(), secret);
        let seen = tap.lock().unwrap();
        assert!(!seen.windows(32).any(|window| window == [0x5a; 32]), "it was seen on the way");
        sealed
    };
    swtpm.restart();
    assert_eq!(unseal(&worker(&swtpm), &sealed).unwrap(), secret);
    let refused = unseal(&worker(&other), &sealed).unwrap_err();
    assert!(matches!(refused, Error::AnotherTpm), "{refused}");
    for place in [0, 11, 60, 150, sealed.len() - 1] {
        let mut damaged = sealed.clone();
        damaged[place] ^= 1;
        let refused = unseal(&worker(&swtpm), &damaged).unwrap_err();
        assert!(matches!(refused, Error::Damaged), "byte {place}: {refused}");
    }
    assert!(matches!(unseal(&worker(&swtpm), &[]), Err(Error::Damaged)));
}
