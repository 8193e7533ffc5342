//! Requests of which the authenticator gets to see something else.

use towline_ctap::{Command, algorithm};

use super::{Fault, cbor};

/// Members of authenticatorMakeCredential and authenticatorGetAssertion (CTAP 2.3 §6.1, §6.2).
const USER: i64 = 3;
const PARAMS: i64 = 4;
const EXCLUDE_LIST: i64 = 5;
const ALLOW_LIST: i64 = 3;

pub(super) fn bend(fault: Fault, request: &mut Vec<u8>) {
    let Some((command, body)) = request.split_first() else { return };
    let creates = *command == Command::MakeCredential.to_u8();
    if !creates && *command != Command::GetAssertion.to_u8() {
        return;
    }
    let Some(mut members) = cbor::Map::read(body) else { return };
    match fault {
        Fault::IgnoresExcludeList if creates => members.remove(EXCLUDE_LIST),
        Fault::IgnoresAllowList if !creates => members.remove(ALLOW_LIST),
        Fault::IgnoresVerification => {
            // Options, the parameter that proves verification, and its protocol.
            let places = if creates { [7, 8, 9] } else { [5, 6, 7] };
            let [options, proof, protocol] = places;
            if let Some(mut given) = members.get(options).and_then(cbor::Map::read) {
                given.remove("uv");
                members.set(options, given.write());
            }
            members.remove(proof);
            members.remove(protocol);
        }
        Fault::UnaskedAlgorithm if creates => {
            let offered = members.get(PARAMS).unwrap_or_default();
            let known = [algorithm::EDDSA, algorithm::ES256, algorithm::ES384];
            let other = known.into_iter().map(param).find(|param| !has(offered, param));
            if let Some(other) = other {
                members.set(PARAMS, [cbor::head(cbor::ARRAY, 1), other].concat());
            }
        }
        Fault::AnotherAccount if creates => {
            if let Some(mut user) = members.get(USER).and_then(cbor::Map::read) {
                user.set("id", cbor::bytes(super::SOMEBODY));
                members.set(USER, user.write());
            }
        }
        _ => return,
    }
    *request = [vec![*command], members.write()].concat();
}

/// PublicKeyCredentialParameters.
fn param(algorithm: i64) -> Vec<u8> {
    let mut param = cbor::Map(Vec::new());
    param.set("alg", cbor::int(algorithm));
    param.set("type", cbor::text("public-key"));
    param.write()
}

fn has(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}
