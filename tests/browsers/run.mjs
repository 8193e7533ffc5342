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

/** Runs all in one browser, beside a service of its own: how many failed. */
async function inBrowser(kind, launch) {
  const service = await start(program);
  const browser = await launch();
  const script = await service.script();
  let failed = 0;

  async function attempt(name, run) {
    if (!name.includes(part) || browser.lacks?.some((it) => name.includes(it))) return;
    const started = Date.now();
    try {
      await service.empty();
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
  async function prepared(name) {
    const device = await service.add({ preset: 'synced-passkey' });
    const { site, script } = service;
    const judged = (...passed) => judge(`${browser.name}: ${name}`, ...passed);
    return { service: await service.since(), device, judge: judged, site, script };
  }

  for (const [name, run] of Object.entries({ ...cases, ...features })) {
    await attempt(name, async () => {
      const tools = await prepared(name);
      const page = await browser.open({ script });
      await page.goto(service.site);
      await run({ ...tools, page });
      await page.over();
    });
  }
  const address = Object.values(networkInterfaces()).flat()
    .find((it) => it.family === 'IPv4' && !it.internal)?.address;
  for (const [name, run] of Object.entries(ways)) {
    await attempt(name, async () => {
      const tools = await prepared(name);
      const insecure = service.site.replace('site.localhost', address);
      await run({ ...tools, open: browser.open, insecure });
    });
  }
  const told = { service: service.address, site: service.site };
  if (kind === 'chromium') {
    await attempt('the page to look at, by its keyboard', () =>
      byKeyboard({ open: browser.open, service: service.address }));
    await attempt('what users of Playwright are told', () =>
      inPlaywright({ ...told, browser: browser.driven }));
  }
  if (kind === 'chromium' || (kind === 'firefox' && process.env.GECKODRIVER)) {
    await attempt('what users of Selenium are told', () => inSelenium({ ...told, name: kind }));
  }
  await browser.close();
  service.stop();
  return failed;
}

// All at once: each of them waits most of the time.
const wanted = Object.entries(browsers).filter(([kind]) => kind.includes(only));
const failed = await Promise.all(wanted.map(([kind, launch]) => inBrowser(kind, launch)));
process.exit(failed.some((it) => it > 0) ? 1 : 0);
