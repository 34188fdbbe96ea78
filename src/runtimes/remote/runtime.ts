import type { Launch } from '../../bridge/index.ts'
import {
  CatwalkError,
  fillHeader,
  headerProblem,
  quoted,
  type InstanceInput,
  type LaunchSpec,
  type LineSink,
  type Runtime,
} from '../../domain/index.ts'
import type { HttpClient } from '../../network/index.ts'
import { createInstances } from '../confined/index.ts'
import { connectRemote } from './remote-process.ts'
import { tryOut } from './try-out.ts'
import { createWire } from './wire.ts'

export interface RemoteRuntimeOptions {
  /** What it may reach is decided there. */
  readonly http: HttpClient
  /** Origins that it reaches besides the public internet, as the operator wrote them. */
  readonly origins: readonly string[]
  /** Of one MCP message, in either direction. */
  readonly maxMessageBytes: number
}

/** What an owner gives a remote server is for one release; the way there is one for all of its sessions. */
interface Way {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly mayReopen: boolean
  readonly output: LineSink
}

/**
 * Stands in front of servers that someone else runs. No process of theirs runs here, so there is nothing to install, to
 * confine or to limit, and what they print is not seen.
 */
export function createRemoteRuntime({ http, origins, maxMessageBytes }: RemoteRuntimeOptions): Runtime {
  const instances = createInstances({ maxMessageBytes })

  function launchOf({ url, headers, mayReopen, output }: Way): Launch {
    return async () => {
      const wire = createWire({ http, headers, noted: (text) => output('system', text) })
      return connectRemote({ wire, url, maxMessageBytes, mayReopen, output })
    }
  }

  return {
    kind: 'remote',
    supports: {
      packages: ['remote'],
      networkPolicies: ['internet'],
      memoryLimit: false,
      serverLogs: false,
      suspend: false,
      survivesRestart: false,
      people: true,
    },
    status: async () => ({
      ok: true,
      detail: `Servers elsewhere are reached over https on the public internet${origins.length === 0 ? '' : `, and at ${origins.join(', ')}`}.`,
    }),
    async prepare({ spec, output }, signal) {
      signal.throwIfAborted()
      const url = urlOf(spec)
      output('system', `It runs at ${url.host}: nothing is installed.`)
      return { lockFile: '', packages: 0, fromStore: true }
    },
    async start(input, signal) {
      signal.throwIfAborted()
      const { output, stateful } = input
      const launch = launchOf({
        url: urlOf(input.spec),
        headers: headersFor(input),
        mayReopen: !stateful,
        output,
      })
      await instances.stopOlder(input)
      return instances.start(input, launch, signal)
    },
    tryOut: async (input, signal) => {
      if (input.package.kind !== 'remote') throw notRemote()
      const url = new URL(input.package.url)
      // Never with anybody's secrets.
      const { output } = input
      return tryOut(launchOf({ url, headers: {}, mayReopen: true, output }), input.limitMs, output, signal)
    },
    purge: async (deploymentId) => instances.stopAll(deploymentId),
    // It keeps nothing for anybody.
    keepPeople: async () => undefined,
  }
}

/** @throws CatwalkError `runtime_unavailable` */
function urlOf({ package: pkg }: LaunchSpec): URL {
  if (pkg.kind !== 'remote') throw notRemote()
  return new URL(pkg.url)
}

function notRemote(): CatwalkError {
  return new CatwalkError(
    'runtime_unavailable',
    "The runtime 'remote' runs nothing itself: it only reaches servers elsewhere.",
  )
}

/** @throws CatwalkError `missing_variable`, `invalid_variable` */
function headersFor({
  spec,
  credentials,
}: Pick<InstanceInput, 'spec' | 'credentials'>): Record<string, string> {
  if (spec.transport.kind !== 'http') return {}
  const headers: Record<string, string> = {}
  for (const header of spec.transport.headers) {
    const name = header.name.toLowerCase()
    const problem = headerProblem(header)
    if (problem !== null) throw new CatwalkError('invalid_variable', `The header ${quoted(name)} ${problem}.`)
    const value = fillHeader(header, (variable) => credentials.get(variable)?.reveal())
    if (value === null) {
      throw new CatwalkError(
        'missing_variable',
        `The header ${quoted(name)} has no value that can be sent.`,
        {
          help: 'A value must be one line of ASCII characters.',
        },
      )
    }
    headers[name] = value
  }
  return headers
}
