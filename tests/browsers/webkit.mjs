// WebKitGTK's MiniBrowser by its own driver. That can't bring a script before those of a page, so
// that the pages of the site name it themselves, as `/tagged`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(join(process.argv[2], 'package.json')));

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until a driver listens there. */
async function listens(port) {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await fetch(`http://127.0.0.1:${port}/status`).catch(() => undefined)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('WebKitWebDriver does not listen');
}

/** Runs in the page: what a function of the test comes to. A page may forbid to evaluate texts. */
const wrapped = (body) => `
  const [given, done] = arguments;
  Promise.resolve().then(() => (${body})(given ?? undefined))
    .then((value) => done(JSON.stringify({ value })), (error) => done(JSON.stringify({
      error: error.name + ': ' + error.message,
    })));`;

/** A page, or a frame of it: `enter` makes the driver look there. */
function shown(driver, By, enter) {
  return {
    async evaluate(body, given) {
      await enter();
      const text = await driver.executeAsyncScript(wrapped(body), given);
      const { value, error } = JSON.parse(text);
      if (error !== undefined) throw new Error(error);
      return value;
    },
    async click(selector) {
      await enter();
      await driver.findElement(By.css(selector)).click();
    },
  };
}

/** WebKitGTK: `open` gives its one page, whose site is left at the end. */
export async function webkit() {
  const { Builder, By } = require('selenium-webdriver');
  const port = await freePort();
  const serving = spawn('WebKitWebDriver', [`--port=${port}`], { stdio: 'ignore' });
  await listens(port);
  const driver = await new Builder()
    .usingServer(`http://127.0.0.1:${port}`)
    .withCapabilities({ browserName: 'MiniBrowser' })
    .build();
  await driver.manage().setTimeouts({ script: 60_000 });
  const top = () => driver.switchTo().defaultContent();
  const page = {
    ...shown(driver, By, top),
    goto: (address) => driver.get(new URL(address).pathname === '/'
      ? new URL('/tagged', address).href : address),
    frameAt: async (address) => shown(driver, By, async () => {
      await top();
      await driver.switchTo().frame(driver.findElement(By.css(`iframe[src="${address}"]`)));
    }),
    over: () => driver.get('about:blank'),
  };
  const version = (await driver.getCapabilities()).get('browserVersion');
  return {
    name: `WebKitGTK ${version}`,
    open: async ({ binding } = {}) => {
      if (binding) throw new Error('its driver binds no functions');
      return page;
    },
    /** What its driver has no way for; and without WebAuthn nothing is carried by hand. */
    lacks: [
      'frames without an address', 'through a bound function', 'no secure context', 'by hand',
    ],
    async close() {
      await driver.quit();
      serving.kill();
    },
  };
}
