import type { Authenticator, AuthenticatorOptions, Credential, Preset, Service, Session }
  from './index.js'

/** What is used of Playwright's `BrowserContext`. */
interface Context {
  exposeBinding(name: string, callback: (source: any, ...args: any[]) => any): Promise<any>
  addInitScript(script: { content: string }): Promise<any>
  storageState(options?: any): Promise<any>
  once(event: 'close', listener: () => void): any
}

/** Gives all pages of a context the passkeys of a session, whatever their security policy is. */
export function install(context: Context, session: Session): Promise<void>

/** A passkey as Playwright writes it, and all else that is kept of it. */
export type PlaywrightCredential = Credential & {
  id: string
  userHandle: string
  privateKey: string
  publicKey: string
  signCount: number
}

/** The calls of Playwright's `context.credentials`, by the same names. */
export class Credentials {
  /** For a context: a session of its own, with one authenticator. */
  static for(context: Context, service: Service, authenticator?: Preset | AuthenticatorOptions):
    Promise<Credentials>
  constructor(context: Context, service: Service, session: Session, authenticator: Authenticator)
  readonly session: Session
  readonly authenticator: Authenticator
  install(): Promise<void>
  create(rpId: string, options?: Partial<Credential>):
    Promise<PlaywrightCredential>
  get(options?: { id?: string; rpId?: string }): Promise<PlaywrightCredential[]>
  delete(id: string): Promise<void>
  storageState(options?: { credentials?: boolean; [more: string]: unknown }):
    Promise<{ cookies: any[]; origins: any[]; credentials?: PlaywrightCredential[] }>
}
