// Debian's browsers, unmodified: Chromium by Playwright; Firefox by Puppeteer over WebDriver BiDi,
// as Playwright drives a Firefox of its own only; WebKitGTK by Selenium. What the tests need of a
// page is alike in all.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { webkit } from './webkit.mjs';

// The directory with node_modules is named, as this file is not in it.
const require = createRequire(pathToFileURL(join(process.argv[2], 'package.json')));

/** Gives the frame of a page that shows this address. */
const frameAt = (page) => async (address) =>
  page.frames().find((it) => it.url().startsWith(address));

/** Chromium: `open` gives a page of a context of its own. */
async function chromium() {
  const { chromium } = require('playwright-core');
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  const open = async ({ script, binding } = {}) => {
    const context = await browser.newContext();
    if (binding) {
      const relay = ({ frame }, text) => binding.run(frame.url(), text);
      await context.exposeBinding(binding.name, relay);
    }
    if (script) await context.addInitScript({ content: script });
    const page = await context.newPage();
    return Object.assign(page, { over: () => context.close(), frameAt: frameAt(page) });
  };
  const name = `Chromium ${browser.version()}`;
  return { name, open, driven: browser, close: () => browser.close() };
}

/** Firefox. */
async function firefox() {
  const browser = await require('puppeteer-core').launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
  });
  const open = async ({ script, binding } = {}) => {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    if (binding) {
      await page.exposeFunction(binding.name, (text) => binding.run(page.url(), text));
    }
    if (script) await page.evaluateOnNewDocument(script);
    return Object.assign(page, { over: () => context.close(), frameAt: frameAt(page) });
  };
  const name = (await browser.version()).replace('firefox/', 'Firefox ');
  return { name, open, driven: browser, close: () => browser.close() };
}

export const browsers = { chromium, firefox, ...(process.env.WEBKIT ? { webkit } : {}) };
