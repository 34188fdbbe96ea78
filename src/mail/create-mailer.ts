import { createTransport } from 'nodemailer'
import type { Logger, Mailer, Secret } from '../domain/index.ts'

export interface MailerOptions {
  /** `smtp://` or `smtps://`, with user and password where the server wants them. */
  readonly smtpUrl: Secret
  /** Such as `Catwalk <catwalk@example.com>`. */
  readonly from: string
  readonly logger: Logger
}

const TIMEOUT_MS = 20_000

/** Sends mail over SMTP (RFC 5321), one connection a message. Disposing it waits for what is under way. */
export function createMailer({ smtpUrl, from, logger }: MailerOptions): Mailer & AsyncDisposable {
  const url = new URL(smtpUrl.reveal())
  const transport = createTransport({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (url.protocol === 'smtps:' ? 465 : 587) : Number(url.port),
    secure: url.protocol === 'smtps:',
    // A password is never sent over a connection that can be listened to.
    requireTLS: url.protocol === 'smtp:' && url.username !== '',
    ...(url.username === ''
      ? {}
      : {
          auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
        }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const underWay = new Set<Promise<void>>()

  async function send(mail: Parameters<Mailer['send']>[0]): Promise<void> {
    await transport.sendMail({
      from,
      // As an object, so that no address can bring further recipients along.
      to: { name: '', address: mail.to },
      subject: mail.subject,
      text: mail.text,
      headers: { 'auto-submitted': 'auto-generated' },
    })
  }

  return {
    send,
    sendSoon(mail) {
      const sending = send(mail).catch((error: unknown) => {
        // Neither the text, which holds a link, nor what the server said, which may hold what we said.
        logger.error({ code: codeOf(error), kind: mail.kind }, 'a mail could not be sent')
      })
      underWay.add(sending)
      void sending.then(() => underWay.delete(sending))
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(underWay)
      transport.close()
    },
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
}
