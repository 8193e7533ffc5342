// @simplewebauthn/server judges what came of a page, beside the relying party of the site; and each
// line of the file `exchanges` is for the judges in Python and in Rust.

import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(join(process.argv[2], 'package.json')));
const { verifyAuthenticationResponse, verifyRegistrationResponse } = require(
  '@simplewebauthn/server',
);

const RP_ID = 'site.localhost';
const LINES = join(process.argv[2], 'exchanges');
writeFileSync(LINES, '');

const clientData = ({ response }) =>
  JSON.parse(Buffer.from(response.clientDataJSON, 'base64url'));
const withOrigin = ({ options, response }) =>
  ({ options, response, origin: clientData(response).origin });

/** A registration and its sign-ins: options and response of each, as JSON. */
export async function judge(name, registration, signIns) {
  const expected = ({ options, response }) => ({
    response,
    expectedChallenge: options.challenge,
    expectedOrigin: clientData(response).origin,
    expectedTopOrigin: clientData(response).topOrigin,
    expectedRPID: RP_ID,
    requireUserVerification: true,
  });
  const { verified, registrationInfo } = await verifyRegistrationResponse(expected(registration));
  assert.equal(verified, true);
  const { credential } = registrationInfo;
  for (const signIn of signIns) {
    const judged = await verifyAuthenticationResponse({ ...expected(signIn), credential });
    assert.equal(judged.verified, true);
    credential.counter = judged.authenticationInfo.newCounter;
  }
  const line = {
    case: name,
    algorithm: registration.response.response.publicKeyAlgorithm,
    rpId: RP_ID,
    verifies: true,
    attestation: registrationInfo.fmt,
    backupEligible: registrationInfo.credentialDeviceType === 'multiDevice',
    backedUp: registrationInfo.credentialBackedUp,
    signCount: credential.counter,
    registration: withOrigin(registration),
    signIns: signIns.map(withOrigin),
  };
  appendFileSync(LINES, `${JSON.stringify(line)}\n`);
}
