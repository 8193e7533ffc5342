// Playwright, with any browser: passkeys for the pages of a context.

/** The function of the window that the script for pages calls. */
const BINDING = '__towlineVirtual'

/** The origin of a frame; without an address of its own it has its parent's. */
function originOf(frame) {
  for (let it = frame; it; it = it.parentFrame()) {
    if (/^https?:/.test(it.url())) return new URL(it.url()).origin
  }
  return 'null'
}

/** Gives all pages of a context the passkeys of a session, whatever their security policy is. */
export async function install(context, session) {
  await context.exposeBinding(BINDING, async ({ frame }, text) =>
    JSON.stringify(await session.answerPage(originOf(frame), JSON.parse(text))))
  await context.addInitScript({ content: await session.pageScript(BINDING) })
}

/** A passkey as Playwright writes it, and all else that is kept of it. */
const asPlaywrights = (credential) => ({ ...credential, signCount: credential.signCount ?? 0 })

/** A new passkey, made by an authenticator that nothing of the test has to do with. */
async function newPasskey(service, rpId, userHandle) {
  const session = await service.newSession()
  try {
    const authenticator = await session.addAuthenticator('synced-passkey')
    const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url')
    await session.create(`https://${rpId}`, {
      challenge: random(),
      rp: { id: rpId, name: rpId },
      user: { id: userHandle ?? random(), name: rpId, displayName: rpId },
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { residentKey: 'required' },
    })
    return (await authenticator.credentials())[0]
  } finally {
    await session.end()
  }
}

/** The calls of Playwright's `context.credentials`, by the same names. */
export class Credentials {
  #context
  #service
  #installed

  /** `session` and `authenticator` are the test's, for people, faults, the clock and the log. */
  constructor(context, service, session, authenticator) {
    this.#context = context
    this.#service = service
    this.session = session
    this.authenticator = authenticator
  }

  /** For a context: a session of its own, with one authenticator. */
  static async for(context, service, authenticator = 'synced-passkey') {
    const session = await service.newSession()
    context.once('close', () => session.end().catch(() => {}))
    return new this(context, service, session, await session.addAuthenticator(authenticator))
  }

  async install() {
    this.#installed ??= install(this.#context, this.session)
    await this.#installed
  }

  async create(rpId, options = {}) {
    const made = options.privateKey ? {} : await newPasskey(this.#service, rpId, options.userHandle)
    const { credentialId, ...rest } = made
    const credential = { ...rest, id: credentialId, ...options, rpId }
    if (credential.credentialId) delete credential.id
    await this.authenticator.addCredential(credential)
    const [added] = await this.get({ id: credential.credentialId ?? credential.id })
    return added
  }

  async get({ id, rpId } = {}) {
    const all = (await this.authenticator.credentials()).map(asPlaywrights)
    return all.filter((it) => (id ?? it.id) === it.id && (rpId ?? it.rpId) === it.rpId)
  }

  async delete(id) {
    await this.authenticator.removeCredential(id)
  }

  /** What Playwright's `storageState({ credentials: true })` gives, with our passkeys. */
  async storageState({ credentials = true, ...options } = {}) {
    const state = await this.#context.storageState(options)
    return credentials ? { ...state, credentials: await this.get() } : state
  }
}
