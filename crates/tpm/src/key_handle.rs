//! What is kept of a key: enough to load it, and to tell why it can't be.
//!
//! `form(1) || parent(8) || private || public`. The public half is `x || y` or the modulus; the
//! rest of the public area follows from the form. Of ES256 it is 199 bytes, which fits into a
//! credential id.

use towline_authenticator::KeyHandle;
use towline_ctap::algorithm;
use zeroize::Zeroizing;

use crate::{
    command::Private,
    handle::ObjectName,
    public::{Curve, InScheme, Object, PublicArea},
    template,
};

/// The kinds of keys that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Es256,
    Es384,
    Rs256,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Es256, Self::Es384, Self::Rs256];

    pub(crate) const fn algorithm(self) -> i64 {
        match self {
            Self::Es256 => algorithm::ES256,
            Self::Es384 => algorithm::ES384,
            Self::Rs256 => algorithm::RS256,
        }
    }

    pub(crate) fn of(algorithm: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.algorithm() == algorithm)
    }

    pub(crate) fn template(self) -> PublicArea {
        match self {
            Self::Es256 => template::credential_ecc(Curve::P256),
            Self::Es384 => template::credential_ecc(Curve::P384),
            Self::Rs256 => template::credential_rsa(),
        }
    }

    pub(crate) const fn scheme(self) -> InScheme {
        match self {
            Self::Es256 => InScheme::Ecdsa(256),
            Self::Es384 => InScheme::Ecdsa(384),
            Self::Rs256 => InScheme::Rsassa,
        }
    }

    const fn form(self) -> u8 {
        match self {
            Self::Es256 => 1,
            Self::Es384 => 2,
            Self::Rs256 => 3,
        }
    }

    /// How long the public half is.
    const fn public(self) -> usize {
        match self {
            Self::Es256 => 64,
            Self::Es384 => 96,
            Self::Rs256 => 256,
        }
    }
}

/// Set in the form of a key that opens with the PIN only.
const BEHIND_PIN: u8 = 0x10;

/// How the private part begins: with the length of an HMAC by SHA-256 (TPM 2.0 Part 1 §22.4).
/// Nothing that keys in software are kept as looks like it.
const INTEGRITY: [u8; 2] = [0, 32];
/// That HMAC, an encrypted seed and the number itself, at the least.
const SHORTEST_PRIVATE: usize = 80;

/// Which parent: the beginning of the hash in its name.
pub(crate) type ParentMark = [u8; 8];

/// The mark of a parent's name.
pub(crate) fn mark(parent: &ObjectName) -> ParentMark {
    let mut mark = [0; 8];
    for (to, from) in mark.iter_mut().zip(parent.as_bytes().iter().skip(2)) {
        *to = *from;
    }
    mark
}

/// A key in a TPM, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TpmKey {
    pub(crate) kind: Kind,
    pub(crate) behind_pin: bool,
    pub(crate) parent: ParentMark,
    pub(crate) private: Private,
    pub(crate) public: PublicArea,
}

impl TpmKey {
    pub(crate) fn to_handle(&self) -> Option<KeyHandle> {
        let half = match &self.public.object {
            Object::Ecc { x, y, .. } => [x.as_slice(), y].concat(),
            Object::Rsa { n, .. } => n.clone(),
            Object::Sealed { .. } => return None,
        };
        if half.len() != self.kind.public() {
            return None;
        }
        let form = self.kind.form() | if self.behind_pin { BEHIND_PIN } else { 0 };
        let bytes = [&[form], &self.parent[..], &self.private.0, &half].concat();
        // What comes back has to be what was kept.
        let handle = KeyHandle::new(self.kind.algorithm(), Zeroizing::new(bytes.into()));
        (Self::of(&handle).as_ref() == Some(self)).then_some(handle)
    }

    /// The key of a handle; `None` for a handle of a key that is not in a TPM.
    pub(crate) fn of(handle: &KeyHandle) -> Option<Self> {
        let kind = Kind::of(handle.algorithm())?;
        let (form, rest) = handle.expose().split_first()?;
        if form & !BEHIND_PIN != kind.form() {
            return None;
        }
        let (parent, rest) = rest.split_first_chunk::<8>()?;
        let (private, half) = rest.split_at_checked(rest.len().checked_sub(kind.public())?)?;
        if !private.starts_with(&INTEGRITY) || private.len() < SHORTEST_PRIVATE {
            return None;
        }
        let mut public = kind.template();
        match &mut public.object {
            Object::Ecc { curve, x, y, .. } => {
                let (first, second) = half.split_at_checked(curve.coordinate())?;
                (*x, *y) = (first.into(), second.into());
            }
            Object::Rsa { n, .. } => *n = half.into(),
            Object::Sealed { .. } => return None,
        }
        let private = Private(private.into());
        let behind_pin = form & BEHIND_PIN != 0;
        Some(Self { kind, behind_pin, parent: *parent, private, public })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: Kind, private: usize) -> TpmKey {
        let mut public = kind.template();
        match &mut public.object {
            Object::Ecc { curve, x, y, .. } => {
                (*x, *y) = (vec![5; curve.coordinate()], vec![6; curve.coordinate()]);
            }
            Object::Rsa { n, .. } => *n = vec![7; 256],
            Object::Sealed { .. } => {}
        }
        let mut private = vec![9; private];
        private[..2].copy_from_slice(&INTEGRITY);
        TpmKey { kind, behind_pin: false, parent: [3; 8], private: Private(private), public }
    }

    #[test]
    fn a_key_is_what_it_was_kept_as() {
        for (kind, private, length) in
            [(Kind::Es256, 126, 199), (Kind::Es384, 142, 247), (Kind::Rs256, 222, 487)]
        {
            for behind_pin in [false, true] {
                let key = TpmKey { behind_pin, ..key(kind, private) };
                let handle = key.to_handle().unwrap();
                assert_eq!(handle.expose().len(), length, "{kind:?}");
                assert_eq!(TpmKey::of(&handle), Some(key));
            }
        }
    }

    #[test]
    fn what_is_kept_of_keys_in_software_is_none_of_these() {
        for length in [32, 48, 65, 97, 138, 199, 1218] {
            for first in [0x00, 0x01, 0x30] {
                let mut bytes = vec![0xab; length];
                bytes[0] = first;
                for algorithm in [-7, -35, -257, -8] {
                    let handle = KeyHandle::new(algorithm, Zeroizing::new(bytes.clone().into()));
                    assert_eq!(TpmKey::of(&handle), None);
                }
            }
        }
    }

    #[test]
    fn a_key_that_lost_its_end_is_none() {
        let whole = key(Kind::Es256, 126).to_handle().unwrap();
        for length in 0..whole.expose().len() - 46 {
            let cut = KeyHandle::new(-7, Zeroizing::new(whole.expose()[..length].into()));
            assert_eq!(TpmKey::of(&cut), None, "{length}");
        }
    }
}
