import { z } from 'zod'
import type { Route } from './routes.ts'

const timestamp = z.iso.datetime().describe('RFC 3339, UTC')

const noticeKind = z.enum([
  'failed',
  'unhealthy',
  'update_available',
  'key_expiring',
  'tool_changed',
  'account_broken',
])

const kinds = z.array(noticeKind).min(1).max(20)

const NoticeChannel = z
  .object({
    id: z.string(),
    kind: z.enum(['webhook', 'mail']),
    address: z.string().describe('Of a webhook only the origin: its path may be a secret'),
    notices: z.array(noticeKind),
    createdAt: timestamp,
  })
  .meta({ id: 'NoticeChannel' })

const NewNoticeChannel = NoticeChannel.extend({
  secret: z
    .string()
    .nullable()
    .describe('What a webhook is signed with (Standard Webhooks). Shown this once; null for mail'),
}).meta({ id: 'NewNoticeChannel' })

const CreateNoticeChannel = z
  .strictObject({
    kind: z.enum(['webhook', 'mail']),
    address: z.string().trim().min(3).max(2000).describe('A URL, or the mail address of a member'),
    notices: kinds.optional().describe('Default: all'),
  })
  .meta({ id: 'CreateNoticeChannel' })

const ChangeNoticeChannel = z.strictObject({ notices: kinds }).meta({ id: 'ChangeNoticeChannel' })

const NoticeDelivery = z
  .object({
    noticeId: z.string().describe('Also the webhook-id, the same at each attempt'),
    channelId: z.string(),
    shown: z.string().describe('Where it is told'),
    at: timestamp,
    kind: z.string(),
    slug: z.string().nullable().describe('Of the deployment that it is about'),
    message: z.string(),
    state: z.enum(['pending', 'delivered', 'failed']),
    attempts: z.number().int(),
    error: z.string().nullable().describe('Why the last attempt failed'),
    nextAt: timestamp.nullable().describe('When it is tried again'),
  })
  .meta({ id: 'NoticeDelivery' })

const list = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) })

/** Routes about where a workspace is told what happens. */
export const noticeRoutes = {
  listNoticeChannels: {
    method: 'get',
    path: '/notices/channels',
    summary: 'Where the workspace is told what happens',
    access: 'admin',
    scope: 'settings:read',
    status: 200,
    response: list(NoticeChannel),
  },
  createNoticeChannel: {
    method: 'post',
    path: '/notices/channels',
    summary: 'Add a webhook or the mail address of a member',
    access: 'admin',
    scope: 'settings:write',
    body: CreateNoticeChannel,
    status: 201,
    response: NewNoticeChannel,
  },
  changeNoticeChannel: {
    method: 'post',
    path: '/notices/channels/{id}',
    summary: 'Change which notices an address gets',
    access: 'admin',
    scope: 'settings:write',
    body: ChangeNoticeChannel,
    status: 200,
    response: NoticeChannel,
  },
  renewNoticeSecret: {
    method: 'post',
    path: '/notices/channels/{id}/secret',
    summary: 'Sign what a webhook gets with another secret',
    access: 'admin',
    scope: 'settings:write',
    status: 200,
    response: NewNoticeChannel,
  },
  testNoticeChannel: {
    method: 'post',
    path: '/notices/channels/{id}/test',
    summary: 'Send a notice to see whether it arrives. What became of it is among the notices',
    access: 'admin',
    scope: 'settings:write',
    status: 202,
    response: z.object({ noticeId: z.string() }).meta({ id: 'SentNotice' }),
  },
  deleteNoticeChannel: {
    method: 'delete',
    path: '/notices/channels/{id}',
    summary: 'Remove an address. What is not delivered yet is not any more',
    access: 'admin',
    scope: 'settings:write',
    status: 204,
    response: z.null(),
  },
  listNotices: {
    method: 'get',
    path: '/notices',
    summary: 'What was told last, and what became of it',
    access: 'admin',
    scope: 'settings:read',
    query: z.object({ limit: z.coerce.number().int().min(1).max(500).default(50) }),
    status: 200,
    response: list(NoticeDelivery),
  },
} as const satisfies Record<string, Route>
