// What WebAuthn L3 has beyond registering and signing in, in every browser. What comes out of a
// page is judged by the verifiers of other authors; and each feature has to fail where it must.

import assert from 'node:assert/strict';

const equal = assert.equal;
const RP_ID = 'site.localhost';

/** A function of the page, and its outcome. */
const run = (page, body, argument) => page.evaluate(body, argument);

/** The same right after a click, as its transient activation allows it. */
async function clicked(page, body, argument) {
  await page.evaluate(([body, argument]) => {
    const button = document.body.appendChild(document.createElement('button'));
    Object.assign(button, { id: 'feature', textContent: 'Go' });
    window.after = new Promise((resolve, reject) => {
      button.addEventListener('click', () => {
        button.remove();
        (0, eval)(`(${body})`)(argument).then(resolve, reject);
      });
    });
  }, [String(body), argument]);
  await page.click('#feature');
  return page.evaluate(() => window.after);
}

/** The frame of another site, in this page, with such an attribute `allow`. */
async function framed(page, address, allow) {
  await run(page, async ([address, allow]) => {
    document.querySelector('iframe')?.remove();
    const frame = document.createElement('iframe');
    if (allow) frame.allow = allow;
    frame.src = address;
    document.body.prepend(frame);
    await new Promise((resolve) => frame.addEventListener('load', resolve));
  }, [address, allow]);
  return page.frameAt(address);
}

const clientData = ({ response }) =>
  JSON.parse(Buffer.from(response.response.clientDataJSON, 'base64url'));
const outputs = ({ response }) => response.clientExtensionResults;

