import {
  CatwalkError,
  noticeBody,
  NoticeGone,
  noticeTitle,
  webhookHeaders,
  type Clock,
  type Mailer,
  type NoticeSender,
} from '../domain/index.ts'
import { HttpFailure, type HttpClient } from '../network/index.ts'

export interface NoticeSenderOptions {
  /** Goes only where it may. */
  readonly http: HttpClient
  /** Null where no mail is sent. */
  readonly mailer: Mailer | null
  readonly publicUrl: string
  readonly clock: Clock
}

const TIMEOUT_MS = 15_000

/** Sends notices as signed webhooks (Standard Webhooks 1.0) and as mail. */
export function createNoticeSender({ http, mailer, publicUrl, clock }: NoticeSenderOptions): NoticeSender {
  return {
    async check({ kind, address }, signal) {
      if (kind === 'mail') {
        if (mailer === null) throw new CatwalkError('mail_not_set_up', 'This Catwalk sends no mail.')
        return
      }
      try {
        await http.addressesOf(new URL(address.reveal()), signal)
      } catch (error) {
        if (!(error instanceof HttpFailure))
          throw unreachable('The name of the webhook leads nowhere.', error)
        throw unreachable(error.message, error)
      }
    },
    async send({ kind, address, secret }, notice, signal) {
      if (kind === 'mail') {
        if (mailer === null) throw new Error('This Catwalk sends no mail any more.')
        const { deployment, message, workspace } = notice
        const where = deployment === null ? publicUrl : `${publicUrl}/deployments/${deployment.slug}`
        const mail = {
          to: address.reveal(),
          kind: 'notice' as const,
          subject: `Catwalk: ${noticeTitle(notice)}`.replaceAll(/\s+/g, ' '),
          text: `${message}\n\n${where}\n\nWorkspace: ${workspace}. Who gets these notices is set there, under Settings.\n`,
        }
        try {
          await mailer.send(mail)
        } catch (error) {
          // What the server said may hold what it was told.
          throw new Error('The mail server did not take it.', { cause: error })
        }
        return
      }
      const url = new URL(address.reveal())
      const body = noticeBody(notice, publicUrl)
      const { status, body: answer } = await http.request(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...webhookHeaders(secret, notice.id, clock.now(), body),
        },
        body: Buffer.from(body),
        // Would carry it where nobody checked.
        answerRedirects: true,
        timeoutMs: TIMEOUT_MS,
        signal,
      })
      answer.destroy()
      if (status === 410) throw new NoticeGone(`${url.host} wants nothing any more (410).`)
      if (status < 200 || status > 299) throw new Error(`${url.host} answers with ${status}.`)
    },
  }
}

function unreachable(message: string, cause: unknown): CatwalkError {
  return new CatwalkError('service_unreachable', message, {
    help: 'Give an https address on the public internet, or let the operator trust the origin with CATWALK_NOTICE_ORIGINS.',
    cause,
  })
}
