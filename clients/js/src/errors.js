// What can go wrong, each with a message that says what to do.

/** There is no program `towline` on this machine. */
export class ProgramMissing extends Error {
  name = 'ProgramMissing'
}

/** The program did not start, or has ended. */
export class ProgramEnded extends Error {
  name = 'ProgramEnded'
}

/**
 * A ceremony was refused, as a browser would: `name` is that of its exception, such as
 * `NotAllowedError`.
 */
export class Refused extends Error {
  constructor(name, message) {
    super(message)
    this.name = name
  }
}

/** The service can't do what a call says: a slip, or something that is not there. */
export class BadCall extends Error {
  name = 'BadCall'

  constructor(status, { reason, message, member }) {
    super(member ? `${member}: ${message}` : message)
    this.status = status
    this.reason = reason
    this.member = member ?? undefined
  }
}

/** A ceremony is not over: the person has not answered. */
export class StillOpen extends Error {
  name = 'StillOpen'

  constructor(ceremonyId) {
    super(`ceremony ${ceremonyId} still waits, for the person or, in a session that has none, for ` +
      'an authenticator: see authenticator.questions(), and answer with authenticator.answer(); or ' +
      'let its time run out with session.clock({ advance: 600 }), and ask session.ceremony(id)')
    this.ceremonyId = ceremonyId
  }
}