export const features = {
  async 'a site that is listed uses the passkeys of another'({ page, service, site, judge }) {
    const made = await run(page, () => register());
    const shop = site.replace('site', 'shop');
    await page.goto(shop);
    const other = (rpId) => run(page, (rpId) => outcome(assertion({ options: { rpId } })), rpId);
    equal((await other(RP_ID)).error, 'SecurityError');
    await service.publish(RP_ID, { origins: ['https://example.org', shop] });
    const { value } = await other(RP_ID);
    equal(clientData(value).origin, shop);
    await judge(made.exchange, [value]);
    const capabilities = await run(page, () => PublicKeyCredential.getClientCapabilities());
    equal(capabilities.relatedOrigins, true);
    await service.publish(RP_ID, { origins: [site] });
    equal((await other(RP_ID)).error, 'SecurityError');
  },

  async 'a passkey is made without a question, beside a sign-in'({ page, service, device, judge }) {
    const conditional = () => outcome(register({ call: { mediation: 'conditional' } }));
    const { value, message } = await run(page, conditional);
    equal(message, undefined);
    const [passkey] = await service.credentials(device);
    equal(passkey.credentialId, value.id);
    const used = await run(page, () => signIn());
    await judge(value.exchange, [used.exchange]);
    await service.faults(device, [{ fault: 'wrong-challenge', times: 1 }]);
    assert.match((await run(page, conditional)).message, /challenge/);
    // A key in the hand is not asked beside a sign-in.
    await service.empty();
    await service.add({ preset: 'fingerprint-key' });
    equal((await run(page, conditional)).error, 'NotAllowedError');
  },

  async 'a conditional request waits for a passkey'({ page, service, device, judge }) {
    equal(await run(page, () => PublicKeyCredential.isConditionalMediationAvailable()), true);
    const made = await run(page, () => register());
    const [passkey] = await service.credentials(device);
    await service.remove(device, made.id);
    const waiting = () => outcome(signIn({ call: { mediation: 'conditional' } }));
    const first = run(page, waiting);
    await service.began(2);
    await service.put(device, passkey);
    const { value } = await first;
    equal(value.id, made.id);
    await judge(made.exchange, [value.exchange]);
    await service.faults(device, [{ fault: 'signature-of-another-key' }]);
    assert.match((await run(page, waiting)).message, /signature/);
  },

  async 'an immediate request ends at once where there is nothing'(
    { page, service, device, judge },
  ) {
    const immediate = () => outcome(signIn({ call: { uiMode: 'immediate' } }));
    const nothing = await clicked(page, immediate);
    equal(nothing.error, 'NotAllowedError');
    await service.ended(1);
    const made = await run(page, () => register());
    const { value } = await clicked(page, immediate);
    equal(value.id, made.id);
    await judge(made.exchange, [value.exchange]);
    const listed = await clicked(page, (id) =>
      outcome(signIn({ id, call: { uiMode: 'immediate' } })), made.id);
    equal(listed.error, 'NotAllowedError');
    // A mode that nobody knows yet is as none: such a request needs no click.
    const unknown = await run(page, () => signIn({ call: { uiMode: 'some-day' } }));
    equal(unknown.id, made.id);
    await service.faults(device, [{ fault: 'wrong-rp-id-hash', times: 1 }]);
    assert.match((await clicked(page, immediate)).message, /another site/);
  },

  async 'no site may pay, or speak for a remote desktop'({ page, judge }) {
    const made = await run(page, () => register());
    const remoteDesktopClientOverride = { origin: 'https://a.test', sameOriginWithAncestors: true };
    const refused = [{ payment: { isPayment: true } }, { remoteClientDataJSON: '' },
      { remoteDesktopClientOverride }];
    const creating = (extensions) => outcome(creation({ options: { extensions } }));
    const asserting = (extensions) => outcome(assertion({ options: { extensions } }));
    for (const extensions of refused) {
      equal((await run(page, creating, extensions)).error, 'NotAllowedError');
      equal((await run(page, asserting, extensions)).error, 'NotAllowedError');
    }
    await judge(made.exchange, [(await run(page, () => signIn())).exchange]);
  },

  async 'frames of other sites need a policy, and say who is above'({ page, site, judge }) {
    const made = await run(page, () => register());
    const other = site.replace('site', 'other.site');
    const options = { rpId: RP_ID, timeout: 5000 };
    const inside = async (allow) => {
      const frame = await framed(page, `${other}/tagged`, allow);
      return run(frame, (options) => outcome(assertion({ options })), options);
    };
    equal((await inside()).error, 'NotAllowedError');
    equal((await inside('publickey-credentials-create')).error, 'NotAllowedError');
    const { value } = await inside('publickey-credentials-get');
    const { origin, crossOrigin, topOrigin } = clientData(value);
    assert.deepEqual([origin, crossOrigin, topOrigin], [other, true, site]);
    await judge(made.exchange, [value]);
  },

  async 'a frame of another site makes a passkey after a click, by its policy'(
    { page, site, judge },
  ) {
    const other = site.replace('site', 'other.site');
    const make = () => outcome(creation({ options: { rp: { id: 'site.localhost', name: 'It' } } }));
    const without = await framed(page, `${other}/tagged`, 'publickey-credentials-get');
    equal((await clicked(without, make)).error, 'NotAllowedError');
    const frame = await framed(page, `${other}/tagged`, 'publickey-credentials-create');
    const { value } = await clicked(frame, make);
    const { type, origin, topOrigin } = clientData(value);
    assert.deepEqual([type, origin, topOrigin], ['webauthn.create', other, site]);
    await judge(value, []);
  },

  async 'signals change what the authenticator keeps'({ page, service, device, judge }) {
    const made = await run(page, () => register());
    const userId = made.exchange.options.user.id;
    await run(page, (it) => PublicKeyCredential.signalCurrentUserDetails(it), {
      rpId: RP_ID, userId, name: 'alice.b', displayName: 'Alice B.',
    });
    const [renamed] = await service.credentials(device);
    assert.deepEqual([renamed.userName, renamed.userDisplayName], ['alice.b', 'Alice B.']);
    const accept = (ids) =>
      run(page, (it) => PublicKeyCredential.signalAllAcceptedCredentials(it), {
        rpId: RP_ID, userId, allAcceptedCredentialIds: ids,
      });
    await accept([made.id]);
    await judge(made.exchange, [(await run(page, () => signIn())).exchange]);
    await accept([]);
    equal((await service.credentials(device)).length, 0);
    const second = await run(page, () => register());
    const unknown = (it) => outcome(PublicKeyCredential.signalUnknownCredential(it));
    await run(page, unknown, { rpId: RP_ID, credentialId: second.id });
    equal((await service.credentials(device)).length, 0);
    const foreign = await run(page, unknown, { rpId: 'example.org', credentialId: 'AAAA' });
    equal(foreign.error, 'SecurityError');
    const bad = await run(page, unknown, { rpId: RP_ID, credentialId: '=' });
    equal(bad.error, 'TypeError');
  },

  async 'PRF gives the same secret each time'({ page, service, device, judge }) {
    const values = { first: 'AAECAwQFBgcICQoLDA0ODw', second: 'EA' };
    const made = await run(page, (it) => register({ options: { extensions: { prf: it } } }),
      { eval: values });
    const { prf } = outputs(made.exchange);
    equal(prf.enabled, true);
    const use = (id, prf) => run(page, ([id, prf]) =>
      outcome(signIn({ id, options: { extensions: { prf } } })), [id, prf]);
    const listed = await use(made.id, { evalByCredential: { [made.id]: values } });
    const found = await use(undefined, { eval: values });
    for (const { value } of [listed, found]) {
      assert.deepEqual(outputs(value.exchange).prf.results, prf.results);
    }
    equal(Buffer.from(prf.results.first, 'base64url').length, 32);
    assert.notEqual(prf.results.first, prf.results.second);
    await judge(made.exchange, [listed.value.exchange, found.value.exchange]);
    const misplaced = await use(undefined, { evalByCredential: { [made.id]: values } });
    equal(misplaced.error, 'NotSupportedError');
    await service.faults(device, [{ fault: 'answer-of-another-site', times: 1 }]);
    equal((await use(made.id, { eval: values })).error, 'UnknownError');
  },

  async 'a large blob is written, and read as a buffer'({ page, service, judge }) {
    await service.empty();
    const device = await service.add({
      protocol: 'ctap2_1', transport: 'usb', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, extensions: ['largeBlob'],
    });
    const made = await run(page, () => register({ options: {
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      extensions: { largeBlob: { support: 'required' } },
    } }));
    equal(outputs(made.exchange).largeBlob.supported, true);
    const use = (largeBlob) => run(page, ([id, largeBlob]) =>
      outcome(signIn({ id, options: { extensions: { largeBlob } } })), [made.id, largeBlob]);
    const written = await use({ write: 'aGVsbG8' });
    equal(outputs(written.value.exchange).largeBlob.written, true);
    const read = await use({ read: true });
    equal(outputs(read.value.exchange).largeBlob.blob, 'aGVsbG8');
    await judge(made.exchange, [written.value.exchange, read.value.exchange]);
    const buffer = await run(page, async (id) => {
      const extensions = { largeBlob: { read: true } };
      const json = { ...await post('/sign-in/begin', { id }), extensions };
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(json);
      const { blob } = (await navigator.credentials.get({ publicKey }))
        .getClientExtensionResults().largeBlob;
      return blob instanceof ArrayBuffer && new TextDecoder().decode(blob);
    }, made.id);
    equal(buffer, 'hello');
    equal((await use({ read: true, write: 'AA' })).error, 'NotSupportedError');
    // Of an authenticator that has no blobs nothing is read, and none is promised.
    await service.remove(device, made.id);
    await service.empty();
    await service.add({
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true,
    });
    const required = await run(page, () => outcome(register({ options: {
      extensions: { largeBlob: { support: 'required' } },
    } })));
    equal(required.error, 'NotAllowedError');
  },
};
