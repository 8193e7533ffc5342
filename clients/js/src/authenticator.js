// One virtual authenticator, its passkeys, its person and what goes wrong with it.

export class Authenticator {
  #call

  constructor(call, id) {
    this.id = id
    const below = `/authenticators/${encodeURIComponent(id)}`
    this.#call = async (method, path, body) => (await call(method, below + path, body)).answer
  }

  /** Its passkeys, with their private keys: what `addCredential` takes, here or elsewhere. */
  async credentials() {
    return (await this.#call('GET', '/credentials')).credentials
  }

  async addCredential(credential) {
    return this.#call('POST', '/credentials', credential)
  }

  async changeCredential(id, change) {
    return this.#call('PATCH', `/credentials/${id}`, change)
  }

  async removeCredential(id) {
    await this.#call('DELETE', `/credentials/${id}`)
  }

  /** Removes all passkeys. */
  async removeCredentials() {
    await this.#call('DELETE', '/credentials')
  }

  /** What the person does from now on: rules such as `signing-in: refuses once; agrees`. */
  async script(...rules) {
    await this.#call('PUT', '/person', { rules: rules.join('; ') })
  }

  /** What the person was asked, what is open, and what did not fit the script. */
  async questions() {
    return this.#call('GET', '/person')
  }

  /** Answers what is open, for the person: `agrees`, `refuses`, `picks=alice`. */
  async answer(answer) {
    return (await this.#call('POST', '/person/answer', { answer })).answered
  }

  /** Lets this go wrong from now on, and nothing else: names, or `{ fault, times, .. }`. */
  async fail(...faults) {
    const rules = faults.map((it) => (typeof it === 'string' ? { fault: it } : it))
    await this.#call('PUT', '/faults', { faults: rules })
  }

  /** What goes wrong, and how often it did. */
  async faults() {
    return (await this.#call('GET', '/faults')).faults
  }

  /** Changes switches: `isUserConsenting`, `isUserVerified` and others. */
  async set(switches) {
    return this.#call('PATCH', '', switches)
  }

  /** What it says of itself (authenticatorGetInfo). */
  async info() {
    return (await this.#call('GET', '/info')).info
  }

  /** Unplugs it, and plugs it in again. */
  async replug() {
    await this.#call('POST', '/replug')
  }

  /** Everything that it keeps now, for `restore`. */
  async snapshot() {
    return this.#call('GET', '/snapshot')
  }

  async restore(snapshot) {
    await this.#call('PUT', '/snapshot', snapshot)
  }

  /** Removes it, with its passkeys. */
  async remove() {
    await this.#call('DELETE', '')
  }
}
