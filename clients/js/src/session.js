// A session: authenticators, the pages and programs that use them, a clock and a log.

import { Authenticator } from './authenticator.js'
import { StillOpen } from './errors.js'

/** Options of a server are text as well. */
const parsed = (options) => (typeof options === 'string' ? JSON.parse(options) : options)

export class Session {
  #call

  constructor(call, id) {
    this.id = id
    this.#call = async (method, path, body) => call(method, `v1/${id}${path}`, body)
  }

  /** Adds an authenticator: a preset by its name, or options. */
  async addAuthenticator(options = {}) {
    const wanted = typeof options === 'string' ? { preset: options } : options
    const { answer } = await this.#call('POST', '/authenticators', wanted)
    return new Authenticator(this.#call, answer.authenticatorId)
  }

  async authenticators() {
    const { answer } = await this.#call('GET', '/authenticators')
    return answer.authenticators.map((it) => new Authenticator(this.#call, it.authenticatorId))
  }

  /** Registers, as `navigator.credentials.create()` in a page of that origin. */
  async create(origin, options, more) {
    return this.#ceremony('POST', '/create', { origin, options: parsed(options), ...more })
  }

  /** Signs in, as `navigator.credentials.get()` in a page of that origin. */
  async get(origin, options, more) {
    return this.#ceremony('POST', '/get', { origin, options: parsed(options), ...more })
  }

  /** The end of a ceremony that was still open; `wait` in seconds. */
  async ceremony(ceremonyId, { wait = 10 } = {}) {
    return this.#ceremony('GET', `/ceremonies/${ceremonyId}?wait=${wait}`)
  }

  async #ceremony(method, path, body) {
    const { answer } = await this.#call(method, path, body)
    if (answer.response === undefined) throw new StillOpen(answer.ceremonyId)
    return answer.response
  }

  /** Says what `https://RP_ID/.well-known/webauthn` would: origins that may use its passkeys. */
  async publishRelatedOrigins(rpId, origins) {
    await this.#call('PUT', `/related-origins/${encodeURIComponent(rpId)}`, { origins })
  }

  /** What has happened since the notice of that number; waits so many seconds for the next. */
  async log({ after = 0, wait = 0 } = {}) {
    return (await this.#call('GET', `/log?after=${after}&wait=${wait}`)).answer.notices
  }

  /** Holds the clock, lets it go, or moves it by seconds: `{ held, advance }`. */
  async clock(change) {
    const method = change ? 'PATCH' : 'GET'
    return (await this.#call(method, '/clock', change)).answer
  }

  /** The script for pages, whose messages go through a function of the window of that name. */
  async pageScript(binding) {
    const name = encodeURIComponent(binding)
    return (await this.#call('GET', `/page/script.js?binding=${name}`)).answer
  }

  /** Answers a message of that script; the origin is that of the frame that sent it. */
  async answerPage(origin, message) {
    return (await this.#call('POST', '/page', { origin, message })).answer
  }

  /** What opens the door for pages to this session, and nothing else. */
  async pageKey() {
    return (await this.#call('GET', '')).answer.pageKey
  }

  /** Ends it, and forgets what it keeps; `default` begins anew. */
  async end() {
    await this.#call('DELETE', '')
  }
}
