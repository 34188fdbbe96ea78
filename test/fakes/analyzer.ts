import {
  CatwalkError,
  formatSource,
  type Analysis,
  type SourceAnalysisInput,
  type SourceAnalyzer,
} from '../../src/domain/index.ts'

/** A finished analysis of a package of npm that needs nothing. */
export function anAnalysis(changes: Partial<Analysis> = {}, name = 'some-mcp-server'): Analysis {
  return {
    source: { kind: 'npm', url: `npm:${name}@1.0.0`, commit: null, path: '' },
    verdict: 'deployable',
    reason: null,
    launch: {
      package: { registry: 'npm', name, version: '1.0.0' },
      command: 'server',
      args: [],
      transport: 'stdio',
    },
    candidates: [],
    env: [],
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

export interface FakeAnalyzer extends SourceAnalyzer {
  /** Replace to find other things, wait or fail. */
  onAnalyse: (input: SourceAnalysisInput, signal: AbortSignal) => Promise<Analysis>
  /** What was asked, in order. */
  readonly asked: SourceAnalysisInput[]
}

/** An analyzer that finds whatever the test wants, for tests of what uses it. */
export function createFakeAnalyzer(): FakeAnalyzer {
  const analyzer: FakeAnalyzer = {
    asked: [],
    githubHosts: ['github.com'],
    onAnalyse: async ({ source }) => anAnalysis({}, source.kind === 'npm' ? source.name : 'built'),
    async analyze(input, signal) {
      analyzer.asked.push(input)
      const { source } = input
      const pinned = formatSource(
        source.kind === 'npm' ? { ...source, version: source.version ?? '1.0.0' } : source,
      )
      return { pinned, analysis: (await input.recall(pinned)) ?? (await analyzer.onAnalyse(input, signal)) }
    },
    async toPackage(_workspaceId, { launch }, executable) {
      if (launch === null) throw new CatwalkError('source_not_deployable', 'Nothing to start.')
      return {
        kind: 'npm',
        name: launch.package.name,
        version: launch.package.version ?? '1.0.0',
        integrity: 'sha512-AAAA',
        executable: executable ?? launch.command,
      }
    },
  }
  return analyzer
}
