import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startFakeApi, type FakeApi } from '../fakes/api.ts'
import { aDeployingDeployment, aLogLine, aToken } from '../fakes/api-data.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

type Child = ChildProcessByStdio<null, Readable, Readable>

/** The command line in a process of its own, for what a process alone can show: signals and closed pipes. */
function start(api: FakeApi, words: readonly string[]): Child {
  const env = { ...process.env, CATWALK_URL: api.origin, CATWALK_API_KEY: api.apiKey }
  return spawn(process.execPath, [MAIN, ...words], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 25_000,
  })
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends a deploy that waits with 130, without a word on standard output; the deployment goes on',
  async (signal) => {
    const waiting = Promise.withResolvers<void>()
    await using api = await startFakeApi({
      handlers: { createDeployment: () => ({ deployment: aDeployingDeployment(), token: aToken() }) },
      feed(feed) {
        feed.send('deployment', aDeployingDeployment('installing'), '1')
        waiting.resolve()
      },
    })
    const child = start(api, ['deploy', 'npm:echo-mcp', '--json'])
    const [stdout, ended] = [text(child.stdout), once(child, 'exit')]
    await waiting.promise
    child.kill(signal)
    expect(await ended).toEqual([130, null])
    expect(await stdout).toBe('')
    expect(api.requests.map(({ name }) => name)).toEqual(['createDeployment'])
  },
)

test('a reader that has enough ends the command quietly', async () => {
  await using api = await startFakeApi({
    handlers: { listLogs: () => ({ items: [], before: null }) },
    feed(feed) {
      let id = 0
      // As fast as the other side reads; it stops when that is gone.
      const timer = setInterval(() => feed.send('log', aLogLine((id += 1), 'line'), String(id)), 1)
      feed.onClose(() => clearInterval(timer))
    },
  })
  const child = start(api, ['logs', 'echo', '-f'])
  const [stderr, ended] = [text(child.stderr), once(child, 'exit')]
  await once(child.stdout, 'data')
  child.stdout.destroy()
  expect(await ended).toEqual([130, null])
  expect(await stderr).toBe('')
})

/** Prints the address of each module that is loaded. */
const LISTING = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) })
`)}`

test.each([
  { words: ['--version'], spared: /\/src\/(contract|bridge|program)\/|\/node_modules\/zod\// },
  {
    words: ['bridge', '--port', '0', '--', '/nonexistent'],
    spared: /\/src\/(contract|program)\/|\/node_modules\/(zod|commander)\//,
  },
])('catwalk $words.0 loads only what it needs', async ({ words, spared }) => {
  const child = spawn(process.execPath, ['--import', LISTING, MAIN, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 25_000,
  })
  const loaded = (await text(child.stdout)).split('\n').filter((line) => line.startsWith('file:'))
  expect(loaded.some((url) => url.endsWith('/src/cli/run.ts'))).toBe(true)
  expect(loaded.filter((url) => spared.test(url))).toEqual([])
})
