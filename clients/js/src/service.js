// A running service, and its sessions.

import { caller } from './http.js'
import { startProgram } from './program.js'
import { Session } from './session.js'

export class Service {
  #program
  #call

  /** `address` is what the program prints, with its token. */
  constructor(address, program) {
    this.address = address.endsWith('/') ? address : `${address}/`
    this.#program = program
    this.#call = caller(this.address, program)
    this.defaultSession = new Session(this.#call, 'default')
  }

  /** Starts the program, and waits until it serves. */
  static async start(options) {
    const program = await startProgram(options)
    return new Service(program.serving.url, program)
  }

  /** Uses a service that somebody else has started. */
  static connect(address) {
    return new Service(address)
  }

  /** The process id of the program, if it was started here. */
  get pid() {
    return this.#program?.pid
  }

  /** A session of its own, for a test that runs beside others. */
  async newSession() {
    const { answer } = await this.#call('POST', 'v1/sessions', {})
    return new Session(this.#call, answer.sessionId)
  }

  /** What can go wrong, by name. */
  async knownFaults() {
    return (await this.#call('GET', 'v1/faults')).answer.faults
  }

  /** Ends the program, if it was started here. */
  async stop() {
    await this.#program?.stop()
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.stop()
  }
}
