//! Answers of CTAP that are not as they must be.

use towline_ctap::{Command, Status, algorithm};

use super::{
    Fate, Fault, World,
    auth_data::{AuthData, UP, UV},
    cbor, key,
};

/// Members of both answers, and of each (CTAP 2.3 §6.1, §6.2).
const FORMAT: i64 = 1;
const CREDENTIAL: i64 = 1;
pub(super) const AUTH_DATA: i64 = 2;
const STATEMENT: i64 = 3;
pub(super) const SIGNATURE: i64 = 3;
const USER: i64 = 4;
/// A member that no standard knows.
const UNKNOWN: i64 = 100;

/// What becomes of the answer, where it is not the answer itself that is wrong.
pub(super) const fn fate(fault: Fault) -> Option<Fate> {
    Some(match fault {
        Fault::NoAnswer => Fate::Lost,
        Fault::LateAnswer => Fate::Late,
        Fault::Disconnects => Fate::Gone,
        Fault::AnswersTwice => Fate::Doubled,
        _ => return None,
    })
}

pub(super) fn bend(fault: Fault, world: &World, request: &[u8], response: &mut Vec<u8>) {
    let bent = match response.split_first() {
        Some((status, body)) if *status == Status::Ok.to_u8() => {
            bytes(fault, body).or_else(|| structure(fault, body)).or_else(|| {
                let mut members = cbor::Map::read(body)?;
                let creates = request.first() == Some(&Command::MakeCredential.to_u8());
                content(fault, world, creates, &mut members)?;
                Some([vec![*status], members.write()].concat())
            })
        }
        _ => None,
    };
    if let Some(bent) = bent {
        *response = bent;
    }
}

/// Bytes that are no CBOR.
fn bytes(fault: Fault, body: &[u8]) -> Option<Vec<u8>> {
    let ok = &[Status::Ok.to_u8()][..];
    Some(match fault {
        Fault::EmptyAnswer => Vec::new(),
        Fault::NoBody => ok.to_vec(),
        Fault::TruncatedAnswer => [ok, body.get(..body.len().checked_sub(1)?)?].concat(),
        Fault::ExtendedAnswer => [ok, body, &[0]].concat(),
        Fault::NotCbor => [ok, br#"{"status": "ok"}"#].concat(),
        _ => return None,
    })
}

/// CBOR that is not as CTAP wants it (CTAP 2.3 §8), or of the wrong shape.
fn structure(fault: Fault, body: &[u8]) -> Option<Vec<u8>> {
    let mut members = cbor::Map::read(body)?;
    let count = members.0.len();
    let bent = match fault {
        Fault::ArrayAnswer => {
            let values = members.0.into_iter().map(|(_, value)| value);
            [cbor::head(cbor::ARRAY, count), values.collect::<Vec<_>>().concat()].concat()
        }
        Fault::UnsortedAnswer => {
            members.0.reverse();
            members.write()
        }
        Fault::LongForm => {
            // A map (major type 5) whose length is in the next byte.
            [vec![0xb8, u8::try_from(count).ok()?], members.members()].concat()
        }
        Fault::IndefiniteLength => [vec![0xbf], members.members(), vec![0xff]].concat(),
        Fault::MemberTwice => {
            let first = members.0.first()?.clone();
            members.0.insert(0, first);
            members.write()
        }
        Fault::HugeLength => {
            let data = members.bytes(AUTH_DATA)?;
            let huge = [cbor::head(cbor::BYTES, 0xffff_ffff), data].concat();
            members.set(AUTH_DATA, huge);
            members.write()
        }
        Fault::DeepNesting => {
            let nested = [vec![0x81; 1000], cbor::int(0)].concat();
            members.set(UNKNOWN, nested);
            members.write()
        }
        Fault::UnknownMember => {
            members.set(UNKNOWN, cbor::text("towline"));
            members.write()
        }
        Fault::WronglyTyped => {
            members.has(AUTH_DATA).then_some(())?;
            members.set(AUTH_DATA, cbor::text("authenticator data"));
            members.write()
        }
        Fault::MissingAuthData => {
            members.remove(AUTH_DATA);
            members.write()
        }
        Fault::MissingSignature => {
            members.remove(SIGNATURE);
            members.write()
        }
        _ => return None,
    };
    Some([vec![Status::Ok.to_u8()], bent].concat())
}

/// Well-formed answers that say what is not so.
fn content(fault: Fault, world: &World, creates: bool, members: &mut cbor::Map) -> Option<()> {
    let mut data = AuthData::read(&members.bytes(AUTH_DATA)?)?;
    match fault {
        Fault::AnswerOfAnotherSite => data.rp_id_hash.reverse(),
        Fault::AnswerWithoutPresence => data.flags &= !UP,
        Fault::AnswerWithoutVerification => data.flags &= !UV,
        Fault::UnaskedOutput => data.add_output(),
        Fault::OffCurveAnswer => {
            let attested = data.attested.as_mut()?;
            key::bend(Fault::KeyOffCurve, &world.provider, &mut attested.key);
        }
        Fault::AnswerOfStranger if !creates => {
            let mut stranger = cbor::Map(Vec::new());
            stranger.set("id", cbor::bytes(&[0x66; 32]));
            stranger.set("type", cbor::text("public-key"));
            members.set(CREDENTIAL, stranger.write());
        }
        Fault::AnswerForNobody if !creates => members.remove(USER),
        Fault::UnaskedAttestation if creates => {
            let mut statement = cbor::Map(Vec::new());
            statement.set("alg", cbor::int(algorithm::ES256));
            statement.set("sig", cbor::bytes(&[0x66; 70]));
            members.set(FORMAT, cbor::text("packed"));
            members.set(STATEMENT, statement.write());
        }
        _ => return None,
    }
    members.set(AUTH_DATA, cbor::bytes(&data.write()));
    Some(())
}
