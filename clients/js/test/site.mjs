// A small site with passkeys, judged by @simplewebauthn/server. Its pages forbid connections to
// other servers, as careful sites do; but `/open` does not.

import { once } from 'node:events'
import { createServer } from 'node:http'
import {
  generateAuthenticationOptions, generateRegistrationOptions, verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'

const PAGE = `<!doctype html><title>site</title>
<button onclick="run('register')">Register</button> <button onclick="run('signIn')">Sign in</button>
<output></output>
<script>
  const post = async (path, body = {}) => {
    const response = await fetch(path, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(await response.text())
    return response.json()
  }
  const ceremonies = {
    async register() {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await post('/register'))
      return post('/registered', await navigator.credentials.create({ publicKey }))
    },
    async signIn() {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await post('/sign-in'))
      return post('/signed-in', await navigator.credentials.get({ publicKey }))
    },
  }
  const run = (name) => ceremonies[name]()
    .then((it) => { document.querySelector('output').textContent = it.said })
    .catch((it) => { document.querySelector('output').textContent = it.name + ': ' + it.message })
</script>`

export class Site {
  rpID = 'localhost'
  passkeys = new Map()

  constructor(origin = 'http://localhost') {
    this.origin = origin
  }

  async register(session) {
    const response = await session.create(this.origin, await this.creation())
    return this.registered(response)
  }

  async signIn(session) {
    const response = await session.get(this.origin, await this.request())
    return this.signedIn(response)
  }

  async creation() {
    const options = await generateRegistrationOptions({
      rpName: 'Site', rpID: this.rpID, userName: 'alice',
      authenticatorSelection: { residentKey: 'required' },
    })
    this.challenge = options.challenge
    return options
  }

  async registered(response) {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response, expectedChallenge: this.challenge, expectedOrigin: this.origin,
      expectedRPID: this.rpID,
    })
    if (verified) this.passkeys.set(response.id, registrationInfo.credential)
    return verified
  }

  async request() {
    const options = await generateAuthenticationOptions({ rpID: this.rpID })
    this.challenge = options.challenge
    return options
  }

  async signedIn(response) {
    const credential = this.passkeys.get(response.id)
    if (!credential) throw new Error('an unknown passkey')
    const { verified } = await verifyAuthenticationResponse({
      response, credential, expectedChallenge: this.challenge, expectedOrigin: this.origin,
      expectedRPID: this.rpID,
    })
    return verified
  }

  /** Serves the pages, from a free port. */
  async open() {
    const answers = {
      '/register': () => this.creation(),
      '/sign-in': () => this.request(),
      '/registered': async (it) => (await this.registered(it)) && { said: 'Registered' },
      '/signed-in': async (it) => (await this.signedIn(it)) && { said: 'Signed in' },
    }
    this.server = createServer(async (request, response) => {
      if (request.method === 'GET') {
        response.setHeader('content-type', 'text/html')
        if (request.url !== '/open') {
          response.setHeader('content-security-policy', "connect-src 'self'")
        }
        return response.end(PAGE)
      }
      let text = ''
      for await (const part of request) text += part
      try {
        response.end(JSON.stringify(await answers[request.url](JSON.parse(text))))
      } catch (error) {
        response.writeHead(400).end(error.message)
      }
    }).listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    this.origin = `http://localhost:${this.server.address().port}`
    return this
  }

  close() {
    this.server.closeAllConnections()
    this.server.close()
  }
}
