// Has @simplewebauthn/server judge responses with faults, and compares what it notices with what
// docs/faults.md says. Takes the lines of `virtual_cases faults` as its input.

import { readFileSync } from 'node:fs';

import {
  NAME,
  SettingsService,
  TITLE,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from './library.mjs';

const sameId = (one, other) =>
  Buffer.from(one, 'base64url').equals(Buffer.from(other, 'base64url'));

class Site {
  #credentials = [];

  constructor(visit) {
    this.visit = visit;
    SettingsService.setRootCertificates({
      identifier: visit.attestation,
      certificates: visit.root ? [Buffer.from(visit.root, 'base64')] : [],
    });
  }

  #expected({ options, response }) {
    return {
      response,
      expectedChallenge: options.challenge,
      expectedOrigin: this.visit.origin,
      expectedRPID: this.visit.rpId,
      requireUserVerification: this.visit.verifies,
    };
  }

  async create(step) {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      ...this.#expected(step),
      supportedAlgorithmIDs: [this.visit.algorithm],
    });
    if (!verified) throw new Error('not verified');
    this.#credentials.push(registrationInfo.credential);
  }

  async get(step) {
    const credential = this.#credentials.find((it) => sameId(it.id, step.response.rawId));
    if (!credential) throw new Error('there is no such credential');
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      ...this.#expected(step),
      credential,
    });
    if (!verified) throw new Error('not verified');
    credential.counter = authenticationInfo.newCounter;
  }

  async refused({ name }) {
    throw new Error(`the client refuses: ${name}`);
  }
}

// In which ceremony the site refuses something; nothing where it takes everything.
async function noticed(visit) {
  const site = new Site(visit);
  // A registration has the fault in the second passkey; a sign-in, in the last step.
  const faulty = visit.phase === 'registration' ? 1 : visit.steps.length - 1;
  for (const [number, step] of visit.steps.entries()) {
    try {
      await site[step.ceremony](step);
    } catch (error) {
      if (number < faulty) throw new Error(`${visit.fault}: refused before the fault: ${error}`);
      return number === faulty ? visit.phase : 'the next sign-in';
    }
  }
  return undefined;
}

const [found, told] = [new Map(), new Map()];
for (const line of readFileSync(0, 'utf8').trim().split('\n')) {
  const visit = JSON.parse(line);
  told.set(visit.fault, visit.told[TITLE]);
  const where = await noticed(visit);
  found.set(visit.fault, [...(found.get(visit.fault) ?? []), ...(where ? [where] : [])]);
}
let different = false;
for (const [fault, where] of found) {
  const cell = where.join(', ') || 'no';
  if (cell !== told.get(fault)) {
    different = true;
    console.log(
      `docs/faults.md: ${fault}: ${TITLE}: '${told.get(fault)}' should be '${cell}'`,
    );
  }
}
const count = [...found.values()].filter((where) => where.length > 0).length;
console.log(`${NAME}: notices ${count} of ${found.size} faults`);
process.exit(different ? 1 : 0);
