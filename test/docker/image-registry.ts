import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../support/until.ts'
import type { Engine } from './engine.ts'

/** Debian's docker-registry on loopback: the real thing. */
export interface ImageRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`, as in the names of its images. */
  readonly host: string
  /**
   * Builds an image on the engine's base, puts it into the registry and forgets it on the engine.
   * @param dockerfile without its first line
   * @returns its digest
   */
  publish(
    name: string,
    files: Readonly<Record<string, string>>,
    dockerfile: readonly string[],
  ): Promise<string>
}

export async function startImageRegistry(engine: Engine): Promise<ImageRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'catwalk-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const configuration = join(directory, 'config.yml')
  await writeFile(
    configuration,
    JSON.stringify({
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(directory, 'data') } },
      http: { addr: host },
    }),
  )
  const child = spawn('docker-registry', ['serve', configuration], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000)
  })
  await until('the registry answers', async () => {
    if (child.exitCode !== null) throw new Error(`docker-registry ended: ${said}`)
    return fetch(`http://${host}/v2/`).then(
      ({ ok }) => (ok ? true : null),
      () => null,
    )
  })
  return {
    host,
    publish: async (name, files, dockerfile) => {
      const context = await mkdtemp(join(tmpdir(), 'catwalk-context-'))
      try {
        const all = { ...files, Dockerfile: [`FROM ${engine.image}`, ...dockerfile].join('\n') }
        for (const [file, content] of Object.entries(all)) await writeFile(join(context, file), content)
        const image = `${host}/${name}`
        const src = Object.keys(all)
        await followed(engine, await engine.docker.buildImage({ context, src }, { t: image }))
        const events = await followed(engine, await engine.docker.getImage(image).push({ authconfig: {} }))
        await engine.docker.getImage(image).remove({ force: true })
        const digest = events.map(({ aux }) => aux?.Digest).find((found) => found !== undefined)
        if (digest === undefined) throw new Error(`no digest: ${JSON.stringify(events)}`)
        return digest
      } finally {
        await rm(context, { recursive: true, force: true })
      }
    },
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit')
      child.kill()
      await gone
      await rm(directory, { recursive: true, force: true })
    },
  }
}

interface Progress {
  readonly error?: string
  readonly aux?: { readonly Digest?: string }
}

/** What the engine tells until it is done; an error in it is thrown. */
async function followed({ docker }: Engine, stream: NodeJS.ReadableStream): Promise<readonly Progress[]> {
  const events = await new Promise<readonly Progress[]>((resolve, reject) => {
    docker.modem.followProgress(stream, (error, all) =>
      error === null ? resolve(all as readonly Progress[]) : reject(error),
    )
  })
  const failed = events.find(({ error }) => error !== undefined)
  if (failed !== undefined) throw new Error(failed.error)
  return events
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
