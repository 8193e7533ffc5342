//! The members of a passkey in JSON, each under every name that it has elsewhere.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{PrfSeeds, StoredCredential, public_key};
use crate::{BadMember, Base64Url, SecretBase64Url};

/// A passkey in JSON.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = StoredCredential)]
pub(super) struct Written {
    /// `passkey`, as in CXF.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    /// The id by which sites know it. Required, or `id`.
    #[serde(deserialize_with = "in_either_alphabet")]
    credential_id: Option<Base64Url>,
    /// The same, as Playwright calls it.
    id: Option<Base64Url>,
    /// The RP ID. Required.
    rp_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rp_name: Option<String>,
    /// The private key as PKCS #8. Required, or `key`.
    #[serde(deserialize_with = "secret_in_either_alphabet")]
    private_key: Option<SecretBase64Url>,
    /// The public key as SubjectPublicKeyInfo, as Playwright has it. It follows from the private
    /// key, and has to be that.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<Base64Url>,
    /// The same, as CXF calls it.
    key: Option<SecretBase64Url>,
    /// Whether it can be found without its id; `true` if missing.
    is_resident_credential: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "in_either_alphabet")]
    user_handle: Option<Base64Url>,
    user_name: Option<String>,
    /// The same as `userName`, as CXF calls it.
    username: Option<String>,
    user_display_name: Option<String>,
    /// How often it has signed; `null`, or -1 as DevTools has it, for one that does not count.
    #[serde(deserialize_with = "count")]
    sign_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_eligibility: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_state: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cred_protect: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cred_blob: Option<SecretBase64Url>,
    /// The large blob, not compressed.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "secret_in_either_alphabet"
    )]
    large_blob: Option<SecretBase64Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    large_blob_key: Option<SecretBase64Url>,
    /// The secret that both seeds of `prf` are derived from, where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    prf_secret: Option<SecretBase64Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fido2_extensions: Option<Fido2Extensions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used_at: Option<i64>,
}

/// Bytes as DevTools has them, too: in the other alphabet of base64.
fn in_either_alphabet<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Base64Url>, D::Error> {
    let text = Option::<String>::deserialize(from)?.map(Zeroizing::new);
    let text = text.map(|text| Zeroizing::new(text.replace('+', "-").replace('/', "_")));
    let bad = || serde::de::Error::custom("it is not base64url");
    text.map(|text| Base64Url::parse(&text).ok_or_else(bad)).transpose()
}

fn secret_in_either_alphabet<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<SecretBase64Url>, D::Error> {
    Ok(in_either_alphabet(from)?.map(|bytes| SecretBase64Url(Zeroizing::new(bytes.0))))
}

fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let count = Option::<i64>::deserialize(from)?.filter(|count| *count != -1);
    let bad = || serde::de::Error::custom("it is not from 0 to 4294967295, -1 or null");
    count.map(|count| u32::try_from(count).map_err(|_| bad())).transpose()
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Passkey,
}

/// What extensions keep, as CXF writes it (§3.3.12.2).
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Fido2Extensions {
    #[serde(skip_serializing_if = "Option::is_none")]
    hmac_credentials: Option<HmacCredentials>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cred_blob: Option<SecretBase64Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    large_blob: Option<CompressedBlob>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payments: Option<bool>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HmacCredentials {
    algorithm: HmacAlgorithm,
    #[serde(rename = "credWithUV")]
    with_uv: SecretBase64Url,
    #[serde(rename = "credWithoutUV")]
    without_uv: SecretBase64Url,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
enum HmacAlgorithm {
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
}

/// A blob compressed by DEFLATE.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CompressedBlob {
    uncompressed_size: u64,
    data: SecretBase64Url,
}

/// The one of two members that is there.
fn either<T: PartialEq>(
    (name, one): (&str, Option<T>),
    (other_name, other): (&str, Option<T>),
) -> Result<Option<T>, BadMember> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => {
            let message = format!("it is not the same as `{name}`; leave out one of the two");
            Err(BadMember::new(other_name, message))
        }
        (one, other) => Ok(one.or(other)),
    }
}

fn required<T>(name: &str, value: Option<T>) -> Result<T, BadMember> {
    value.ok_or_else(|| BadMember::new(name, "it is missing"))
}

impl TryFrom<Written> for StoredCredential {
    type Error = BadMember;

