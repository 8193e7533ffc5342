//! Which provider of passkeys the phone is: its AAGUID, and who vouches for it.

use towline::{
    authenticator::{BatchAttestation, Config},
    crypto::CryptoProvider,
};

use crate::{
    args,
    attestation::{self, Vouching},
    exit::Failure,
};

/// The phone that the arguments describe.
pub(super) fn config(args: &args::Phone, provider: &CryptoProvider) -> Result<Config, Failure> {
    let mut config = Config::phone();
    if let (Some(key), Some(certificates)) = (&args.attestation_key, &args.attestation_certificates)
    {
        let Vouching { key, certificates } = attestation::read(key, certificates, provider)?;
        config = config.with_batch_attestation(BatchAttestation { key, certificates });
    }
    if let Some(aaguid) = args.aaguid {
        config.identity.aaguid = aaguid;
    }
    config.validate().map_err(|_| {
        let message = "the certificate of --attestation-certificates is of another model than --aaguid; leave --aaguid \
                       out, or use the certificate of this model";
        Failure::usage("attestation", message)
    })?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use towline::{authenticator::AttestationFormat, crypto::rustcrypto};

    use super::*;
    use crate::args::{Cli, Command};

    const MODEL: &str = "d548826e-79b4-db40-a3d8-11116f7e8349";
    const OTHER: &str = "00112233-4455-6677-8899-aabbccddeeff";

    fn phone(more: &[&str]) -> Result<Config, Failure> {
        let line = ["towline", "phone", "--domain", "0"].iter().chain(more);
        let Command::Phone(args) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        config(&args, &rustcrypto::provider())
    }

    /// The files of a batch key whose certificate is for a model.
    fn batch(directory: &std::path::Path) -> [String; 4] {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let aaguid = args::aaguid(MODEL).unwrap();
        let value = [&[0x04, 16][..], aaguid.as_bytes()].concat();
        let id = [1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];
        params.custom_extensions.push(rcgen::CustomExtension::from_oid_content(&id, value));
        let certificate = params.self_signed(&key).unwrap();
        let place = |name: &str| directory.join(name).display().to_string();
        std::fs::write(place("batch.key"), key.serialize_pem()).unwrap();
        std::fs::write(place("batch.pem"), certificate.pem()).unwrap();
        ["--attestation-key", "batch.key", "--attestation-certificates", "batch.pem"]
            .map(|word| if word.starts_with("--") { word.to_owned() } else { place(word) })
    }

    #[test]
    fn a_phone_is_the_provider_that_its_arguments_say() {
        let usual = phone(&[]).unwrap();
        assert_eq!(usual, Config::phone());
        assert_eq!(phone(&["--aaguid", MODEL]).unwrap().identity.aaguid.to_string(), MODEL);

        let directory = std::env::temp_dir().join(format!("towline-batch-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let files = batch(&directory);
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let vouched = phone(&files).unwrap();
        assert_eq!(vouched.identity.aaguid.to_string(), MODEL, "as its certificate says");
        assert!(vouched.attestation.batch.is_some());
        assert_eq!(vouched.attestation.formats[0], AttestationFormat::PackedBasic);
        assert!(phone(&[&files[..], &["--aaguid", MODEL]].concat()).is_ok());
        let other = phone(&[&files[..], &["--aaguid", OTHER]].concat()).unwrap_err();
        assert_eq!((other.exit, other.reason), (crate::exit::Exit::Usage, "attestation"));
        assert!(other.message.contains("another model"), "{}", other.message);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_batch_key_needs_its_certificates() {
        let lines = [
            &["--attestation-key", "a"][..],
            &["--attestation-certificates", "a"],
            &["--aaguid", "1"],
        ];
        for more in lines {
            let line = ["towline", "phone", "--domain", "0"].iter().chain(more);
            assert!(Cli::try_parse_from(line).is_err(), "{more:?}");
        }
    }
}
