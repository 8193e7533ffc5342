/** A ready-made kind of authenticator. */
export type Preset =
  | 'security-key' | 'fingerprint-key' | 'platform' | 'synced-passkey' | 'phone' | 'u2f-key'
  | 'android-phone' | 'iphone' | 'synced-platform' | 'ctap2.0-key' | 'narrow-key'

/** What a new authenticator is; each member changes one thing of the preset. */
export interface AuthenticatorOptions {
  preset?: Preset
  name?: string
  protocol?: 'ctap1/u2f' | 'ctap2' | 'ctap2_1'
  ctap2Version?: 'ctap2_0' | 'ctap2_1' | 'ctap2_2'
  transport?: string
  pin?: string
  seed?: number
  capacity?: number
  algorithms?: number[]
  extensions?: string[]
  alwaysUv?: boolean
  countsSignatures?: boolean
  hasDisplay?: boolean
  hasResidentKey?: boolean
  hasUserVerification?: boolean
  hasPrf?: boolean
  hasLargeBlob?: boolean
  hasCredBlob?: boolean
  hasMinPinLength?: boolean
  hasHmacSecret?: boolean
  hasHmacSecretMc?: boolean
  defaultBackupEligibility?: boolean
  defaultBackupState?: boolean
  isUserConsenting?: boolean
  isUserVerified?: boolean
}

/**
 * A passkey with its private key: a superset of the members of WebDriver, DevTools, Playwright and
 * CXF. Bytes are base64url. What is read anywhere can be added anywhere.
 */
export interface Credential {
  /** The id by which sites know it; Playwright's `id` is taken as well. */
  credentialId?: string
  id?: string
  rpId: string
  /** PKCS #8; CXF's `key` is taken as well. */
  privateKey?: string
  key?: string
  /** SubjectPublicKeyInfo; it follows from the private key. */
  publicKey?: string
  rpName?: string
  userHandle?: string
  userName?: string
  userDisplayName?: string
  isResidentCredential?: boolean
  /** `null` for one that does not count. */
  signCount?: number | null
  backupEligibility?: boolean
  backupState?: boolean
  largeBlob?: string
  largeBlobKey?: string
  prfSecret?: string
  credBlob?: string
  credProtect?: number
  [more: string]: unknown
}

export interface CredentialChange {
  signCount?: number | null
  backupEligibility?: boolean
  backupState?: boolean
  userName?: string | null
  userDisplayName?: string | null
}

/** Something that goes wrong: its name, and when. */
export interface Fault {
  fault: string
  phase?: 'create' | 'get'
  /** How many occasions it lets pass before. */
  after?: number
  /** How often it comes; without this whenever it can. */
  times?: number
}

/** What the person was asked. */
export interface Questions {
  open: string[]
  heard: string[]
  unmet?: string | null
}

/** Something that has happened in a session; the other members are those of the event. */
export interface Notice {
  number: number
  /** In milliseconds by the clock of the session. */
  at: number
  event: string
  [more: string]: unknown
}

export interface CeremonyOptions {
  mediation?: 'optional' | 'required' | 'silent' | 'conditional' | 'immediate'
  topOrigin?: string
  /** How many seconds are waited for the person: from 0 to 120, 10 if nothing is said. */
  wait?: number
}

/** What a server gives a page, alone or in a member `publicKey`. */
export type OptionsJSON = object
/** What a page sends to a server: RegistrationResponseJSON or AuthenticationResponseJSON. */
export type ResponseJSON = { id: string; rawId: string; type: string; response: any;
  clientExtensionResults: any; authenticatorAttachment?: any }

export interface StartOptions {
  /** The path of the program; otherwise `TOWLINE`, the package of the platform, or `PATH`. */
  program?: string
  /** A file, not sealed, in which an authenticator of the default session keeps all. */
  passkeys?: string
  kind?: Preset
  port?: number
}

export class Service {
  /** Starts the program, and waits until it serves. */
  static start(options?: StartOptions): Promise<Service>
  /** Uses a service that somebody else has started, at the address that it prints. */
  static connect(address: string): Service
  readonly address: string
  readonly pid: number | undefined
  readonly defaultSession: Session
  /** A session of its own, for a test that runs beside others. */
  newSession(): Promise<Session>
  knownFaults(): Promise<{ fault: string; does: string }[]>
  /** Ends the program, if it was started here. */
  stop(): Promise<void>
}

export class Session {
  readonly id: string
  addAuthenticator(options?: Preset | AuthenticatorOptions): Promise<Authenticator>
  authenticators(): Promise<Authenticator[]>
  /** As `navigator.credentials.create()` in a page of that origin; throws `Refused`. */
  create(origin: string, options: OptionsJSON | string, more?: CeremonyOptions): Promise<ResponseJSON>
  /** As `navigator.credentials.get()` in a page of that origin; throws `Refused`. */
  get(origin: string, options: OptionsJSON | string, more?: CeremonyOptions): Promise<ResponseJSON>
  /** The end of a ceremony that `StillOpen` has named. */
  ceremony(ceremonyId: string, options?: { wait?: number }): Promise<ResponseJSON>
  /** Says what `https://RP_ID/.well-known/webauthn` would: origins that may use its passkeys. */
  publishRelatedOrigins(rpId: string, origins: string[]): Promise<void>
  log(options?: { after?: number; wait?: number }): Promise<Notice[]>
  /** Reads the clock; or holds it, lets it go, or moves it by seconds. */
  clock(change?: { held?: boolean; advance?: number }): Promise<{ elapsed: number; held: boolean }>
  pageScript(binding: string): Promise<string>
  answerPage(origin: string, message: object): Promise<object>
  pageKey(): Promise<string>
  end(): Promise<void>
}

export class Authenticator {
  readonly id: string
  credentials(): Promise<Credential[]>
  addCredential(credential: Credential): Promise<unknown>
  changeCredential(id: string, change: CredentialChange): Promise<unknown>
  removeCredential(id: string): Promise<void>
  removeCredentials(): Promise<void>
  /** What the person does from now on, such as `signing-in: refuses once`. None: as before. */
  script(...rules: string[]): Promise<void>
  questions(): Promise<Questions>
  /** Answers what is open; gives how many questions that were. */
  answer(answer: string): Promise<number>
  /** Lets this go wrong from now on, and nothing else. None: all is well again. */
  fail(...faults: (string | Fault)[]): Promise<void>
  faults(): Promise<(Fault & { count: number })[]>
  set(switches: Record<string, boolean>): Promise<unknown>
  info(): Promise<any>
  replug(): Promise<void>
  snapshot(): Promise<{ snapshot: string }>
  restore(snapshot: { snapshot: string }): Promise<void>
  remove(): Promise<void>
}

export class ProgramMissing extends Error {}
export class ProgramEnded extends Error {}
/** A ceremony was refused, as a browser would: `name` is that of its exception. */
export class Refused extends Error {}
/** The service can't do what a call says: a slip, or something that is not there. */
export class BadCall extends Error {
  readonly status: number
  readonly reason: string
  readonly member?: string
}
export class StillOpen extends Error {
  readonly ceremonyId: string
}
