// @simplewebauthn/server judges what came of a page, beside the relying party of the site.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(join(process.argv[2], 'package.json')));
const { verifyAuthenticationResponse, verifyRegistrationResponse } = require(
  '@simplewebauthn/server',
);

const originOf = (response) =>
  JSON.parse(Buffer.from(response.response.clientDataJSON, 'base64url')).origin;

/** A registration and its sign-ins: options and response of each, as JSON. */
export async function judge({ options, response }, signIns) {
  const expected = (options, response) => ({
    response,
    expectedChallenge: options.challenge,
    expectedOrigin: originOf(response),
    expectedRPID: 'site.localhost',
    requireUserVerification: true,
  });
  const { verified, registrationInfo } = await verifyRegistrationResponse(
    expected(options, response),
  );
  assert.equal(verified, true);
  const { credential } = registrationInfo;
  for (const { options, response } of signIns) {
    const judged = await verifyAuthenticationResponse({
      ...expected(options, response),
      credential,
    });
    assert.equal(judged.verified, true);
  }
}
