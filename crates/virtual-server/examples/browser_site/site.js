// The page of the site: written as sites are, with the JSON methods of WebAuthn L3. It knows
// nothing of the virtual authenticator.

async function post(path, body) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.refused);
  return answer;
}

/** What a page gets, and does not send on: options and response. */
async function creation({ name = 'alice', options = {}, call = {} } = {}) {
  const json = { ...await post('/register/begin', { name }), ...options };
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(json);
  const credential = await navigator.credentials.create({ publicKey, ...call });
  return { options: json, response: credential.toJSON() };
}

async function assertion({ id, options = {}, call = {} } = {}) {
  const json = { ...await post('/sign-in/begin', { id }), ...options };
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(json);
  const credential = await navigator.credentials.get({ publicKey, ...call });
  return { options: json, response: credential.toJSON() };
}

const finish = async (path, exchange) => {
  const { options: { challenge }, response: credential } = exchange;
  return { ...await post(path, { challenge, credential }), exchange };
};

const register = async (given) => finish('/register/finish', await creation(given));
const signIn = async (given) => finish('/sign-in/finish', await assertion(given));

/** What a promise comes to, as something that leaves the page. */
const outcome = (promise) => promise.then(
  (value) => ({ value }),
  (error) => ({ error: error?.name ?? String(error), message: error?.message }),
);

const output = document.querySelector('output');
for (const [id, run, done] of [
  ['register', register, 'Registered'],
  ['sign-in', signIn, 'Signed in'],
]) {
  document.getElementById(id).addEventListener('click', async () => {
    output.textContent = '';
    output.textContent = await run().then(() => done, (error) => error.name);
  });
}
