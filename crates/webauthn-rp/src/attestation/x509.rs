//! Certificates of attestation: what they say, and whether they lead to a root (RFC 5280).

use towline_crypto::CryptoProvider;
use towline_ctap::algorithm;
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

use super::{
    TrustAnchors,
    judge::{Flaw, Verdict, ensure},
};

/// A certificate of a statement, beside the bytes that its digest is taken of.
pub(super) struct Certificate<'a> {
    der: &'a [u8],
    pub(super) it: X509Certificate<'a>,
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Result<Self, Flaw> {
        match X509Certificate::from_der(der) {
            Ok(([], it)) => Ok(Self { der, it }),
            _ => Err(Flaw::Wrong("a certificate can't be read")),
        }
    }

    /// The key in the plain form of its algorithm.
    pub(super) fn key(&self) -> &[u8] {
        &self.it.public_key().subject_public_key.data
    }

    /// Whether it is critical, and its value.
    pub(super) fn extension(&self, oid: &str) -> Option<(bool, &'a [u8])> {
        let found = self.it.extensions().iter().find(|it| it.oid.to_id_string() == oid)?;
        Some((found.critical, found.value))
    }

    /// Version 3, and no authority.
    pub(super) fn check_end_entity(&self) -> Verdict {
        let basic = self.it.basic_constraints().ok().flatten();
        let entity = basic.is_some_and(|basic| !basic.value.ca);
        ensure(self.it.version().0 == 2 && entity, "the certificate is of another kind")
    }

    /// Whether this is a signature of the certificate's key.
    pub(super) fn check_signature(
        &self,
        alg: i64,
        message: &[u8],
        signature: &[u8],
        provider: &CryptoProvider,
    ) -> Verdict {
        let algorithm = provider.signature(alg).ok_or(Flaw::Unsupported)?;
        let holds = algorithm.verify(self.key(), message, signature).is_ok();
        ensure(holds, "its signature does not match")
    }

    fn is_signed_by(&self, issuer: &Certificate<'_>, provider: &CryptoProvider) -> bool {
        let alg = match self.it.signature_algorithm.algorithm.to_id_string().as_str() {
            "1.2.840.10045.4.3.2" => algorithm::ES256,
            "1.2.840.10045.4.3.3" => algorithm::ES384,
            "1.2.840.113549.1.1.11" => algorithm::RS256,
            "1.3.101.112" => algorithm::EDDSA,
            _ => return false,
        };
        let signs = |usage: Option<bool>| usage != Some(false);
        let usage = issuer.it.key_usage().ok().flatten().map(|it| it.value.key_cert_sign());
        let signed = self.it.tbs_certificate.as_ref();
        issuer.it.subject() == self.it.issuer()
            && issuer.it.is_ca()
            && signs(usage)
            && issuer.check_signature(alg, signed, &self.it.signature_value.data, provider).is_ok()
    }

    /// Whether so many authorities may stand between it and the end.
    fn allows(&self, between: usize) -> bool {
        let basic = self.it.basic_constraints().ok().flatten();
        let most = basic.and_then(|basic| basic.value.path_len_constraint);
        most.is_none_or(|most| usize::try_from(most).is_ok_and(|most| between <= most))
    }
}

/// Each certificate is signed by the next, and the last is a root, or is signed by one (§7.1 step
/// 24).
pub(super) fn check_chain(
    x5c: &[Certificate<'_>],
    anchors: &TrustAnchors,
    provider: &CryptoProvider,
) -> Verdict {
    let untrusted = |holds: bool, reason| if holds { Ok(()) } else { Err(Flaw::Untrusted(reason)) };
    let now = ASN1Time::from_timestamp(anchors.seconds()).map_err(|_| Flaw::Unsupported)?;
    let valid = |it: &Certificate<'_>| it.it.validity().is_valid_at(now);
    untrusted(x5c.iter().all(valid), "a certificate is not valid now")?;
    for (place, pair) in x5c.windows(2).enumerate() {
        let [one, next] = pair else { continue };
        let holds = one.is_signed_by(next, provider) && next.allows(place);
        untrusted(holds, "its certificates are no chain")?;
    }
    let last = x5c.last().ok_or(Flaw::Wrong("it has no certificate"))?;
    let known = anchors.roots().iter().any(|der| {
        der == last.der
            || Certificate::parse(der).is_ok_and(|root| {
                let between = x5c.len().saturating_sub(1);
                valid(&root) && root.allows(between) && last.is_signed_by(&root, provider)
            })
    });
    untrusted(known, "it leads to no root that is trusted")
}
