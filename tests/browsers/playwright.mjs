// What docs/virtual-page.md tells users of Playwright. A service runs at `service`.

import assert from 'node:assert/strict';

/** Gives the pages of a context passkeys: those of the session `default`. */
async function withPasskeys(context, service) {
  // The page key opens the door for pages, and nothing else.
  const { pageKey } = await (await fetch(`${service}/v1/default`)).json();
  const { origin } = new URL(service);
  const script = await fetch(`${origin}/${pageKey}/page/script.js`);
  await context.addInitScript({ content: await script.text() });
}

/** The same for sites whose content security policy forbids pages to connect elsewhere. */
async function withPasskeysThroughPlaywright(context, service) {
  await context.exposeBinding('towline', async ({ frame }, text) => {
    const { origin } = new URL(frame.url());
    const body = JSON.stringify({ origin, message: JSON.parse(text) });
    const answer = await fetch(`${service}/v1/default/page`, { method: 'POST', body });
    return answer.text();
  });
  const script = await fetch(`${service}/v1/default/page/script.js?binding=towline`);
  await context.addInitScript({ content: await script.text() });
}

/** An authenticator, and a sign-in that the person refuses once. */
export async function inPlaywright({ browser, service, site }) {
  const made = await fetch(`${service}/v1/default/authenticators`, {
    method: 'POST',
    body: JSON.stringify({ preset: 'synced-passkey' }),
  });
  const { authenticatorId } = await made.json();

  const context = await browser.newContext();
  await withPasskeys(context, service);
  const page = await context.newPage();
  await page.goto(site);
  await page.click('text=Register');
  await page.waitForSelector('text=Registered');

  await fetch(`${service}/v1/default/authenticators/${authenticatorId}/person`, {
    method: 'PUT',
    body: JSON.stringify({ rules: 'signing-in: refuses once; agrees' }),
  });
  await page.click('text=Sign in');
  await page.waitForSelector('text=NotAllowedError');
  await page.click('text=Sign in');
  await page.waitForSelector('text=Signed in');
  await context.close();

  const strict = await browser.newContext();
  await withPasskeysThroughPlaywright(strict, service);
  const cautious = await strict.newPage();
  await cautious.goto(`${site}/strict`);
  await cautious.click('text=Sign in');
  await cautious.waitForSelector('text=Signed in');
  assert.equal(await cautious.textContent('output'), 'Signed in');
  await strict.close();
}
