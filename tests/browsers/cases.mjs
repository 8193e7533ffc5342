// What holds in every browser. Each case gets a page of the site, and the authenticators of a
// session that was emptied.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

const equal = assert.equal;
const BY_HAND = new URL('../../crates/virtual-server/assets/page/by_hand.js', import.meta.url);

/** A function of the page, and its outcome. */
const run = (page, body, argument) => page.evaluate(body, argument);

export const cases = {
  async 'a passkey is made, and signs in with and without a list'({ page, judge }) {
    const made = await run(page, () => register({ options: { extensions: { credProps: true } } }));
    equal(made.exchange.response.clientExtensionResults.credProps.rk, true);
    const first = await run(page, (id) => signIn({ id }), made.id);
    const second = await run(page, () => signIn());
    equal(second.id, made.id);
    equal(second.userVerified, true);
    await judge(made.exchange, [first.exchange, second.exchange]);
  },

  async 'each algorithm has its public key, which WebCrypto reads'({ page, service }) {
    const known = [
      [-7, { name: 'ECDSA', namedCurve: 'P-256' }],
      [-35, { name: 'ECDSA', namedCurve: 'P-384' }],
      [-8, { name: 'Ed25519' }],
    ];
    for (const [alg, webCrypto] of known) {
      await service.empty();
      await service.add({ preset: 'synced-passkey', algorithms: [alg] });
      const said = await run(page, async (webCrypto) => {
        const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
          await post('/register/begin', {}),
        );
        const { response } = await navigator.credentials.create({ publicKey });
        const spki = response.getPublicKey();
        const key = await crypto.subtle.importKey('spki', spki, webCrypto, true, ['verify']);
        return [response.getPublicKeyAlgorithm(), key.type];
      }, webCrypto);
      assert.deepEqual(said, [alg, 'public']);
    }
  },

  async 'objects have the shapes of Web IDL'({ page }) {
    const shapes = await run(page, async () => {
      const creation = PublicKeyCredential.parseCreationOptionsFromJSON(
        await post('/register/begin', {}),
      );
      const made = await navigator.credentials.create({ publicKey: creation });
      const request = PublicKeyCredential.parseRequestOptionsFromJSON(
        await post('/sign-in/begin', {}),
      );
      const used = await navigator.credentials.get({ publicKey: request });
      const { get } = Object.getOwnPropertyDescriptor(PublicKeyCredential.prototype, 'rawId');
      let thrown;
      try {
        get.call({});
      } catch (error) {
        thrown = error;
      }
      return {
        credential: made instanceof PublicKeyCredential && used instanceof Credential,
        attestation: made.response instanceof AuthenticatorAttestationResponse,
        assertion: used.response instanceof AuthenticatorAssertionResponse,
        names: [String(made), String(made.response), String(used.response)],
        own: [made, used, made.response, used.response].flatMap((it) => Reflect.ownKeys(it)),
        same: made.rawId === made.rawId && made.response === made.response,
        foreign: thrown instanceof TypeError,
        transports: made.response.getTransports(),
        lengths: [navigator.credentials.create.length, navigator.credentials.store.length],
        attachment: used.authenticatorAttachment,
        json: JSON.parse(JSON.stringify(used)).response.signature.length > 0,
      };
    });
    assert.deepEqual(shapes, {
      credential: true,
      attestation: true,
      assertion: true,
      names: ['PublicKeyCredential', 'AuthenticatorAttestationResponse',
        'AuthenticatorAssertionResponse'].map((name) => `[object ${name}]`),
      own: [],
      same: true,
      foreign: true,
      transports: ['internal'],
      lengths: [0, 1],
      attachment: 'platform',
      json: true,
    });
  },

  async 'arguments of no use are rejected, as by Web IDL'({ page }) {
    const rejected = await run(page, async () => {
      const challenge = new Uint8Array(16);
      const shared = new Uint8Array(new WebAssembly.Memory({
        initial: 1, maximum: 1, shared: true,
      }).buffer);
      const { get, create, store } = navigator.credentials;
      const calls = [
        () => navigator.credentials.get({ publicKey: {} }),
        () => navigator.credentials.get({ publicKey: { challenge: 'text' } }),
        () => navigator.credentials.get({ publicKey: { challenge: shared } }),
        () => navigator.credentials.get({ publicKey: { challenge, allowCredentials: 'all' } }),
        () => navigator.credentials.get({ publicKey: { challenge }, mediation: 'loud' }),
        () => navigator.credentials.get({ publicKey: { challenge }, signal: {} }),
        () => navigator.credentials.get({ publicKey: { challenge, rpId: Symbol('it') } }),
        () => navigator.credentials.create({ publicKey: 1 }),
        () => get.call({}, { publicKey: { challenge } }),
        () => store(),
        () => PublicKeyCredential.signalUnknownCredential(),
        () => navigator.credentials.get({ publicKey: { challenge }, mediation: 'silent' }),
        () => navigator.credentials.get({ publicKey: { challenge, rpId: 'example.org' } }),
      ];
      const errors = [];
      for (const call of calls) errors.push((await outcome(call())).error);
      return errors;
    });
    const names = [...Array(11).fill('TypeError'), 'NotSupportedError', 'SecurityError'];
    assert.deepEqual(rejected, names);
  },

  async 'a page calls it off, before and meanwhile, with its reason'({ page, service, device }) {
    await service.change(device, { isUserConsenting: false });
    const outcomes = await run(page, async () => {
      const before = await outcome(signIn({ call: { signal: AbortSignal.abort('too early') } }));
      const controller = new AbortController();
      const meanwhile = outcome(register({ call: { signal: controller.signal } }));
      await new Promise((resolve) => setTimeout(resolve, 200));
      controller.abort(new RangeError('too late'));
      return [before.error, (await meanwhile).error];
    });
    assert.deepEqual(outcomes, ['too early', 'RangeError']);
    await service.ended(1);
  },

  async 'what a page calls off before there is a connection is not done'(
    { page, service, device },
  ) {
    const error = await run(page, async () => {
      const controller = new AbortController();
      const bytes = new Uint8Array(16);
      const called = outcome(navigator.credentials.create({
        publicKey: {
          challenge: bytes, rp: { name: 'A site' },
          user: { id: bytes, name: 'alice', displayName: 'Alice' },
          pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
        },
        signal: controller.signal,
      }));
      // No connection is opened meanwhile: that takes a task.
      for (let turns = 0; turns < 100; turns += 1) await null;
      controller.abort();
      const { error } = await called;
      // By the same connection, later.
      await PublicKeyCredential.getClientCapabilities();
      return error;
    });
    equal(error, 'AbortError');
    equal((await service.credentials(device)).length, 0);
  },

  async 'time runs out, and a page that is left ends what it began'(
    { page, service, device, site },
  ) {
    await service.change(device, { isUserConsenting: false });
    const late = await run(page, () => outcome(register({ options: { timeout: 50 } })));
    equal(late.error, 'NotAllowedError');
    await service.ended(1);
    await run(page, () => {
      register();
    });
    await service.began(2);
    await page.goto(site);
    await service.ended(2);
  },

  async 'capabilities are told, in their order'({ page }) {
    const known = await run(page, () => PublicKeyCredential.getClientCapabilities());
    assert.deepEqual(Object.keys(known), Object.keys(known).sort());
    equal(known.signalUnknownCredential, true);
    equal(known.userVerifyingPlatformAuthenticator, true);
    const available = () => PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable();
    equal(await run(page, available), true);
  },

  async 'a site notices what is wrong with a sign-in'({ page, service, device }) {
    const made = await run(page, () => register());
    await service.change(device, { isBogusSignature: true });
    const refused = await run(page, (id) => outcome(signIn({ id })), made.id);
    assert.match(refused.message, /signature/);
  },

  async 'frames without an address have the preloaded script, too'({ page }) {
    const made = await run(page, async () => {
      const frame = document.createElement('iframe');
      frame.srcdoc = '<p>Hello</p>';
      document.body.append(frame);
      await new Promise((resolve) => frame.addEventListener('load', resolve));
      const credential = await frame.contentWindow.navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(
          await post('/register/begin', {}),
        ),
      });
      const { clientDataJSON } = credential.response;
      return JSON.parse(new TextDecoder().decode(clientDataJSON)).origin === window.origin;
    });
    equal(made, true);
  },

  async 'other kinds of credentials are the browser\'s own'({ page }) {
    const errors = await run(page, async () => {
      const publicKey = { challenge: new Uint8Array(16) };
      const two = await outcome(navigator.credentials.get({ publicKey, password: true }));
      const none = await outcome(navigator.credentials.create({}));
      return [two.error, none.error];
    });
    assert.deepEqual(errors, ['NotSupportedError', 'NotSupportedError']);
  },
};

