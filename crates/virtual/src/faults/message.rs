//! Answers of U2F that are not as they must be (U2F raw message formats).

use towline_ctap::u2f::{Control, StatusWord, U2fRequest, encode_response, split_response};

use super::Fault;

/// Where in the data of a registration the key handle's length stands: after the reserved byte and
/// the public key.
const LENGTH: usize = 66;

/// Whether this APDU registers.
pub(super) fn registers(apdu: &[u8]) -> bool {
    matches!(U2fRequest::decode(apdu), Ok(U2fRequest::Register { .. }))
}

/// Whether this APDU signs in, or asks whether that could be done.
pub(super) fn signs_in(apdu: &[u8]) -> bool {
    matches!(U2fRequest::decode(apdu), Ok(U2fRequest::Authenticate { .. }))
}

pub(super) fn bend(fault: Fault, apdu: &[u8], answer: &mut Vec<u8>) {
    if let Some(bent) = bent(fault, apdu, answer) {
        *answer = bent;
    }
}

fn bent(fault: Fault, apdu: &[u8], answer: &[u8]) -> Option<Vec<u8>> {
    let (data, word) = split_response(answer)?;
    let request = U2fRequest::decode(apdu).ok()?;
    let refusal = |word: StatusWord| Some(encode_response(&[], word));
    let checks = matches!(request, U2fRequest::Authenticate { control: Control::CheckOnly, .. });
    let done = word == StatusWord::NO_ERROR;
    match fault {
        Fault::U2fForgets if checks => return refusal(StatusWord::WRONG_DATA),
        Fault::U2fClaimsAll if checks => return refusal(StatusWord::CONDITIONS_NOT_SATISFIED),
        _ if !done => return None,
        Fault::U2fNeverTouched => return refusal(StatusWord::CONDITIONS_NOT_SATISFIED),
        Fault::U2fFails => return refusal(StatusWord::OTHER),
        Fault::U2fUnknownStatus => return refusal(StatusWord(0x1234)),
        Fault::U2fEmptyAnswer => return Some(Vec::new()),
        Fault::U2fNoData => return refusal(StatusWord::NO_ERROR),
        _ => {}
    }
    let mut data = data.to_vec();
    let signs = matches!(request, U2fRequest::Authenticate { .. });
    match fault {
        Fault::U2fTruncatedAnswer => drop(data.pop()?),
        Fault::U2fExtendedAnswer => data.push(0),
        Fault::U2fReservedByte if !signs => *data.first_mut()? = 0x04,
        Fault::U2fLongKeyHandle if !signs => {
            data.truncate(LENGTH.saturating_add(1));
            *data.get_mut(LENGTH)? = u8::MAX;
        }
        Fault::U2fEmptyKeyHandle if !signs => {
            let length = usize::from(*data.get(LENGTH)?);
            *data.get_mut(LENGTH)? = 0;
            let start = LENGTH.saturating_add(1);
            drop(data.drain(start..start.saturating_add(length).min(data.len())));
        }
        Fault::U2fOffCurve if !signs => *data.get_mut(LENGTH.saturating_sub(1))? ^= 1,
        Fault::U2fWithoutPresence if signs => *data.first_mut()? &= !1,
        Fault::U2fCounterLeaps if signs => *data.get_mut(1)? ^= 0x40,
        Fault::U2fWrongSignature => *data.last_mut()? ^= 1,
        _ => return None,
    }
    Some(encode_response(&data, word))
}
