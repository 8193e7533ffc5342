// How long `create` and `get` take in a page, through the script and with Chromium's own virtual
// device: in one page, in turns call by call, so that both meet the same load.
//
//     node tests/browsers/speed.mjs NODE_DIRECTORY PROGRAM [PAIRS]
//
// PROGRAM is the example browser_site, built with --release.

import { loadavg } from 'node:os';

import { browsers } from './browsers.mjs';
import { start } from './service.mjs';

const [, program, pairs = '400'] = process.argv.slice(2);
/** Pairs of calls before those that count. */
const WARM_UP = 50;

/** Keeps the browser's own functions, before the script takes their place. */
const KEEP_OWN = `window.own = {
  create: navigator.credentials.create.bind(navigator.credentials),
  get: navigator.credentials.get.bind(navigator.credentials),
};`;

/** Runs in the page: the milliseconds that each call took, of both, in pairs. */
async function measure({ pairs, rpId }) {
  const challenge = crypto.getRandomValues(new Uint8Array(32));
  const user = { id: new Uint8Array([1, 2, 3, 4]), name: 'alice', displayName: 'Alice' };
  const containers = [window.own, navigator.credentials];
  const took = { create: [], get: [] };
  /** Until the page has the JSON that it would send to its server. */
  const timed = async (call) => {
    const began = performance.now();
    const credential = await call();
    const { id } = credential.toJSON();
    return { credential, id, took: performance.now() - began };
  };
  for (let pair = 0; pair < pairs; pair += 1) {
    const ids = [];
    for (const kind of ['create', 'get']) {
      const both = [];
      // Who comes first changes from pair to pair.
      for (const which of pair % 2 ? [1, 0] : [0, 1]) {
        const publicKey = kind === 'create' ? {
          challenge, user, rp: { id: rpId, name: 'A site' },
          pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
          authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        } : {
          challenge, rpId, userVerification: 'required',
          allowCredentials: [{ type: 'public-key', id: ids[which].rawId }],
        };
        const seen = await timed(() => containers[which][kind]({ publicKey }));
        if (kind === 'create') ids[which] = seen.credential;
        else if (seen.id !== ids[which].id) throw new Error('another passkey answered');
        both[which] = seen.took;
      }
      took[kind].push(both);
    }
  }
  return took;
}

const at = (values, part) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * part)];
};

const service = await start(program);
await service.empty();
await service.add({ preset: 'platform' });
const browser = await browsers.chromium();
const page = await browser.open({ script: KEEP_OWN + await service.script() });
const devtools = await page.context().newCDPSession(page);
await devtools.send('WebAuthn.enable');
await devtools.send('WebAuthn.addVirtualAuthenticator', {
  options: {
    protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true,
    hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
  },
});
await page.goto(`${service.site}/isolated`);
await page.evaluate(measure, { pairs: WARM_UP, rpId: 'site.localhost' });
const took = await page.evaluate(measure, { pairs: Number(pairs), rpId: 'site.localhost' });

console.log(`${browser.name}; load ${loadavg().map((it) => it.toFixed(1)).join(' ')}; ` +
  `${pairs} calls of each, in ms`);
console.log(`${' '.repeat(24)} 1 of 10   median 9 of 10`);
for (const [kind, seen] of Object.entries(took)) {
  const medians = ['Chromium\'s own', 'towline'].map((name, which) => {
    const parts = [0.1, 0.5, 0.9].map((part) => at(seen.map((both) => both[which]), part));
    const shown = parts.map((it) => it.toFixed(2).padStart(8));
    console.log(`${kind}, ${name}`.padEnd(22), ...shown);
    return parts[1];
  });
  const pairwise = at(seen.map(([own, ours]) => ours / own), 0.5);
  console.log(`${kind}: median ${(medians[1] / medians[0]).toFixed(2)} times Chromium's own; ` +
    `of the pairs ${pairwise.toFixed(2)} times`);
}
await browser.close();
service.stop();
process.exit(0);
