import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { people } from '../../src/auth/index.ts'
import type { Endpoint } from '../../src/domain/index.ts'
import { call, connect, openHouse, type House, type Person } from './house.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/catwalk', import.meta.url))
const ANSWERING: Endpoint = {
  handle: (_, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  request: () => Promise.reject(new Error('not asked')),
  probe: () => Promise.reject(new Error('not asked')),
}

let house: House
let ana: Person
let key: string
beforeAll(async () => {
  house = await openHouse({ endpoint: ANSWERING })
  ana = await house.person('ana', 'member')
  const made = await people.createApiKey(
    house.database.kysely,
    { ...house.ctx.actor, id: ana.id, role: 'member' },
    { name: 'test', role: 'member', expiresInDays: null },
  )
  key = made.key
})
afterAll(() => house[Symbol.asyncDispose]())

async function catwalk(...args: string[]): Promise<{ code: number; out: string }> {
  const all = [LAUNCHER, ...args, '--url', house.origin, '--api-key', key]
  return new Promise((resolve) => {
    execFile(process.execPath, all, { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), out: stdout + stderr })
    })
  })
}

interface Replay {
  readonly client: string
  readonly ok: boolean
  readonly steps: readonly { readonly step: string; readonly ok: boolean; readonly fix: string | null }[]
}

test('the doctor says for each client how far it gets, and what keeps it from going on', async () => {
  const { slug } = await house.deploy('oauth')
  const { code, out } = await catwalk('doctor', 'oauth', slug, '--json')
  // What the command prints.
  const replays = JSON.parse(out) as Replay[]
  const byName = new Map(replays.map((replay) => [replay.client, replay]))
  expect([...byName.keys()]).toEqual(['Claude', 'Claude Code', 'ChatGPT', 'Cursor', 'VS Code'])
  for (const name of ['Claude Code', 'Cursor', 'VS Code']) {
    expect(byName.get(name)?.steps.map(({ step, ok }) => `${step} ${String(ok)}`)).toEqual([
      'call without a token true',
      'metadata of the endpoint true',
      'metadata of the server true',
      'say who it is true',
      'way back true',
    ])
  }
  // It listens on this machine only, where no hosted client comes.
  expect(byName.get('Claude')?.steps.at(-1)).toMatchObject({ ok: false, step: 'reach it from the internet' })
  expect(byName.get('ChatGPT')?.steps.at(-1)?.fix).toContain('CATWALK_PUBLIC_URL')
  expect(code).toBe(1)
})

test('the doctor finds an endpoint that takes only tokens in order for clients that send one', async () => {
  const { slug } = await house.deploy('token')
  const { out } = await catwalk('doctor', 'oauth', slug)
  expect(out).toContain('no discovery is served')
  expect(out).toMatch(/✓ Cursor/)
})

test('the command line sets clients up that sign in, without a token', async () => {
  const { slug, endpoint } = await house.deploy('both')
  const { out } = await catwalk('connect', slug)
  expect(out).toContain('Add custom connector')
  expect(out).toContain(`claude mcp add --transport http ${slug} ${endpoint}\n`)
  expect(out).not.toContain('Bearer')
  // Links that open the client, and how the page of consent will look.
  expect(out).toContain('cursor://anysphere.cursor-deeplink/mcp/install')
  expect(out).toContain('vscode:mcp/install?')
  for (const words of ['described at claude.ai', 'described at chatgpt.com', 'sends you to localhost'])
    expect(out).toContain(words)
})

test('the command line makes client ids, lists connections and takes them back', async () => {
  const place = await house.deploy('oauth')
  const redirect = 'https://client.example/callback'
  const made = await catwalk(
    'client',
    'add',
    place.slug,
    '--name',
    'Ours',
    '--redirect',
    redirect,
    '--no-secret',
  )
  const clientId = /cli_\w+/.exec(made.out)?.[0] ?? ''
  expect((await catwalk('client', 'ls', place.slug)).out).toContain('Ours')
  const { access } = await connect(house, place, ana, { clientId, redirectUri: redirect })
  const listed = await catwalk('connection', 'ls', place.slug)
  expect(listed.out).toContain(ana.email)
  const id = /con_\w+/.exec(listed.out)?.[0] ?? ''
  expect((await catwalk('connection', 'revoke', place.slug, id)).code).toBe(0)
  expect((await catwalk('client', 'rm', place.slug, 'Ours')).code).toBe(0)
  expect((await call(place, access)).status).toBe(401)
})
