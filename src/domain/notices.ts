import { createHmac } from 'node:crypto'
import type { Secret } from './secret.ts'

/** What somebody may want to be told. */
export const NOTICE_KINDS = [
  'failed',
  'unhealthy',
  'update_available',
  'key_expiring',
  'tool_changed',
  'account_broken',
] as const

export type NoticeKind = (typeof NOTICE_KINDS)[number]

/** Something that is told. Its texts are public inside the workspace and hold no secrets. */
export interface Notice {
  readonly id: string
  readonly at: Date
  readonly kind: NoticeKind | 'test'
  readonly workspace: string
  readonly deployment: { readonly id: string; readonly slug: string; readonly name: string } | null
  readonly message: string
}

/** Where it is told. */
export interface NoticeAddress {
  readonly kind: 'webhook' | 'mail'
  readonly address: Secret
  /** Signs what a webhook is sent. */
  readonly secret: Secret
}

/** Takes notices to an address. */
export interface NoticeSender {
  /**
   * Whether it can be told there.
   * @throws CatwalkError `mail_not_set_up`, `service_unreachable` for an address that may not be asked
   */
  check(to: Pick<NoticeAddress, 'kind' | 'address'>, signal: AbortSignal): Promise<void>
  /** @throws Error whose message says why, without anything of the address but its host */
  send(to: NoticeAddress, notice: Notice, signal: AbortSignal): Promise<void>
}

/** The address said that it wants nothing any more. */
export class NoticeGone extends Error {}

/** Which notice an event of a deployment is worth; null for none. */
export function noticeOf(kind: string, data: Readonly<Record<string, unknown>>): NoticeKind | null {
  switch (kind) {
    case 'release.state':
      return data['state'] === 'failed' ? 'failed' : null
    case 'instance.ended':
      if (data['isLast'] === true) return 'failed'
      return data['wasSilent'] === true ? 'unhealthy' : null
    case 'instance.silent':
      return 'unhealthy'
    case 'update.found':
      return 'update_available'
    case 'tools.sighted':
      return Number(data['stopped'] ?? 0) > 0 ? 'tool_changed' : null
    case 'account.broken':
      return 'account_broken'
    default:
      return null
  }
}

/** What a notice is about, in a few words. */
export function noticeTitle({ kind, deployment }: Pick<Notice, 'kind' | 'deployment'>): string {
  const name = deployment?.name ?? 'Catwalk'
  switch (kind) {
    case 'failed':
      return `${name} failed`
    case 'unhealthy':
      return `${name} does not answer`
    case 'update_available':
      return `${name} has an update`
    case 'key_expiring':
      return deployment === null ? 'An API key expires' : `A token of ${name} expires`
    case 'tool_changed':
      return `${name} changed its tools`
    case 'account_broken':
      return `${name} lost an account`
    case 'test':
      return 'A test notice'
  }
}

/** What a webhook is sent. */
export function noticeBody(notice: Notice, publicUrl: string): string {
  const { id, at, kind, workspace, deployment, message } = notice
  return JSON.stringify({
    type: kind === 'test' ? 'test' : `deployment.${kind}`,
    timestamp: at.toISOString(),
    data: {
      id,
      title: noticeTitle(notice),
      message,
      workspace,
      deployment,
      url: deployment === null ? publicUrl : `${publicUrl}/deployments/${deployment.slug}`,
    },
  })
}

const SECRET_PREFIX = 'whsec_'

/** A secret as receivers are given it (Standard Webhooks, "Signature scheme"). */
export function webhookSecret(bytes: Buffer): string {
  return SECRET_PREFIX + bytes.toString('base64')
}

/**
 * The headers that let a receiver know who sent it and when (Standard Webhooks 1.0): id, seconds and an HMAC-SHA256 over
 * all three.
 */
export function webhookHeaders(
  secret: Secret,
  id: string,
  sentAt: Date,
  body: string,
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const seconds = String(Math.floor(sentAt.getTime() / 1000))
  const key = Buffer.from(secret.reveal().slice(SECRET_PREFIX.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` }
}

// Some minutes of an outage at first, in the end two days of it.
const WAITS_S = [5, 30, 120, 600, 1800, 7200, 21_600, 43_200, 86_400] as const

/**
 * Seconds until a delivery is tried again that failed so many times; null when it is given up.
 * @param random from 0 up to 1: a part of it, so that what failed together does not come back together
 */
export function noticeWaitSeconds(attempts: number, random: number): number | null {
  const wait = WAITS_S[attempts - 1]
  return wait === undefined ? null : wait * (0.75 + random / 2)
}

/** What may be shown of a webhook's address: its path may be its secret. */
export function shownAddress(kind: NoticeAddress['kind'], address: string): string {
  if (kind === 'mail') return address
  const { origin, pathname, search } = new URL(address)
  return pathname === '/' && search === '' ? origin : `${origin}/…`
}
