// How long `create` and `get` take in a page, through the script and with Chromium's own virtual
// device: side by side in one run, in turns, so that both meet the same load.
//
//     node tests/browsers/speed.mjs NODE_DIRECTORY PROGRAM [ROUNDS]
//
// PROGRAM is the example browser_site, built with --release.

import { loadavg } from 'node:os';

import { browsers } from './browsers.mjs';
import { start } from './service.mjs';

const [, program, rounds = '20'] = process.argv.slice(2);
/** Calls of each kind in one turn. */
const TURN = 10;

/** Runs in the page: the milliseconds that each call took. */
async function turn({ calls, rpId }) {
  const challenge = crypto.getRandomValues(new Uint8Array(32));
  const user = { id: new Uint8Array([1, 2, 3, 4]), name: 'alice', displayName: 'Alice' };
  const took = { create: [], get: [] };
  const timed = async (kind, call) => {
    const began = performance.now();
    const credential = await call();
    took[kind].push(performance.now() - began);
    return credential;
  };
  for (let call = 0; call < calls; call += 1) {
    const made = await timed('create', () => navigator.credentials.create({
      publicKey: {
        challenge, user, rp: { id: rpId, name: 'A site' },
        pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      },
    }));
    const used = await timed('get', () => navigator.credentials.get({
      publicKey: {
        challenge, rpId, userVerification: 'required',
        allowCredentials: [{ type: 'public-key', id: made.rawId }],
      },
    }));
    if (used.id !== made.id) throw new Error('another passkey answered');
  }
  return took;
}

const at = (sorted, part) => sorted[Math.floor((sorted.length - 1) * part)];
const format = (number) => number.toFixed(2).padStart(8);

const service = await start(program);
await service.empty();
await service.add({ preset: 'platform' });
const browser = await browsers.chromium();
const ours = await browser.open({ script: await service.script() });
const theirs = await browser.open();
const devtools = await theirs.context().newCDPSession(theirs);
await devtools.send('WebAuthn.enable');
await devtools.send('WebAuthn.addVirtualAuthenticator', {
  options: {
    protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true,
    hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
  },
});

const pages = { 'Chromium\'s own': theirs, 'towline': ours };
const seen = Object.fromEntries(Object.keys(pages).map((name) => [name, { create: [], get: [] }]));
for (const page of Object.values(pages)) await page.goto(service.site);
for (let round = -1; round < Number(rounds); round += 1) {
  for (const [name, page] of Object.entries(pages)) {
    await page.bringToFront();
    const took = await page.evaluate(turn, { calls: TURN, rpId: 'site.localhost' });
    // The first round warms up.
    if (round < 0) continue;
    for (const kind of ['create', 'get']) seen[name][kind].push(...took[kind]);
  }
}
console.log(`${browser.name}; load ${loadavg().map((it) => it.toFixed(1)).join(' ')}; ` +
  `${Number(rounds) * TURN} calls of each, in ms`);
console.log(`${' '.repeat(24)} 1 of 10   median 9 of 10`);
const medians = {};
for (const kind of ['create', 'get']) {
  for (const name of Object.keys(pages)) {
    const sorted = seen[name][kind].sort((a, b) => a - b);
    (medians[kind] ??= []).push(at(sorted, 0.5));
    const title = `${kind}, ${name}`.padEnd(22);
    console.log(title, ...[0.1, 0.5, 0.9].map((part) => format(at(sorted, part))));
  }
  const [own, script] = medians[kind];
  // What did not wait for the processor, on a machine with other work.
  const [ownBest, best] = Object.keys(pages).map((name) => at(seen[name][kind], 0.1));
  console.log(`${kind}: ${(script / own).toFixed(2)} times Chromium's own; the fastest tenth ` +
    `${(best / ownBest).toFixed(2)} times`);
}
await browser.close();
service.stop();
process.exit(0);
