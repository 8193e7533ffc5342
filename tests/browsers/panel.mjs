// The page at the root of the service, by its keyboard alone.

import assert from 'node:assert/strict';

const registration = {
  challenge: 'AAECAwQFBgcICQoLDA0ODw',
  rp: { name: 'Example' },
  user: { id: 'MQ', name: 'alice', displayName: 'Alice' },
  pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
};

/** Waits until it holds in the page, whose policy lets no driver leave code there that looks. */
async function until(page, holds, argument) {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await page.evaluate(holds, argument)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it never held that ${holds}`);
}

async function press(page, selector, key = 'Enter') {
  await until(page, (it) => document.querySelector(it) !== null, selector);
  await page.focus(selector);
  await page.keyboard.press(key);
}

/** An authenticator is made, its person is answered for, and the log tells what came of it. */
export async function byKeyboard({ open, service }) {
  const page = await open({});
  await page.goto(`${service}/`);
  await until(page, () => document.querySelector('#connection').textContent !== '');
  await press(page, '#make button');
  const box = '[id$="-consenting"]';
  await press(page, box, ' ');
  await until(page, async () => {
    const { authenticators } = await (await fetch('v1/default/authenticators')).json();
    return authenticators.length === 1 && !authenticators[0].switches.isUserConsenting;
  });
  const asked = await fetch(`${service}/v1/default/create`, {
    method: 'POST',
    body: JSON.stringify({ origin: 'https://example.org', options: registration, wait: 0 }),
  });
  assert.equal(asked.status, 202);
  const { ceremonyId } = await asked.json();
  await press(page, '[id$="-agree"]');
  const ended = await fetch(`${service}/v1/default/ceremonies/${ceremonyId}`);
  assert.equal((await ended.json()).response.type, 'public-key');
  await until(page, () => {
    const log = document.querySelector('#log').textContent;
    return log.includes('Passkey added') && log.includes('authenticatorMakeCredential: CTAP2_OK');
  });

  // What is wrong is said where screen readers read it out, and the page goes on.
  await page.focus('[id$="-rules"]');
  await page.keyboard.type('nonsense');
  await page.keyboard.press('Enter');
  await until(page, () => document.querySelector('#said').textContent.includes('nonsense'));

  // A phone scans the code that the computer shows, by its text.
  await press(page, '#add-phone');
  await press(page, '#show button');
  await until(page, () => document.querySelector('#screens .code')?.complete === true);
  const code = await page.evaluate(() => document.querySelector('#screens .id').textContent);
  await until(page, () => document.querySelector('[id$="-code"]') !== null);
  await page.focus('[id$="-code"]');
  await page.keyboard.type(code);
  await page.keyboard.press('Enter');
  await until(page, () => {
    const shown = document.querySelector('#screens').textContent;
    return shown.includes('The site has its answer');
  });

  const seen = await page.evaluate(() => ({
    unlabelled: [...document.querySelectorAll('input, select')].filter((it) => !it.labels.length)
      .map((it) => it.id),
    secret: document.querySelector('#log').textContent.includes('privateKey'),
    width: document.documentElement.scrollWidth <= window.innerWidth,
  }));
  assert.deepEqual(seen, { unlabelled: [], secret: false, width: true });

  await page.evaluate(() => {
    const language = document.querySelector('#language');
    language.value = 'da';
    language.dispatchEvent(new Event('change'));
  });
  await until(page, () => document.querySelector('article').textContent.includes('Fjern'));
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'da');
  await page.over();
}
