// What docs/virtual-page.md tells users of Selenium. A service runs at `service`.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// The directory with node_modules is named, as this file is not in it.
const require = createRequire(pathToFileURL(join(process.argv[2], 'package.json')));
const { Builder, By, until } = require('selenium-webdriver');
const chrome = require('selenium-webdriver/chrome');
const firefox = require('selenium-webdriver/firefox');
const scriptManager = require('selenium-webdriver/bidi/scriptManager');

/** Gives the pages of a driver passkeys, by WebDriver BiDi: frames without an address included. */
async function withPasskeys(driver, service) {
  const { pageKey } = await (await fetch(`${service}/v1/default`)).json();
  const { origin } = new URL(service);
  const script = await (await fetch(`${origin}/${pageKey}/page/script.js`)).text();
  const scripts = await scriptManager(await driver.getWindowHandle(), driver);
  await scripts.addPreloadScript(`() => { ${script} }`);
}

/** Drivers of this machine's browsers, with BiDi. */
const drivers = {
  chromium() {
    const options = new chrome.Options().enableBidi();
    options.addArguments('--headless', '--no-sandbox');
    options.setChromeBinaryPath('/usr/bin/chromium');
    return new Builder().forBrowser('chrome').setChromeOptions(options)
      .setChromeService(new chrome.ServiceBuilder('/usr/bin/chromedriver')).build();
  },
  firefox() {
    const options = new firefox.Options().enableBidi();
    options.addArguments('-headless');
    options.setBinary('/usr/bin/firefox-esr');
    return new Builder().forBrowser('firefox').setFirefoxOptions(options)
      .setFirefoxService(new firefox.ServiceBuilder(process.env.GECKODRIVER)).build();
  },
};

export async function inSelenium({ name, service, site }) {
  await fetch(`${service}/v1/default/authenticators`, {
    method: 'POST',
    body: JSON.stringify({ preset: 'security-key' }),
  });
  const driver = await drivers[name]();
  try {
    await withPasskeys(driver, service);
    await driver.get(site);
    const output = await driver.findElement(By.css('output'));
    for (const [button, result] of [['register', 'Registered'], ['sign-in', 'Signed in']]) {
      await driver.findElement(By.id(button)).click();
      await driver.wait(until.elementTextIs(output, result), 10_000);
    }
  } finally {
    await driver.quit();
  }
}
