//! Signatures of assertions that are not as they must be.

use towline_ctap::{Command, Status, algorithm};

use super::{Fault, World, answer, cbor, key};

/// The order of the group of P-256 (FIPS 186-5), big-endian.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The client data hash among the members of authenticatorGetAssertion (CTAP 2.3 §6.2).
const CLIENT_DATA_HASH: i64 = 2;

pub(super) fn bend(fault: Fault, world: &World, request: &[u8], response: &mut Vec<u8>) {
    if let Some(bent) = bent(fault, world, request, response) {
        *response = bent;
    }
}

fn bent(fault: Fault, world: &World, request: &[u8], response: &[u8]) -> Option<Vec<u8>> {
    let (command, asked) = request.split_first()?;
    let (status, body) = response.split_first()?;
    if *command == Command::MakeCredential.to_u8() || *status != Status::Ok.to_u8() {
        return None;
    }
    let mut members = cbor::Map::read(body)?;
    let signature = members.bytes(answer::SIGNATURE)?;
    let new = match fault {
        Fault::SignatureOfAnotherKey => {
            let hash = cbor::Map::read(asked)?.bytes(CLIENT_DATA_HASH)?;
            // ECDSA is in DER, a sequence; what is as long as Ed25519 is that.
            let algorithm = if signature.len() == 64 { algorithm::EDDSA } else { algorithm::ES256 };
            let stranger = key::stranger(&world.provider, algorithm)?;
            stranger.sign(&[&members.bytes(answer::AUTH_DATA)?, &hash]).ok()?
        }
        Fault::TruncatedSignature => signature.get(..signature.len().checked_sub(1)?)?.to_vec(),
        Fault::ExtendedSignature => [&signature[..], &[0]].concat(),
        Fault::EmptySignature => Vec::new(),
        _ => ecdsa(fault, &signature)?,
    };
    members.set(answer::SIGNATURE, cbor::bytes(&new));
    Some([vec![*status], members.write()].concat())
}

/// Another form of an ECDSA signature on P-256.
fn ecdsa(fault: Fault, signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = read(signature)?;
    Some(match fault {
        Fault::HighS => {
            let other = minus(&ORDER, &s);
            if s < other { der(&positive(&r), &positive(&other)) } else { return None }
        }
        Fault::NotDer => [r, s].concat(),
        Fault::LongFormDer => {
            let (first, rest) = signature.split_first()?;
            [&[*first, 0x81], rest].concat()
        }
        Fault::PaddedDer => der(&[&[0], &positive(&r)[..]].concat(), &positive(&s)),
        Fault::NegativeR => {
            let mut negative = r;
            *negative.first_mut()? |= 0x80;
            der(&negative, &positive(&s))
        }
        Fault::ZeroSignature => der(&[0], &[0]),
        _ => return None,
    })
}

/// r and s of a signature in DER (RFC 3279 §2.2.3), 32 bytes each.
fn read(der: &[u8]) -> Option<([u8; 32], [u8; 32])> {
    let (head, rest) = der.split_at_checked(2)?;
    let [0x30, length] = head else { return None };
    (usize::from(*length) == rest.len()).then_some(())?;
    let (r, rest) = integer(rest)?;
    let (s, rest) = integer(rest)?;
    rest.is_empty().then_some((r, s))
}

fn integer(der: &[u8]) -> Option<([u8; 32], &[u8])> {
    let (head, rest) = der.split_at_checked(2)?;
    let [0x02, length] = head else { return None };
    let (bytes, rest) = rest.split_at_checked(usize::from(*length))?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..)?;
    let mut padded = [0; 32];
    let start = padded.len().checked_sub(bytes.len())?;
    padded.get_mut(start..)?.copy_from_slice(bytes);
    Some((padded, rest))
}

/// The shortest content of an INTEGER that is not negative.
fn positive(number: &[u8; 32]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count().min(31);
    let short = number.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if short.first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
    [sign, short].concat()
}

/// A sequence of two INTEGERs with these contents.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    let both = [&[0x02, length(r)], r, &[0x02, length(s)], s].concat();
    [&[0x30, length(&both)], &both[..]].concat()
}

/// The difference of two numbers, the second of which is smaller.
fn minus(from: &[u8; 32], number: &[u8; 32]) -> [u8; 32] {
    let mut difference = [0; 32];
    let mut borrow = false;
    for ((to, from), byte) in difference.iter_mut().zip(from).zip(number).rev() {
        let (first, low) = from.overflowing_sub(*byte);
        let (second, lower) = first.overflowing_sub(u8::from(borrow));
        *to = second;
        borrow = low || lower;
    }
    difference
}
