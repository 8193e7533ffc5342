// The service and the site, as the example browser_site starts them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

async function post(address, body) {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

export async function start(program) {
  const running = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: running.stdout }), 'line');
  const { service, script, site, port } = JSON.parse(line);
  const control = (what, more) => 
    post(`http://127.0.0.1:${port}/control`, { do: what, ...more });
  const log = (after) => control('log', { after });

  /** Waits until so many ceremonies have begun, or ended, since a number of the log. */
  const until = async (event, count, after) => {
    for (let tries = 0; tries < 100; tries += 1) {
      const seen = (await log(after)).filter((notice) => notice.event === event);
      if (seen.length >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${event} was not seen ${count} times: ${JSON.stringify(await log(after))}`);
  };

  return {
    site,
    empty: () => control('empty'),
    add: (options) => control('add', { options }),
    change: (authenticator, change) => control('switch', { authenticator, change }),
    credentials: (authenticator) => control('credentials', { authenticator }),
    put: (authenticator, credential) => control('add-credential', { authenticator, credential }),
    remove: (authenticator, credentialId) =>
      control('remove-credential', { authenticator, credentialId }),

    /** The script that a page is given: it connects by itself, or through a bound function. */
    async script(binding) {
      const bound = `${service}/v1/sessions/default/page/script.js?binding=${binding}`;
      const response = await fetch(binding ? bound : script);
      if (!response.ok) throw new Error(await response.text());
      return response.text();
    },

    /** What a bound function does: it hands on what the page asks, and says whose page it is. */
    async relay(url, text) {
      const message = JSON.parse(text);
      const { origin } = new URL(url);
      const address = `${service}/v1/sessions/default/page`;
      return JSON.stringify(await post(address, { origin, message }));
    },

    /** The same with what is new from now on. */
    async since() {
      const after = (await log(0)).at(-1)?.number ?? 0;
      const began = (count) => until('ceremonyBegan', count, after);
      const ended = (count) => until('ceremonyEnded', count, after);
      return { ...this, began, ended };
    },
    stop: () => running.kill(),
  };
}
