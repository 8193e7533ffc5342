//! How what is kept becomes bytes: the members of a struct one after the other, in the order in
//! which it names them.
//!
//! | what | bytes |
//! | --- | --- |
//! | a number | seven bits a byte, the lowest first; the top bit says that more follow; never longer than needed |
//! | an integer with sign | as a number, zigzag-encoded: 0, -1, 1, -2, ... are 0, 1, 2, 3, ... |
//! | a truth value | one byte, 0 or 1 |
//! | bytes, text | the length as a number, then the bytes |
//! | a secret of fixed length | its bytes |
//! | what may be absent | a truth value, then what it is if it is there |

use towline_crypto::Secret;
use towline_ctap::{
    CredentialId, LargeBlobKey, RpId, User, UserHandle,
    extension::{CredentialProtectionPolicy, LargeBlob},
};

use super::SecretBytes;

/// A value that is kept.
pub(crate) trait Kept: Sized {
    /// What it is in forms that did not have it yet; `None` for what has always been there.
    const BEFORE: Option<Self> = None;

    /// How many bytes it takes: with room for all, nothing moves while it is written, and so no
    /// copy of a secret is left behind.
    fn room(&self) -> usize;

    /// Appends the encoding, which says where it ends.
    fn put(&self, bytes: &mut Vec<u8>);

    /// Reads what [`Self::put`] has written; `None` for anything else.
    fn take(rest: &mut Rest<'_>) -> Option<Self>;
}

/// What is still to be read.
pub(crate) struct Rest<'a> {
    bytes: &'a [u8],
    form: u32,
    /// The RP ID that is expected, whose text is shared where it is this one.
    rp_id: Option<&'a RpId>,
}

/// Defines a struct together with the way in which it is kept, so that there is no member of which
/// nobody has said how.
///
/// Members stand after the form that has them first. Add new ones at the end, under a new form:
/// what was written in an earlier one has none of them, and is read with [`Kept::BEFORE`] of their
/// types.
macro_rules! kept {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $(since $form:literal {
                $($(#[$member_doc:meta])* pub $member:ident: $type:ty,)+
            })+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($($(#[$member_doc])* pub $member: $type,)+)+
        }

        impl $name {
            /// The form in which it is written.
            pub(crate) const FORM: u32 = $crate::credential::kept::newest(&[$($form),+]);

            /// Each member, with the form that had it first.
            #[cfg(test)]
            pub(crate) const MEMBERS: &[(u32, &str)] = &[$($(($form, stringify!($member)),)+)+];
        }

        impl $crate::credential::kept::Kept for $name {
            fn room(&self) -> usize {
                let Self { $($($member,)+)+ } = self;
                0_usize $($(.saturating_add($crate::credential::kept::Kept::room($member)))+)+
            }

            fn put(&self, bytes: &mut Vec<u8>) {
                let Self { $($($member,)+)+ } = self;
                $($($crate::credential::kept::Kept::put($member, bytes);)+)+
            }

            fn take(rest: &mut $crate::credential::kept::Rest<'_>) -> Option<Self> {
                Some(Self { $($($member: rest.member($form)?,)+)+ })
            }
        }
    };
}
pub(crate) use kept;

/// The highest number.
pub(crate) const fn newest(forms: &[u32]) -> u32 {
    match forms {
        [] => 0,
        [first, rest @ ..] => {
            let rest = newest(rest);
            if *first > rest { *first } else { rest }
        }
    }
}

impl<'a> Rest<'a> {
    /// Bytes that were written in this form, which they do not begin with.
    #[cfg(test)]
    const fn new(bytes: &'a [u8], form: u32) -> Self {
        Self { bytes, form, rp_id: None }
    }

    /// The form, which the bytes begin with, as what follows is to be read.
    pub(crate) fn of_any_form(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = Self { bytes, form: 0, rp_id: None };
        rest.form = u32::try_from(rest.number()?).ok()?;
        Some(rest)
    }

    /// The same, of a credential that is most likely for this relying party.
    pub(crate) const fn expecting(self, rp_id: Option<&'a RpId>) -> Self {
        Self { rp_id, ..self }
    }

    pub(crate) const fn form(&self) -> u32 {
        self.form
    }

    /// Whether nothing is left.
    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A member that there is since this form.
    pub(crate) fn member<T: Kept>(&mut self, since: u32) -> Option<T> {
        if self.form >= since { T::take(self) } else { T::BEFORE }
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return (bits != 0 || shift == 0).then_some(number);
            }
        }
        None
    }

    /// Bytes, where they are.
    pub(crate) fn part(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.exactly(length)
    }

    fn exactly(&mut self, length: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(part)
    }

    /// Goes past what may be absent.
    pub(crate) fn skip_optional_part(&mut self) -> Option<()> {
        if bool::take(self)? {
            self.part()?;
        }
        Some(())
    }
}

pub(crate) fn put_part(bytes: &mut Vec<u8>, part: &[u8]) {
    length(part).put(bytes);
    bytes.extend_from_slice(part);
}

fn room_of(part: &[u8]) -> usize {
    length(part).room().saturating_add(part.len())
}

/// A length in memory always fits 64 bits.
fn length(part: &[u8]) -> u64 {
    u64::try_from(part.len()).unwrap_or(u64::MAX)
}

impl Kept for u64 {
    const BEFORE: Option<Self> = Some(0);

    fn room(&self) -> usize {
        let mut room: usize = 1;
        let mut number = *self >> 7;
        while number != 0 {
            room = room.saturating_add(1);
            number >>= 7;
        }
        room
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        let mut number = *self;
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                return bytes.push(low);
            }
            bytes.push(low | 0x80);
        }
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        rest.number()
    }
}

const fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

