// Virtual authenticators for tests in Node: thin calls over the HTTP of `towline virtual serve`.

export { BadCall, ProgramEnded, ProgramMissing, Refused, StillOpen } from './errors.js'
export { Authenticator } from './authenticator.js'
export { Service } from './service.js'
export { Session } from './session.js'
