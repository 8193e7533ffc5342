// Runs the cases in the browsers. Arguments: the directory with node_modules, the example
// browser_site, and perhaps the name of a browser and part of the name of a case.

import { networkInterfaces } from 'node:os';

import { browsers } from './browsers.mjs';
import { cases, ways } from './cases.mjs';
import { features } from './features.mjs';
import { judge } from './judge.mjs';
import { byKeyboard } from './panel.mjs';
import { inPlaywright } from './playwright.mjs';
import { inSelenium } from './selenium.mjs';
import { start } from './service.mjs';

const [, , , program, only = '', part = ''] = process.argv;
const service = await start(program);
let failed = 0;

async function attempt(browser, name, run) {
  if (!name.includes(part) || browser.lacks?.some((it) => name.includes(it))) return;
  const started = Date.now();
  try {
    await Promise.race([run(), new Promise((_, reject) => {
      setTimeout(() => reject(new Error('it did not end within 60 s')), 60_000).unref();
    })]);
    console.log(`${browser.name}: ${name}: ${Date.now() - started} ms`);
  } catch (error) {
    failed += 1;
    console.log(`${browser.name}: ${name}: FAILED\n${error.stack}`);
  }
}

/** The service and the page of one case. */
async function prepared(browser, name) {
  await service.empty();
  const device = await service.add({ preset: 'synced-passkey' });
  const { site, script } = service;
  const judged = (...passed) => judge(`${browser.name}: ${name}`, ...passed);
  return { service: await service.since(), device, judge: judged, site, script };
}

for (const [name, launch] of Object.entries(browsers)) {
  if (!name.includes(only)) continue;
  const browser = await launch();
  const script = await service.script();
  for (const [name, run] of Object.entries({ ...cases, ...features })) {
    await attempt(browser, name, async () => {
      const tools = await prepared(browser, name);
      const page = await browser.open({ script });
      await page.goto(service.site);
      await run({ ...tools, page });
      await page.over();
    });
  }
  const address = Object.values(networkInterfaces()).flat()
    .find((it) => it.family === 'IPv4' && !it.internal)?.address;
  for (const [name, run] of Object.entries(ways)) {
    await attempt(browser, name, async () => {
      const tools = await prepared(browser, name);
      const insecure = service.site.replace('site.localhost', address);
      await run({ ...tools, open: browser.open, insecure });
    });
  }
  if (name === 'chromium') {
    await attempt(browser, 'the page to look at, by its keyboard', async () => {
      await service.empty();
      await byKeyboard({ open: browser.open, service: service.address });
    });
    await service.empty();
    const told = { browser: browser.driven, service: service.address, site: service.site };
    await attempt(browser, 'what users of Playwright are told', () => inPlaywright(told));
  }
  if (name === 'chromium' || (name === 'firefox' && process.env.GECKODRIVER)) {
    await service.empty();
    const told = { name, service: service.address, site: service.site };
    await attempt(browser, 'what users of Selenium are told', () => inSelenium(told));
  }
  await browser.close();
}
service.stop();
process.exit(failed === 0 ? 0 : 1);
