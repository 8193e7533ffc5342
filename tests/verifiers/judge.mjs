// Has @simplewebauthn/server judge what virtual authenticators make. Takes the lines of the example
// virtual_cases as its input. It has to accept every response of an algorithm that it knows, and to
// refuse the same response with one bit changed.

import { readFileSync } from 'node:fs';

import {
  COSEALG,
  NAME,
  SettingsService,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from './library.mjs';

const MUST_KNOW = [-7, -8, -35, -257];

function bent(response, member) {
  const data = Buffer.from(response.response[member], 'base64url');
  data[data.length - 1] ^= 1;
  return {
    ...response,
    response: { ...response.response, [member]: data.toString('base64url') },
  };
}

function check(holds, what) {
  if (!holds) throw new Error(what);
}

async function refuses(what, judge) {
  let verified = false;
  try {
    ({ verified } = await judge());
  } catch {
    return;
  }
  check(!verified, `${what} is accepted`);
}

async function run(made) {
  SettingsService.setRootCertificates({
    identifier: made.attestation,
    certificates: made.root ? [Buffer.from(made.root, 'base64')] : [],
  });
  const register = (response, challenge = made.registration.options.challenge) =>
    verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: made.origin,
      expectedRPID: made.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: [made.algorithm],
    });
  const { response } = made.registration;
  await refuses('another challenge', () => register(response, 'AAAA'));
  if (made.attestation !== 'none') {
    // What comes last in the object is authenticator data: the key, which the statement signs.
    const broken = bent(response, 'attestationObject');
    await refuses('a changed attestation object', () => register(broken));
  }
  const { verified, registrationInfo: info } = await register(response);
  check(verified, 'the registration is refused');
  check(info.fmt === made.attestation, `format ${info.fmt}`);
  check((info.credentialDeviceType === 'multiDevice') === made.backupEligible, 'eligibility');
  check(info.credentialBackedUp === made.backedUp, 'backup state');
  const { credential } = info;

  for (const { options, response } of made.signIns) {
    const signIn = (response) =>
      verifyAuthenticationResponse({
        response,
        expectedChallenge: options.challenge,
        expectedOrigin: made.origin,
        expectedRPID: made.rpId,
        credential,
        requireUserVerification: true,
      });
    for (const member of ['signature', 'authenticatorData']) {
      await refuses(`a changed ${member}`, () => signIn(bent(response, member)));
    }
    const { verified, authenticationInfo } = await signIn(response);
    check(verified, 'the sign-in is refused');
    credential.counter = authenticationInfo.newCounter;
  }
  check(credential.counter === made.signCount, `counter ${credential.counter}`);
}

const known = new Set(Object.values(COSEALG).filter(Number.isInteger));
const [accepted, formats, strange] = [{}, {}, {}];
const { now } = Date;
let failed = false;
for (const line of readFileSync(0, 'utf8').trim().split('\n')) {
  const made = JSON.parse(line);
  const { algorithm } = made;
  if (!known.has(algorithm)) {
    strange[algorithm] = (strange[algorithm] ?? 0) + 1;
    continue;
  }
  // That moment, for what is good for some seconds only.
  if (made.nowMs !== null) Date.now = () => made.nowMs;
  try {
    await run(made);
    accepted[algorithm] = (accepted[algorithm] ?? 0) + 1;
    formats[made.attestation] = (formats[made.attestation] ?? 0) + 1;
  } catch (error) {
    failed = true;
    console.log(`${NAME}: ${made.case}: ${error}`);
  }
  Date.now = now;
}
console.log(`${NAME}: accepted`, accepted, formats);
console.log(`${NAME}: does not know`, strange);
const missing = MUST_KNOW.filter((algorithm) => !accepted[algorithm]);
if (missing.length > 0) {
  failed = true;
  console.log(`${NAME}: nothing accepted of ${missing}`);
}
process.exit(failed ? 1 : 0);
