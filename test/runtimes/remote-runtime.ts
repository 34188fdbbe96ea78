import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Secret, type HeaderTemplate, type Instance, type Runtime } from '../../src/domain/index.ts'
import { createHttpClient } from '../../src/network/index.ts'
import { createRemoteRuntime } from '../../src/runtimes/remote/index.ts'
import { CALLER, releaseOf, type Release } from './release.ts'

const never = new AbortController().signal

export interface Way extends AsyncDisposable {
  readonly instance: Instance
  readonly release: Release
  /** Where clients reach it. */
  readonly url: string
  readonly log: () => string
}

/** A runtime that may reach just these origins, and no public address at all in a test. */
export function remoteRuntime(
  origins: readonly string[],
  maxMessageBytes = 64 * 1_048_576,
): Runtime & Disposable {
  const http = createHttpClient({
    trustedOrigins: origins.map((origin) => new URL(origin).origin),
    userAgent: 'test',
    maxSockets: Infinity,
  })
  const runtime = createRemoteRuntime({ http, origins, maxMessageBytes })
  return Object.assign(runtime, { [Symbol.dispose]: () => http[Symbol.dispose]() })
}

/** Starts an instance that stands in front of a server, and a door to it for clients. */
export async function standInFront(
  url: string,
  options: {
    readonly headers?: readonly HeaderTemplate[]
    readonly credentials?: Readonly<Record<string, string>>
    readonly stateful?: boolean
    /** What it may reach; default: the server. */
    readonly origins?: readonly string[]
    readonly maxMessageBytes?: number
  } = {},
): Promise<Way> {
  const runtime = remoteRuntime(options.origins ?? [url], options.maxMessageBytes)
  const release = releaseOf({ kind: 'remote', url }, { network: 'internet' })
  const spec = {
    ...release.prepare.spec,
    transport: { kind: 'http' as const, headers: options.headers ?? [] },
  }
  const credentials = new Map(
    Object.entries(options.credentials ?? {}).map(([name, value]) => [name, new Secret(value)]),
  )
  const instance = await runtime.start(
    release.start('', { spec, credentials, stateful: options.stateful ?? false }),
    never,
  )
  const door = createServer((req, res) => instance.endpoint.handle(req, res, CALLER))
  door.listen(0, '127.0.0.1')
  await once(door, 'listening')
  return {
    instance,
    release,
    url: `http://127.0.0.1:${(door.address() as AddressInfo).port}/mcp`,
    log: () => release.lines.map(({ line }) => line).join('\n'),
    [Symbol.asyncDispose]: async () => {
      await instance.stop(0)
      door.close()
      door.closeAllConnections()
      runtime[Symbol.dispose]()
    },
  }
}
