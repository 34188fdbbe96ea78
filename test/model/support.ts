import type { AnalysedVariable, Analysis, Snapshot } from '../../src/domain/index.ts'

/** A snapshot in memory. */
export function snapshotOf(files: Readonly<Record<string, string>>, path = ''): Snapshot {
  const entries = Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    directory: '/nowhere',
    commit: 'c'.repeat(40),
    path,
    files: new Map(entries.map(([name, text]) => [name, { path: name, bytes: Buffer.byteLength(text) }])),
    text: (name, maxBytes = 1024 * 1024) => {
      const text = files[name]
      return text === undefined || Buffer.byteLength(text) > maxBytes ? null : text
    },
  }
}

export function variable(name: string, changes: Partial<AnalysedVariable> = {}): AnalysedVariable {
  return {
    name,
    required: false,
    secret: false,
    default: null,
    description: null,
    format: 'text',
    choices: [],
    helpUrl: null,
    confidence: 0.9,
    evidence: [],
    ...changes,
  }
}

export function analysisOf(env: readonly AnalysedVariable[], changes: Partial<Analysis> = {}): Analysis {
  return {
    source: { kind: 'github', url: 'https://github.com/example/tasks-mcp', commit: 'c'.repeat(40), path: '' },
    verdict: 'deployable',
    reason: null,
    launch: {
      package: { registry: 'npm', name: 'tasks-mcp', version: '1.0.0' },
      command: 'tasks-mcp',
      args: [],
      transport: 'stdio',
    },
    candidates: [],
    env,
    requiredOneOf: [],
    arguments: [],
    tools: [],
    resources: [],
    prompts: [],
    proof: null,
    warnings: [],
    model: null,
    ...changes,
  }
}
