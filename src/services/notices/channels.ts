import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import {
  CatwalkError,
  newId,
  NOTICE_KINDS,
  Secret,
  shownAddress,
  type NoticeKind,
} from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { noticeScope, signingSecret } from './address.ts'

type Channel = RouteOutput<'listNoticeChannels'>['items'][number]

const MAX_CHANNELS = 20

/** Where the workspace is told what happens. */
export async function listNoticeChannels(ctx: ServiceContext): Promise<RouteOutput<'listNoticeChannels'>> {
  const rows = await queries.listNoticeChannels(ctx.db, ctx.actor.workspaceId)
  return { items: rows.map(present) }
}

/**
 * Adds an address. Mail goes to members of the workspace only, so that nobody fills a stranger's mailbox.
 * @throws CatwalkError `invalid_request`, `mail_not_set_up`, `service_unreachable` for a webhook that may not be reached
 */
export async function createNoticeChannel(
  ctx: ServiceContext,
  { body }: ParsedInput<'createNoticeChannel'>,
): Promise<RouteOutput<'createNoticeChannel'>> {
  const { workspaceId } = ctx.actor
  const { kind } = body
  const address = kind === 'mail' ? body.address.toLowerCase() : readUrl(body.address)
  await ctx.notices.check({ kind, address: new Secret(address) }, ctx.signal)
  if (kind === 'mail' && !(await queries.isMembersAddress(ctx.db, workspaceId, address))) {
    throw invalid('No member of this workspace has this address.', 'Invite them first, or use a webhook.')
  }
  const id = newId('noticeChannel')
  const { token, keyId } = ctx.vault.encrypt(noticeScope(id), new Secret(address))
  const shown = shownAddress(kind, address)
  const row = await ctx.db.transaction().execute(async (tx) => {
    await queries.lockWorkspace(tx, workspaceId)
    if ((await queries.listNoticeChannels(tx, workspaceId)).length >= MAX_CHANNELS) {
      throw invalid(`A workspace has at most ${MAX_CHANNELS} addresses.`, 'Remove one that nobody needs.')
    }
    await queries.insertNoticeChannel(tx, {
      id,
      workspace_id: workspaceId,
      kind,
      shown,
      token,
      key_id: keyId,
      notices: body.notices ?? NOTICE_KINDS,
      created_by: ctx.actor.id,
    })
    await audit(tx, ctx, 'notice_channel.create', id, { kind, address: shown })
    return find(tx, ctx, id)
  })
  return { ...present(row), secret: secretOf(ctx, row) }
}

/**
 * Changes which notices an address gets.
 * @throws CatwalkError `notice_channel_not_found`
 */
export async function changeNoticeChannel(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'changeNoticeChannel'>,
): Promise<RouteOutput<'changeNoticeChannel'>> {
  return ctx.db.transaction().execute(async (tx) => {
    const { id } = await find(tx, ctx, params.id)
    await queries.changeNoticeChannel(tx, id, { notices: body.notices })
    await audit(tx, ctx, 'notice_channel.change', id, { notices: body.notices })
    return present(await find(tx, ctx, id))
  })
}

/**
 * Signs what a webhook gets with another secret from now on.
 * @throws CatwalkError `notice_channel_not_found`, `invalid_request` for mail
 */
export async function renewNoticeSecret(
  ctx: ServiceContext,
  { params }: ParsedInput<'renewNoticeSecret'>,
): Promise<RouteOutput<'renewNoticeSecret'>> {
  const row = await ctx.db.transaction().execute(async (tx) => {
    const { id, kind } = await find(tx, ctx, params.id)
    if (kind === 'mail') throw invalid('Mail is not signed, so there is nothing to renew.')
    await queries.changeNoticeChannel(tx, id, { renewSecret: true })
    await audit(tx, ctx, 'notice_channel.renew_secret', id, {})
    return find(tx, ctx, id)
  })
  return { ...present(row), secret: secretOf(ctx, row) }
}

/** @throws CatwalkError `notice_channel_not_found` */
export async function deleteNoticeChannel(
  ctx: ServiceContext,
  { params }: ParsedInput<'deleteNoticeChannel'>,
): Promise<null> {
  await ctx.db.transaction().execute(async (tx) => {
    const { id, shown } = await find(tx, ctx, params.id)
    await queries.deleteNoticeChannel(tx, id)
    await audit(tx, ctx, 'notice_channel.delete', id, { address: shown })
  })
  return null
}

/**
 * Sends a notice to see whether it arrives. Does not wait for it: what became of it is among the notices.
 * @throws CatwalkError `notice_channel_not_found`
 */
export async function testNoticeChannel(
  ctx: ServiceContext,
  { params }: ParsedInput<'testNoticeChannel'>,
): Promise<RouteOutput<'testNoticeChannel'>> {
  const noticeId = await ctx.db.transaction().execute(async (tx) => {
    const row = await find(tx, ctx, params.id)
    await audit(tx, ctx, 'notice_channel.test', row.id, {})
    return queries.addTestNotice(tx, row, 'Sent to see whether it arrives.')
  })
  ctx.pokeNotices()
  return { noticeId }
}

/** What was told last, and what became of it at each address. */
export async function listNotices(
  ctx: ServiceContext,
  { query }: ParsedInput<'listNotices'>,
): Promise<RouteOutput<'listNotices'>> {
  const rows = await queries.listDeliveries(ctx.db, ctx.actor.workspaceId, query.limit)
  return {
    items: rows.map(({ at, nextAt, ...row }) => ({
      ...row,
      at: at.toISOString(),
      nextAt: nextAt?.toISOString() ?? null,
    })),
  }
}

function present({ id, kind, shown, notices, created_at: createdAt }: queries.NoticeChannelRow): Channel {
  return {
    id,
    kind,
    address: shown,
    // Those that this version does not know are left out.
    notices: NOTICE_KINDS.filter((known) => notices.includes(known)),
    createdAt: createdAt.toISOString(),
  }
}

function secretOf(ctx: ServiceContext, row: queries.NoticeChannelRow): string | null {
  return row.kind === 'mail' ? null : signingSecret(ctx.vault, row.id, row.secret_version).reveal()
}

async function find(db: queries.Handle, ctx: ServiceContext, id: string): Promise<queries.NoticeChannelRow> {
  const row = await queries.findNoticeChannel(db, ctx.actor.workspaceId, id)
  if (row === null)
    throw new CatwalkError('notice_channel_not_found', 'There is no such address for notices.')
  return row
}

async function audit(
  tx: queries.Handle,
  { actor }: ServiceContext,
  action: string,
  target: string,
  detail: { readonly kind?: string; readonly address?: string; readonly notices?: readonly NoticeKind[] },
): Promise<void> {
  await queries.recordAudit(tx, { actor, action, target, detail: { ...detail } })
}

function readUrl(text: string): string {
  const url = URL.parse(text)
  const isUsable =
    url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  if (!isUsable)
    throw invalid('This is no web address that can be asked.', 'Give a URL that begins with https://.')
  return url.href
}

function invalid(message: string, help?: string): CatwalkError {
  return new CatwalkError('invalid_request', message, {
    details: { field: 'address' },
    ...(help === undefined ? {} : { help }),
  })
}