    fn try_from(it: Written) -> Result<Self, BadMember> {
        let cxf = it.fido2_extensions.unwrap_or_default();
        let id = either(("credentialId", it.credential_id), ("id", it.id))?;
        let key = either(("privateKey", it.private_key), ("key", it.key))?;
        let name = either(("userName", it.user_name), ("username", it.username))?;
        let cred_blob =
            either(("credBlob", it.cred_blob), ("fido2Extensions.credBlob", cxf.cred_blob))?;
        let compressed = cxf.large_blob.map(|blob| {
            let blob = super::passkey::inflated(&blob.data.0, blob.uncompressed_size);
            let bad = || {
                let message = "it is not DEFLATE of so many bytes as uncompressedSize says";
                BadMember::new("fido2Extensions.largeBlob", message)
            };
            blob.map(SecretBase64Url).ok_or_else(bad)
        });
        let large_blob = either(
            ("largeBlob", it.large_blob),
            ("fido2Extensions.largeBlob", compressed.transpose()?),
        )?;
        let prf = match (it.prf_secret, cxf.hmac_credentials) {
            (Some(secret), _) => Some(PrfSeeds::One(secret)),
            (None, Some(two)) => {
                Some(PrfSeeds::Two { with_uv: two.with_uv, without_uv: two.without_uv })
            }
            (None, None) => None,
        };
        let credential = Self {
            credential_id: required("credentialId", id)?,
            rp_id: required("rpId", it.rp_id)?,
            rp_name: it.rp_name,
            private_key: required("privateKey", key)?,
            is_resident_credential: it.is_resident_credential.unwrap_or(true),
            user_handle: it.user_handle,
            user_name: name,
            user_display_name: it.user_display_name,
            sign_count: it.sign_count,
            backup_eligibility: it.backup_eligibility,
            backup_state: it.backup_state,
            cred_protect: it.cred_protect.unwrap_or(1),
            cred_blob,
            large_blob,
            large_blob_key: it.large_blob_key,
            prf,
            third_party_payment: cxf.payments.unwrap_or(false),
            created_at: it.created_at,
            changed_at: it.changed_at,
            used_at: it.used_at,
        };
        credential.check()?;
        if let Some(public_key) = it.public_key
            && public_key::of(&credential).is_some_and(|of_it| of_it != public_key)
        {
            return Err(BadMember::new("publicKey", "it is not that of the private key"));
        }
        Ok(credential)
    }
}

impl From<StoredCredential> for Written {
    fn from(it: StoredCredential) -> Self {
        let public_key = public_key::of(&it);
        let seeds = it.prf.as_ref().map(super::passkey::seeds);
        let hmac_credentials = seeds.map(|(with_uv, without_uv)| HmacCredentials {
            algorithm: HmacAlgorithm::HmacSha256,
            with_uv,
            without_uv,
        });
        let large_blob = it.large_blob.as_ref().map(|blob| CompressedBlob {
            uncompressed_size: u64::try_from(blob.0.len()).unwrap_or(u64::MAX),
            data: SecretBase64Url(super::passkey::deflated(&blob.0)),
        });
        let cxf = Fido2Extensions {
            hmac_credentials,
            cred_blob: it.cred_blob.clone(),
            large_blob: large_blob.filter(|blob| blob.uncompressed_size > 0),
            payments: it.third_party_payment.then_some(true),
        };
        let says = cxf.hmac_credentials.is_some()
            || cxf.cred_blob.is_some()
            || cxf.large_blob.is_some()
            || cxf.payments.is_some();
        let prf_secret = match it.prf {
            Some(PrfSeeds::One(secret)) => Some(secret),
            _ => None,
        };
        Self {
            kind: Some(Kind::Passkey),
            id: Some(it.credential_id.clone()),
            credential_id: Some(it.credential_id),
            rp_id: Some(it.rp_id),
            rp_name: it.rp_name,
            key: Some(it.private_key.clone()),
            private_key: Some(it.private_key),
            public_key,
            is_resident_credential: Some(it.is_resident_credential),
            user_handle: it.user_handle,
            username: it.user_name.clone(),
            user_name: it.user_name,
            user_display_name: it.user_display_name,
            sign_count: it.sign_count,
            backup_eligibility: it.backup_eligibility,
            backup_state: it.backup_state,
            cred_protect: (it.cred_protect != 1).then_some(it.cred_protect),
            cred_blob: it.cred_blob,
            large_blob: it.large_blob,
            large_blob_key: it.large_blob_key,
            prf_secret,
            fido2_extensions: says.then_some(cxf),
            created_at: it.created_at,
            changed_at: it.changed_at,
            used_at: it.used_at,
        }
    }
}
