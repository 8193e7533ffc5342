//! What a relying party keeps of a credential.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use towline_ctap::{Aaguid, CosePublicKey};

/// A credential as sign-ins are checked against it (WebAuthn L3 §4, "credential record").
///
/// Keep it in whatever form suits the database: through serde, with binary members in base64url, or
/// member by member, where [`CosePublicKey::encode`] and [`CosePublicKey::decode`] turn the key
/// into bytes and back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRecord {
    /// The credential id, of 1 to 1023 bytes.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub id: Vec<u8>,
    /// The key that signatures are verified with.
    #[serde(serialize_with = "write_key", deserialize_with = "read_key")]
    pub public_key: CosePublicKey,
    /// The signature counter as it was last seen; 0 for an authenticator that does not count.
    pub sign_count: u32,
    /// Flag BE at the registration, which never changes.
    pub backup_eligible: bool,
    /// Flag BS as it was last seen.
    pub backed_up: bool,
    /// Whether the person has been verified with this credential (flag UV) at least once.
    pub uv_initialized: bool,
    /// How the authenticator can be reached, for the lists in options.
    pub transports: Vec<String>,
    /// The model of the authenticator, as it says without proof.
    #[serde(serialize_with = "write_model", deserialize_with = "read_model")]
    pub aaguid: Aaguid,
    /// The user handle of the account.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub user_handle: Vec<u8>,
}

fn write<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
}

fn read<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    URL_SAFE_NO_PAD.decode(text).map_err(D::Error::custom)
}

fn write_key<S: Serializer>(key: &CosePublicKey, to: S) -> Result<S::Ok, S::Error> {
    write(&key.encode(), to)
}

fn read_key<'a, D: Deserializer<'a>>(from: D) -> Result<CosePublicKey, D::Error> {
    CosePublicKey::decode(&read(from)?).map_err(D::Error::custom)
}

fn write_model<S: Serializer>(aaguid: &Aaguid, to: S) -> Result<S::Ok, S::Error> {
    write(aaguid.as_bytes(), to)
}

fn read_model<'a, D: Deserializer<'a>>(from: D) -> Result<Aaguid, D::Error> {
    let bytes = read(from)?;
    let bytes = bytes.try_into().map_err(|_| D::Error::custom("an AAGUID has 16 bytes"))?;
    Ok(Aaguid::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was_kept() {
        let mut point = [7; 65];
        point[0] = 4;
        let record = CredentialRecord {
            id: vec![0, 255, 3],
            public_key: CosePublicKey::from_plain(-7, &point).unwrap(),
            sign_count: u32::MAX,
            backup_eligible: true,
            backed_up: false,
            uv_initialized: true,
            transports: vec!["hybrid".into()],
            aaguid: Aaguid::new([9; 16]),
            user_handle: vec![1; 32],
        };
        let kept = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<CredentialRecord>(&kept).unwrap(), record);
        for cut in 0..kept.len() {
            assert!(serde_json::from_str::<CredentialRecord>(&kept[..cut]).is_err());
        }
        let short = kept.replace(&URL_SAFE_NO_PAD.encode([9; 16]), "AAAA");
        assert!(serde_json::from_str::<CredentialRecord>(&short).is_err());
    }
}
