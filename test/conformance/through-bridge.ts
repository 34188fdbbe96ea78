import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { bundleFixture } from './package-fixture.ts'
import type { Fixture } from './vocabulary.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/catwalk', import.meta.url))
const START_MS = 20_000

export interface Bridges extends AsyncDisposable {
  /** @throws for a fixture that has none */
  readonly url: (fixture: Fixture) => string
}

/** Each fixture behind a `bin/catwalk bridge` of its own. */
export async function openBridges(fixtures: readonly Fixture[]): Promise<Bridges> {
  const directory = await temporaryDirectory()
  const bridges = await Promise.all(
    fixtures.map(async (fixture) => {
      const program = await bundleFixture(fixture, directory.path)
      return [fixture, await startBridgeProgram(program)] as const
    }),
  )
  const byName = new Map(bridges)
  return {
    url(fixture) {
      const bridge = byName.get(fixture)
      if (bridge === undefined) throw new Error(`No bridge was started for ${fixture}.`)
      return bridge.url
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(bridges.map(([, bridge]) => bridge[Symbol.asyncDispose]()))
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** `bin/catwalk bridge` in front of a fixture, ready to be called. */
async function startBridgeProgram(program: string): Promise<{ url: string } & AsyncDisposable> {
  const words = ['bridge', '--port', '0', '--', process.execPath, program]
  const child = spawn(process.execPath, [LAUNCHER, ...words], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stderr })
  try {
    // Its first line; what follows is what the server prints.
    const [url] = (await once(lines, 'line', { signal: AbortSignal.timeout(START_MS) })) as [string]
    return {
      url,
      async [Symbol.asyncDispose]() {
        child.kill('SIGTERM')
        await ended
      },
    }
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`catwalk bridge did not start in front of ${program}`, { cause: error })
  }
}