/** What depends on how the script comes into a page. */
export const ways = {
  async 'a page with the script as its first element'({ open, site }) {
    const page = await open({});
    await page.goto(`${site}/tagged`);
    equal((await run(page, async () => signIn({ id: (await register()).id }))).userVerified, true);
    await page.over();
  },

  async 'a page whose policy forbids connections, through a bound function'(
    { open, site, script, service },
  ) {
    const named = await open({ script: await script() });
    await named.goto(`${site}/strict`);
    const cut = await run(named, () => navigator.credentials.get({
      publicKey: { challenge: new Uint8Array(16) },
    }).catch((error) => [error.name, error.message]));
    equal(cut[0], 'UnknownError');
    assert.match(cut[1], /content security policy/);
    await named.over();

    const binding = { name: 'towline', run: service.relay };
    const page = await open({ script: await script('towline'), binding });
    await page.goto(`${site}/strict`);
    const got = await run(page, () => navigator.credentials.create({
      publicKey: {
        rp: { name: 'A site' }, challenge: new Uint8Array(16), pubKeyCredParams: [],
        user: { id: new Uint8Array([1]), name: 'alice', displayName: 'Alice' },
      },
    }).then((it) => it.response.getPublicKeyAlgorithm()));
    equal(got, -7);
    await page.over();
  },

  async 'a page whose policy forbids connections, by hand'({ open, site, service, judge, device }) {
    const page = await open({});
    await page.goto(`${site}/strict`);
    const text = await readFile(BY_HAND, 'utf8');
    // Chromium's drivers pass functions by their text.
    const byHand = (0, eval)(text);
    assert.match(await run(page, byHand), /by hand here/);
    assert.match(await run(page, byHand), /already/);

    /** Carries the call that waits to the service, and what comes of it back. */
    const carry = async () => {
      const { tool, arguments: passed } = (await run(page, () => towline.asked())).at(-1);
      const path = tool === 'create_passkey' ? '/create' : '/get';
      const answer = await service.ask('POST', path, passed);
      await run(page, (answer) => towline.answer(answer), answer);
    };
    /** Begins something in the page; its outcome is read later. */
    const begin = async (body) => {
      await run(page, body);
      for (let tries = 0; tries < 100; tries += 1) {
        if ((await run(page, () => towline.asked())).length) return;
      }
      throw new Error('the page did not ask');
    };
    const ended = () => run(page, () => window.under.then((it) => it));

    await begin(() => { window.under = outcome(register()); });
    await carry();
    const made = (await ended()).value;
    await begin(() => { window.under = outcome(signIn()); });
    await carry();
    const used = (await ended()).value;
    equal(used.id, made.id);
    await judge(made.exchange, [used.exchange]);
    equal((await service.credentials(device)).length, 1);

    const shapes = await run(page, async () => {
      const challenge = new Uint8Array([251, 255]).subarray(1);
      const publicKey = { challenge, rpId: 'site.localhost' };
      const other = new AbortController();
      const { signal } = other;
      const conditional = navigator.credentials
        .get({ publicKey, signal, mediation: 'conditional' });
      const modal = navigator.credentials.get({ publicKey });
      const asked = towline.asked().map((it) => it.arguments);
      towline.answer({ error: 'NotAllowedError' });
      const refused = await outcome(modal);
      const left = towline.asked().length;
      other.abort();
      const aborted = await outcome(conditional);
      let unasked;
      try {
        towline.answer({ error: 'NotAllowedError' });
      } catch (error) {
        unasked = error.message;
      }
      return { asked, refused: refused.error, left, aborted: aborted.error, unasked };
    });
    equal(shapes.asked[1].options.challenge, '_w');
    equal(shapes.asked[0].mediation, 'conditional');
    equal(shapes.refused, 'NotAllowedError');
    equal(shapes.left, 1);
    equal(shapes.aborted, 'AbortError');
    assert.match(shapes.unasked, /no such call/);
    await page.over();
  },

  async 'a page that is no secure context stays as it is'({ open, site, script, insecure }) {
    const page = await open({ script: await script() });
    await page.goto(insecure);
    equal(await run(page, () => 'credentials' in navigator), false);
    await page.over();
  },
};
