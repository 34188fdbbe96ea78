import { randomBytes } from 'node:crypto'
import { createSessionMemory } from '../../src/bridge/index.ts'
import {
  newId,
  RpcError,
  type Instance,
  type InstanceInput,
  type LaunchPackage,
  type LineSink,
  type PrepareInput,
} from '../../src/domain/index.ts'

export const CALLER = { subject: 'test', requestId: 'req_test' }

/** A release of a fixture, with everything that a test does not care about filled in. */
export interface Release {
  readonly lines: { readonly stream: string; readonly line: string }[]
  readonly prepare: PrepareInput
  start(lockFile: string, changes?: Partial<InstanceInput>): InstanceInput
}

let nextSlot = 1

export function releaseOf(
  packaged: LaunchPackage,
  options: Partial<PrepareInput['settings']> & { readonly args?: readonly string[] } = {},
): Release {
  const lines: { stream: string; line: string }[] = []
  const output: LineSink = (stream, line) => lines.push({ stream, line })
  const { args = [], ...settings } = options
  const prepare: PrepareInput = {
    workspaceId: newId('workspace'),
    deploymentId: newId('deployment'),
    spec: { package: packaged, args, variables: [], transport: { kind: 'stdio' } },
    settings: { network: 'none', allowScripts: false, memoryMiB: 256, ...settings },
    lockFile: null,
    output,
  }
  const slot = nextSlot++
  const releaseId = newId('release')
  const sealKey = randomBytes(32)
  return {
    lines,
    prepare,
    start: (lockFile, changes = {}) => ({
      workspaceId: prepare.workspaceId,
      deploymentId: prepare.deploymentId,
      instanceId: newId('instance'),
      releaseId,
      epoch: 1,
      slot,
      spec: prepare.spec,
      settings: prepare.settings,
      lockFile,
      credentials: new Map(),
      sealKey,
      sessions: createSessionMemory(() => new Date()),
      processes: 'auto',
      stateful: false,
      era: null,
      output,
      ...changes,
    }),
  }
}

/** Runs code inside the evaluator and returns its value; a failure's code comes as `error: …`. */
export async function evaluate(instance: Instance, code: string): Promise<unknown> {
  const params = { name: 'evaluate', arguments: { code } }
  try {
    const result = await instance.endpoint.request('tools/call', params, CALLER, AbortSignal.timeout(15_000))
    // The evaluator answers with one text.
    const [content] = result['content'] as readonly { readonly text: string }[]
    return JSON.parse(content?.text ?? 'null')
  } catch (error) {
    if (error instanceof RpcError) return `error: ${error.message}`
    throw error
  }
}

/**
 * The whole environment of the evaluator, except where it was started, which bubblewrap says to what it becomes itself and
 * an init in its sandbox does not.
 */
export async function environmentOf(instance: Instance, code: string): Promise<NodeJS.ProcessEnv> {
  // The code given returns the environment.
  const { PWD, ...environment } = (await evaluate(instance, code)) as NodeJS.ProcessEnv
  if (PWD !== undefined && PWD !== '/home/server') throw new Error(`The program was started in ${PWD}.`)
  return environment
}

/** Code that fetches the root of a host without the proxy. */
export function readUnproxied(host: string, port: number): string {
  return `const http = require('http'); return await new Promise((resolve) => http.get(
    { host: '${host}', port: ${port}, headers: { host: '${host}' }, agent: new http.Agent() },
    (res) => { let t = ''; res.on('data', (d) => { t += d }).on('end', () => resolve(t)) },
  ).on('error', (e) => resolve(e.code)))`
}

/** Code that says HTTP over a plain connection, ends its half and returns all that comes back. */
export function talk(host: string, port: number): string {
  return `const { connect } = require('net'); return await new Promise((resolve) => {
    let t = ''
    const s = connect({ host: '${host}', port: ${port}, allowHalfOpen: true }, () => s.end('GET / HTTP/1.1\\r\\nHost: db\\r\\nConnection: close\\r\\n\\r\\n'))
    s.on('data', (d) => { t += d }).on('end', () => resolve(t)).on('error', (e) => resolve(e.code))
  })`
}
