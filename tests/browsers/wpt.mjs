// Runs the web platform's own tests of WebAuthn through the script, in Chromium and Firefox, by
// hand: their text is not here.
//
//     node tests/browsers/wpt.mjs NODE_DIRECTORY PROGRAM TESTS [BROWSER [PART]]
//
// TESTS is a folder of the web-platform-tests with `tools`, `resources`, `common`, `interfaces`
// and `webauthn`; see docs/virtual-page.md.

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { start } from './service.mjs';

const [directory, program, tests, only = '', part = ''] = process.argv.slice(2);
const puppeteer = createRequire(pathToFileURL(join(directory, 'package.json')))('puppeteer-core');
const HOST = 'web-platform.test';
const PORTS = { http: 8000, https: 8443 };
/** How long a file may take, in milliseconds. */
const PATIENCE = 120_000;

/** The files, as the server shows them. */
const files = readdirSync(join(tests, 'webauthn'))
  .filter((it) => /\.https?\./.test(it) && !it.includes('-manual') && it.includes(part))
  .map((it) => it.replace(/\.window\.js$/, '.window.html'));

async function serve() {
  const config = join(mkdtempSync(join(tmpdir(), 'wpt-')), 'config.json');
  const ports = {
    http: [PORTS.http, 'auto'], https: [PORTS.https, 8444], ws: ['auto'], wss: ['auto'],
  };
  const settings = { check_subdomains: false, server_host: '127.0.0.1', ports };
  writeFileSync(config, JSON.stringify(settings));
  const begin = 'import sys; sys.path.insert(0, "."); import tools.localpaths; ' +
    'from tools.serve import serve; serve.main()';
  const server = spawn('python3', ['-c', begin, '--no-h2', '--config', config],
    { cwd: tests, detached: true, stdio: 'ignore' });
  for (let tries = 0; tries < 150; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const address = `http://127.0.0.1:${PORTS.http}/resources/testharness.js`;
    const answer = await fetch(address).catch(() => undefined);
    if (answer?.ok) return () => process.kill(-server.pid);
  }
  throw new Error('the server of the tests did not start');
}

const launch = {
  chromium: () => puppeteer.launch({
    browser: 'chrome', executablePath: '/usr/bin/chromium', acceptInsecureCerts: true,
    args: ['--no-sandbox', '--host-resolver-rules=MAP *.test 127.0.0.1',
      '--ignore-certificate-errors'],
  }),
  firefox: () => puppeteer.launch({
    browser: 'firefox', executablePath: '/usr/bin/firefox-esr', acceptInsecureCerts: true,
    extraPrefsFirefox: {
      'network.dns.localDomains': ['', 'www.', 'www1.', 'www2.']
        .flatMap((it) => [`${it}${HOST}`, `${it}not-${HOST}`]).join(','),
      'dom.security.https_first': false,
    },
  }),
};

/** In each page, before all else: what the tests ask their driver for, and where results go. */
function driver() {
  const ask = (what, ...given) => window.top.__driver
    ? window.top.__driver(what, given).then((it) => JSON.parse(it))
    : Promise.reject(new Error('there is no driver here'));
  const calls = {
    in_automation: true,
    add_virtual_authenticator: (config) => ask('add', config),
    remove_virtual_authenticator: (id) => ask('remove', id),
    add_credential: (id, credential) => ask('put', id, credential),
    get_credentials: (id) => ask('credentials', id),
    remove_credential: (id, credential) => ask('delete', id, credential),
    remove_all_credentials: (id) => ask('clear', id),
    set_user_verified: (id, { isUserVerified }) => ask('change', id, { isUserVerified }),
    // A click somewhere in the frame, by whoever drives the browser.
    click: (element, { x, y }) => window.__click
      ? window.__click(window.location.href, x, y)
      : Promise.reject(new Error('there is no mouse here')),
  };
  let internal;
  Object.defineProperty(window, 'test_driver_internal', {
    get: () => internal,
    set: (it) => {
      internal = Object.assign(it, calls);
      Object.freeze(internal);
    },
  });
  let add;
  Object.defineProperty(window, 'add_completion_callback', {
    get: () => add,
    set: (it) => {
      add = it;
      queueMicrotask(() => it((all, { status, message }) => {
        const results = all.map(({ name, status, message }) => ({ name, status, message }));
        window.__results = { status, message, results };
      }));
    },
  });
}

const service = await start(program);
const stop = await serve();
const script = await service.script();
try {
  for (const [name, open] of Object.entries(launch)) {
    if (!name.includes(only)) continue;
    const browser = await open();
    let [passed, count] = [0, 0];
    for (const file of files) {
      await service.empty();
      const { results, status, message } = await run(browser, file);
      const good = results.filter((it) => it.status === 0).length;
      [passed, count] = [passed + good, count + results.length];
      console.log(`${name}: ${file}: ${good} of ${results.length}`);
      if (status !== 0) console.log(`    the file: ${message ?? `status ${status}`}`);
      for (const it of results.filter((it) => it.status !== 0)) {
        console.log(`    ${it.name}: ${it.message}`);
      }
    }
    console.log(`${await browser.version()}: ${passed} of ${count} subtests pass`);
    await browser.close();
  }
} finally {
  stop();
  service.stop();
}
process.exit(0);

/** What came of a file. */
async function run(browser, file) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const calls = {
    add: (config) => service.add(config),
    remove: (id) => service.drop(id),
    put: (id, credential) => service.put(id, credential),
    credentials: (id) => service.credentials(id),
    delete: (id, credential) => service.remove(id, credential),
    clear: (id) => service.clear(id),
    change: (id, change) => service.change(id, change),
  };
  try {
    await page.exposeFunction('__driver', async (what, given) =>
      JSON.stringify(await calls[what](...given) ?? null));
    await page.exposeFunction('__click', async (address, x, y) => {
      let frame = page.frames().find((it) => it.url() === address);
      let place = { x, y };
      for (; frame?.parentFrame(); frame = frame.parentFrame()) {
        const { x, y } = await (await frame.frameElement()).boundingBox();
        place = { x: place.x + x, y: place.y + y };
      }
      await page.mouse.click(place.x, place.y);
    });
    await page.evaluateOnNewDocument(driver);
    await page.evaluateOnNewDocument(script);
    const scheme = file.includes('.http.') ? 'http' : 'https';
    await page.goto(`${scheme}://${HOST}:${PORTS[scheme]}/webauthn/${file}`);
    await page.waitForFunction('window.__results', { timeout: PATIENCE });
    return await page.evaluate('window.__results');
  } catch (error) {
    return { results: [], status: -1, message: error.message };
  } finally {
    await context.close();
  }
}