impl Kept for i64 {
    fn room(&self) -> usize {
        zigzag(*self).room()
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        zigzag(*self).put(bytes);
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        let number = rest.number()?;
        Some((number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg())
    }
}

impl Kept for bool {
    const BEFORE: Option<Self> = Some(false);

    fn room(&self) -> usize {
        1
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push((*self).into());
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        match rest.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<T: Kept> Kept for Option<T> {
    const BEFORE: Option<Self> = Some(None);

    fn room(&self) -> usize {
        self.as_ref().map_or(0, T::room).saturating_add(1)
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        self.is_some().put(bytes);
        if let Some(value) = self {
            value.put(bytes);
        }
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        if bool::take(rest)? { T::take(rest).map(Some) } else { Some(None) }
    }
}

impl<T: Kept> Kept for Box<T> {
    fn room(&self) -> usize {
        (**self).room()
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        (**self).put(bytes);
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        T::take(rest).map(Self::new)
    }
}

/// What is one run of bytes, of any length.
macro_rules! bytes {
    ($($type:ty: $as_bytes:expr, $read:expr;)+) => {
        $(impl Kept for $type {
            fn room(&self) -> usize {
                let as_bytes: fn(&$type) -> &[u8] = $as_bytes;
                room_of(as_bytes(self))
            }

            fn put(&self, bytes: &mut Vec<u8>) {
                let as_bytes: fn(&$type) -> &[u8] = $as_bytes;
                put_part(bytes, as_bytes(self));
            }

            fn take(rest: &mut Rest<'_>) -> Option<Self> {
                let read: fn(&[u8]) -> Option<Self> = $read;
                read(rest.part()?)
            }
        })+
    };
}

bytes! {
    CredentialId: |id| id.as_bytes(), |bytes| Self::new(bytes).ok();
    UserHandle: |handle| handle.as_bytes(), |bytes| Self::new(bytes).ok();
    String: |text| text.as_bytes(), |bytes| str::from_utf8(bytes).ok().map(Into::into);
    Box<[u8]>: |bytes| bytes, |bytes| Some(bytes.into());
    SecretBytes: |secret| secret.expose(), |bytes| Some(bytes.into());
}

impl Kept for RpId {
    fn room(&self) -> usize {
        room_of(self.as_str().as_bytes())
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        put_part(bytes, self.as_str().as_bytes());
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        let bytes = rest.part()?;
        match rest.rp_id {
            Some(expected) if expected.as_str().as_bytes() == bytes => Some(expected.clone()),
            _ => Self::new(str::from_utf8(bytes).ok()?).ok(),
        }
    }
}

impl Kept for Secret<32> {
    fn room(&self) -> usize {
        32
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.expose());
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        Self::from_slice(rest.exactly(32)?).ok()
    }
}

impl Kept for LargeBlobKey {
    fn room(&self) -> usize {
        32
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.expose());
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        Secret::take(rest).map(Self::new)
    }
}

impl Kept for CredentialProtectionPolicy {
    fn room(&self) -> usize {
        1
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.level());
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        Self::from_level(rest.byte()?.into())
    }
}

impl Kept for User {
    fn room(&self) -> usize {
        let names = self.name.room().saturating_add(self.display_name.room());
        self.id.room().saturating_add(names)
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        let Self { id, name, display_name } = self;
        id.put(bytes);
        name.put(bytes);
        display_name.put(bytes);
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        Some(Self {
            id: Kept::take(rest)?,
            name: Kept::take(rest)?,
            display_name: Kept::take(rest)?,
        })
    }
}

impl Kept for LargeBlob {
    fn room(&self) -> usize {
        room_of(&self.compressed).saturating_add(self.original_size.room())
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        put_part(bytes, &self.compressed);
        self.original_size.put(bytes);
    }

    fn take(rest: &mut Rest<'_>) -> Option<Self> {
        Some(Self { compressed: rest.part()?.into(), original_size: u64::take(rest)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &impl Kept) -> Vec<u8> {
        let mut bytes = Vec::new();
        value.put(&mut bytes);
        assert_eq!(bytes.len(), value.room());
        bytes
    }

    fn read<T: Kept>(bytes: &[u8]) -> Option<T> {
        let mut rest = Rest::new(bytes, 2);
        T::take(&mut rest).filter(|_| rest.is_empty())
    }

    #[test]
    fn numbers_of_any_size_come_back() {
        for number in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::MAX / 2, u64::MAX] {
            assert_eq!(read(&written(&number)), Some(number));
            let signed = number.cast_signed();
            assert_eq!(read(&written(&signed)), Some(signed));
        }
        assert_eq!(read(&written(&i64::MIN)), Some(i64::MIN));
    }

    #[test]
    fn a_number_has_one_form_only() {
        let longest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        for bytes in [&[][..], &[0x80], &[0x80, 0x00], &[0xff, 0x80, 0x00], &longest] {
            assert_eq!(read::<u64>(bytes), None, "{bytes:02x?}");
        }
        for last in [0x02, 0x7f, 0x81] {
            assert_eq!(read::<u64>(&[&longest[..], &[last]].concat()), None, "{last:02x}");
        }
        assert_eq!(read::<u64>(&[&longest[..], &[1]].concat()), Some(u64::MAX));
    }

    #[test]
    fn a_truth_value_is_0_or_1_and_text_is_utf_8() {
        assert_eq!(read::<bool>(&[2]), None);
        assert_eq!(read::<Option<bool>>(&[1, 0]), Some(Some(false)));
        assert_eq!(read::<Option<bool>>(&[0, 0]), None);
        assert_eq!(read::<String>(&[1, 0xff]), None);
        assert_eq!(read::<String>(&[2, b'a']), None, "cut short");
    }
}
