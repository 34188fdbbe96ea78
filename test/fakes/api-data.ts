import type { RouteOutput } from '../../src/contract/index.ts'

type Deployment = RouteOutput<'getDeployment'>
type Release = Deployment['release']
type Event = RouteOutput<'listEvents'>['items'][number]
type LogLine = RouteOutput<'listLogs'>['items'][number]
type Token = RouteOutput<'createToken'>

const START = Date.parse('2026-11-22T12:00:00.000Z')

export function at(seconds: number): string {
  return new Date(START + seconds * 1000).toISOString()
}

function aRelease(changes: Partial<Release> = {}): Release {
  return {
    id: 'rel_1',
    number: 1,
    state: 'live',
    package: { kind: 'npm', name: 'echo-mcp', version: '1.2.3', integrity: 'sha512-x' },
    args: [],
    userArgs: [],
    variables: [],
    network: 'internet',
    memoryMiB: 512,
    runtime: 'local',
    createdAt: at(0),
    liveAt: at(4),
    error: null,
    ...changes,
  }
}

export function aDeployment(changes: Partial<Deployment> = {}): Deployment {
  return {
    id: 'dep_1',
    slug: 'echo',
    name: 'Echo',
    source: 'npm:echo-mcp@1.2.3',
    runtime: 'local',
    state: 'running',
    stateReason: null,
    endpoint: 'http://localhost:7420/mcp/echo',
    release: aRelease(),
    liveRelease: 1,
    toolCount: 2,
    update: null,
    createdAt: at(0),
    updatedAt: at(4),
    ...changes,
  }
}

/** A deployment whose only release is on its way. */
export function aDeployingDeployment(state: Release['state'] = 'pending'): Deployment {
  const release = aRelease({ state, liveAt: null })
  return aDeployment({ state: 'deploying', liveRelease: null, toolCount: null, release })
}

export function aFailedDeployment(lastLine: string): Deployment {
  return aDeployment({
    state: 'failed',
    liveRelease: null,
    toolCount: null,
    release: aRelease({
      state: 'failed',
      liveAt: null,
      error: {
        error: 'server_exited',
        message: 'The server ended with exit code 3 before it answered.',
        help: 'Read its last output.',
        docs: '/docs/troubleshooting#server-exited',
        exitCode: 3,
        signal: null,
        lastLines: [{ at: at(2), stream: 'stderr', line: lastLine }],
      },
    }),
  })
}

export function anEvent(id: number, kind: Event['kind'], message = '', changes: Partial<Event> = {}): Event {
  return { id: String(id), at: at(id), kind, message, releaseId: 'rel_1', data: {}, ...changes }
}

export function aStateEvent(id: number, state: Release['state'], seconds: number): Event {
  return anEvent(id, 'release.state', `v1 is ${state}`, { at: at(seconds), data: { state } })
}

export function aLogLine(id: number, line: string, changes: Partial<LogLine> = {}): LogLine {
  return {
    id: String(id),
    at: at(id),
    stream: 'stderr',
    line,
    releaseId: 'rel_1',
    instanceId: null,
    ...changes,
  }
}

export function aToken(changes: Partial<Token> = {}): Token {
  return {
    id: 'tok_1',
    name: 'first',
    scope: 'full',
    prefix: 'cwk_abc',
    createdAt: at(0),
    expiresAt: null,
    lastUsedAt: null,
    callsPerMinute: null,
    concurrentCalls: null,
    replacedBy: null,
    secret: 'cwk_abcdef',
    ...changes,
  }
}

type Tool = RouteOutput<'listTools'>['items'][number]

/** A tool that nothing is set for. */
export function aTool(name: string, given: Partial<Tool> = {}): Tool {
  return {
    name,
    shownAs: name,
    title: null,
    description: null,
    isEnabled: true,
    setting: { name: null, title: null, description: null, annotations: {} },
    change: null,
    ...given,
  }
}
