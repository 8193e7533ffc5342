// The program `towline`: where it is, how it is started, and how it ends.

import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

import { ProgramEnded, ProgramMissing } from './errors.js'

const PLATFORM = `towline-virtual-${process.platform}-${process.arch}`
const NAME = process.platform === 'win32' ? 'towline.exe' : 'towline'

/** How long the program may take to start, and to end, in milliseconds. */
const TO_START = 30_000
const TO_END = 5_000

const fromPackage = () => {
  try {
    return createRequire(import.meta.url).resolve(`${PLATFORM}/bin/${NAME}`)
  } catch {
    return undefined
  }
}

const fromPath = () => (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  .map((folder) => join(folder, NAME))
  .find((path) => existsSync(path) && statSync(path).isFile())

/** The path of the program: what was asked for, `TOWLINE`, the package of the platform, `PATH`. */
export function findProgram(asked) {
  const named = asked ?? process.env.TOWLINE
  if (named && !existsSync(named)) {
    throw new ProgramMissing(`there is no program ${named}, which ` +
      (asked ? 'the option `program` names' : 'the variable TOWLINE names'))
  }
  const found = named || fromPackage() || fromPath()
  if (found) return found
  throw new ProgramMissing(`the program towline was not found: install the npm package ${PLATFORM} ` +
    'if there is one, or build it (`cargo build -p towline-cli`) and set the variable TOWLINE to ' +
    'its path')
}

/**
 * Starts `towline --json virtual serve`, and waits until it serves. Nothing is written to its input:
 * that ends with this process, however it does, and so the service does.
 */
export async function startProgram({ program, passkeys, kind, port } = {}) {
  const args = ['--json', 'virtual', 'serve', '--until-stdin-ends']
  for (const [option, value] of Object.entries({ passkeys, kind, port })) {
    if (value !== undefined) args.push(`--${option}`, String(value))
  }
  const child = spawn(findProgram(program), args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const running = new Program(child)
  // A test run that forgets to stop the service, or fails, leaves nothing behind.
  process.once('exit', running.kill)
  try {
    running.serving = await running.began()
  } catch (error) {
    await running.stop()
    throw error
  }
  // Nothing of the child keeps the test run alive.
  child.unref()
  child.stdin.unref()
  child.stdout.unref()
  child.stderr.unref()
  return running
}

class Program {
  #child
  #errors = ''
  #ended

  constructor(child) {
    this.#child = child
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#errors = (this.#errors + text).slice(-4000)
    })
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(`it can't be started: ${error.message}`))
      child.once('close', (code, signal) => resolve(signal ? `killed by ${signal}` : `code ${code}`))
    }).then((how) => {
      this.ended = how
      process.removeListener('exit', this.kill)
      return how
    })
  }

  /** How the program has ended, once it has. */
  ended

  /** Its process id. */
  get pid() {
    return this.#child.pid
  }

  /** Whether it ends within so many milliseconds. */
  async hasEnded(patience) {
    if (this.ended !== undefined) return true
    let timer
    const late = new Promise((resolve) => { timer = setTimeout(resolve, patience) })
    await Promise.race([this.#ended, late])
    clearTimeout(timer)
    return this.ended !== undefined
  }

  kill = () => this.#child.kill('SIGKILL')

  /** The error for whoever wanted something of a program that is no more. */
  failure() {
    const said = this.#errors.trim()
    return new ProgramEnded(`towline has ended (${this.ended})${said ? `: ${said}` : ''}. Start ` +
      'another with Service.start()')
  }

  /** The event `serving`. */
  async began() {
    const lines = createInterface({ input: this.#child.stdout })
    let timer
    const serving = new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        const event = JSON.parse(line)
        if (event.event === 'serving') resolve(event)
      })
      timer = setTimeout(() => reject(new ProgramEnded(
        `towline did not say within ${TO_START / 1000} s that it serves`)), TO_START)
      this.#ended.then(() => reject(this.failure()))
    })
    return serving.finally(() => clearTimeout(timer))
  }

  /** Ends the program, and waits until it is gone. */
  async stop() {
    if (this.ended !== undefined) return
    this.#child.ref()
    this.#child.kill('SIGINT')
    const timer = setTimeout(this.kill, TO_END)
    await this.#ended
    clearTimeout(timer)
  }
}
