/** One message to one person, in plain text. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  /** What it is about, for the log. */
  readonly kind: 'invitation' | 'password_reset' | 'verification' | 'notice'
}

export interface Mailer {
  /** Resolves once the mail server has taken it. @throws Error when it does not */
  send(mail: Mail): Promise<void>
  /** Sends it without being waited for, so that how long it takes tells nobody anything; a failure is logged. */
  sendSoon(mail: Mail): void
}
