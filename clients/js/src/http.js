// Requests to the service: JSON there and back.

import { BadCall, Refused } from './errors.js'

/** Gives a caller for paths below an address, which ends with a slash. */
export function caller(address, program) {
  return async function call(method, path, body) {
    let response
    try {
      response = await fetch(address + path, {
        method,
        body: body === undefined ? undefined : JSON.stringify(body),
      })
    } catch (error) {
      if (program) {
        // Its end may be told a moment after that of the connection.
        if (await program.hasEnded(500)) throw program.failure()
      }
      throw new Error(`no service answers at ${new URL(address).origin}`, { cause: error })
    }
    const text = await response.text()
    const json = response.headers.get('content-type')?.startsWith('application/json')
    const answer = json ? JSON.parse(text) : text
    if (response.ok) return { status: response.status, answer }
    const told = answer?.error ?? { reason: 'http', message: text }
    throw told.name ? new Refused(told.name, told.message) : new BadCall(response.status, told)
  }
}
