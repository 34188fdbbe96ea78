import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGithub, type FakeGithub } from '../fakes/github.ts'

let github: FakeGithub

beforeAll(async () => {
  github = await startGithub(
    [
      {
        name: 'owner/open',
        files: { 'README.md': 'hello' },
        tags: { 'v1/x': { a: '1' } },
        formerNames: ['former/name'],
      },
      { name: 'owner/closed', files: { a: '' }, private: true },
    ],
    { tokens: { good: ['owner/closed'], other: [] }, anonymousLimit: 12 },
  )
})
afterAll(() => github[Symbol.asyncDispose]())

const get = (path: string, token?: string): Promise<Response> =>
  fetch(`${github.url}${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })

test('the fake answers as GitHub does: refs, renames, archives, private repositories, rate limits', async () => {
  expect(await (await get('/repos/owner/open')).json()).toMatchObject({
    full_name: 'owner/open',
    default_branch: 'main',
  })
  expect(await (await get('/repos/Former/Name/commits/HEAD')).json()).toMatchObject({
    sha: github.commitOf('owner/open'),
  })
  expect(await (await get('/repos/owner/open/git/ref/tags/v1/x')).json()).toMatchObject({
    object: { sha: github.commitOf('owner/open', 'v1/x') },
  })
  expect(await (await get('/repos/owner/open/contents/README.md')).json()).toMatchObject({
    content: 'aGVsbG8=',
  })
  expect((await get('/repos/owner/open/commits/none')).status).toBe(422)
  const archive = await get('/repos/owner/open/tarball/main')
  expect(archive.redirected).toBe(true)
  expect(gunzipSync(Buffer.from(await archive.arrayBuffer())).includes('hello')).toBe(true)

  expect((await get('/repos/owner/closed')).status).toBe(404)
  expect((await get('/repos/owner/closed', 'other')).status).toBe(404)
  expect((await get('/repos/owner/closed', 'bad')).status).toBe(401)
  expect((await get('/repos/owner/closed', 'good')).status).toBe(200)

  const limited = await Promise.all(Array.from({ length: 5 }, () => get('/repos/owner/open')))
  const refused = limited.filter(({ status }) => status === 403)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused[0]?.headers.get('x-ratelimit-remaining')).toBe('0')
})
