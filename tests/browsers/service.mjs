// The service and the site, as the example browser_site starts them, and the service's HTTP.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export async function start(program) {
  const running = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: running.stdout }), 'line');
  return { ...client(JSON.parse(line)), stop: () => running.kill() };
}

/** The default session of the service. */
function client({ service, script, site }) {
  const ask = async (method, path, body) => {
    const response = await fetch(`${service}/v1/default${path}`, {
      method,
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
    return text && JSON.parse(text);
  };
  const log = async (after) => (await ask('GET', `/log?after=${after}`)).notices;
  const passkeys = (device) => `/authenticators/${device}/credentials`;

  /** Waits until so many of these events have happened since a notice of the log. */
  const until = async (event, count, after) => {
    for (let tries = 0; tries < 100; tries += 1) {
      const seen = (await log(after)).filter((notice) => notice.event === event);
      if (seen.length >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${event} was not seen ${count} times: ${JSON.stringify(await log(after))}`);
  };

  return {
    address: service,
    site,
    ask,
    async empty() {
      for (const { authenticatorId } of (await ask('GET', '/authenticators')).authenticators) {
        await ask('DELETE', `/authenticators/${authenticatorId}`);
      }
    },
    add: async (options) => (await ask('POST', '/authenticators', options)).authenticatorId,
    drop: (device) => ask('DELETE', `/authenticators/${device}`),
    change: (device, change) => ask('PATCH', `/authenticators/${device}`, change),
    credentials: async (device) => (await ask('GET', passkeys(device))).credentials,
    put: (device, credential) => ask('POST', passkeys(device), credential),
    clear: (device) => ask('DELETE', passkeys(device)),
    remove: (device, id) => ask('DELETE', `${passkeys(device)}/${id}`),
    faults: (device, faults) => ask('PUT', `/authenticators/${device}/faults`, { faults }),

    /** What the site of an RP ID says of who may use its passkeys. */
    publish: (rpId, document) => ask('PUT', `/related-origins/${rpId}`, document),

    /** The script that a page is given: it connects by itself, or through a bound function. */
    async script(binding) {
      const bound = `${service}/v1/default/page/script.js?binding=${binding}`;
      const response = await fetch(binding ? bound : script);
      if (!response.ok) throw new Error(await response.text());
      return response.text();
    },

    /** What a bound function does: it hands on what the page asks, and says whose page it is. */
    async relay(url, text) {
      const { origin } = new URL(url);
      return JSON.stringify(await ask('POST', '/page', { origin, message: JSON.parse(text) }));
    },

    /** The same, with what has happened since now. */
    async since() {
      const after = (await log(0)).at(-1)?.number ?? 0;
      const began = (count) => until('ceremonyBegan', count, after);
      const ended = (count) => until('ceremonyEnded', count, after);
      return { ...this, began, ended };
    },
  };
}
