// npm run bench -- analyze --corpus FOLDER: what the analyzer finds out about real servers, compared with what is known
// of them. Each published package is unpacked once, served as a repository by a GitHub of this machine, and analysed by
// that repository's address, without a model, and without a boot unless it is asked for.
//   --corpus FOLDER  holds servers.json
//   --cache FOLDER   where packages are kept between runs (the system's temporary folder)
//   --only NAME      one server; may be repeated
//   --fold N         only the N-th third (0, 1, 2) of the corpus; --without-fold N the other two
//   --boot           also look packages up in the registry, install them and try them out, as the program does
//   --data-dir PATH  keeps the installations of --boot between runs (default: a fresh directory)
//   --show           print each analysis; with --boot, when each step of it began
//   --json           one JSON document instead of tables
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { analyze, snapshotOfFolder, type PackageLookup } from '../src/analyzer/index.ts'
import { CatwalkError, newId, type Analysis, type ReadableSource, type Runtime } from '../src/domain/index.ts'
import {
  createNpmIndex,
  createPypiIndex,
  loadNpmConfiguration,
  loadPythonIndex,
} from '../src/packages/index.ts'
import { createSourceAnalyzer } from '../src/program/source-analyzer.ts'
import { createLocalRuntime } from '../src/runtimes/local/index.ts'
import { createSources } from '../src/sources/index.ts'
import { startGithub } from '../test/fakes/github.ts'
import { silentLogger } from '../test/support/logger.ts'
import { readCorpus, type CorpusEntry } from './analyze/corpus.ts'
import { unpackedPackage } from './analyze/packages.ts'
import { score } from './analyze/score.ts'
import { repositoryOf } from './corpus.ts'

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    corpus: { type: 'string' },
    cache: { type: 'string', default: join(tmpdir(), 'catwalk-corpus') },
    only: { type: 'string', multiple: true },
    fold: { type: 'string' },
    'without-fold': { type: 'string' },
    boot: { type: 'boolean', default: false },
    'data-dir': { type: 'string' },
    show: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
if (values.corpus === undefined) throw new Error('Say where the corpus is: --corpus FOLDER')

const percent = (part: number | null): string => (part === null ? '-' : `${(part * 100).toFixed(1)} %`)
const foldOf = (name: string): string => String((createHash('sha256').update(name).digest()[0] ?? 0) % 3)
const entries = readCorpus(values.corpus).filter(
  (entry) =>
    (values.only === undefined || values.only.includes(entry.name)) &&
    (values.fold === undefined || foldOf(entry.name) === values.fold) &&
    (values['without-fold'] === undefined || foldOf(entry.name) !== values['without-fold']),
)

interface Result {
  readonly entry: CorpusEntry
  readonly analysis: Analysis | null
  readonly ms: number
  readonly words: (name: string) => boolean
  readonly error: string | null
  /** How long each of its steps took. */
  readonly steps: string
}

/** Knows the one package, as its registry would. */
function indexOf(entry: CorpusEntry): PackageLookup {
  return {
    resolve: (name) => {
      if (name !== entry.name)
        return Promise.reject(new CatwalkError('package_not_found', `There is no package ${name}.`))
      return Promise.resolve({ name, version: entry.version, repository: entry.repository })
    },
  }
}

async function analyseOne(entry: CorpusEntry): Promise<Result> {
  const root = await unpackedPackage(values.cache, entry.name, entry.version)
  const [owner, repository] = repositoryOf(entry)
  github.publish({ name: `${owner}/${repository}`, files: root })
  const words = (name: string): boolean =>
    snapshotOfFolder(root)
      .files.keys()
      .some(
        (path) =>
          /\.[cm]?[jt]sx?$|readme/i.test(path) && readFileSync(join(root, path), 'utf8').includes(name),
      )
  const signal = AbortSignal.timeout(values.boot ? 300_000 : 60_000)
  const begun = performance.now()
  steps = []
  try {
    const within = { token: null, signal }
    const pinned = await sources.pin(
      { kind: 'github', host: 'github.com', owner, repository, ref: null, path: '' },
      within,
    )
    await using snapshot = await sources.open(pinned, within)
    const source = { kind: 'github', url: `https://github.com/${owner}/${repository}` }
    const analysis =
      program === null
        ? await analyze({ source, snapshot, packages: { npm: indexOf(entry) } }, signal)
        : await program.analyze(pinned.source, signal)
    return { entry, analysis, ms: performance.now() - begun, words, error: null, steps: stepTimes() }
  } catch (error) {
    return {
      entry,
      analysis: null,
      ms: performance.now() - begun,
      words,
      error: error instanceof Error ? error.message : String(error),
      steps: stepTimes(),
    }
  }
}

const notAsked = (): Promise<never> => Promise.reject(new Error('No package index is asked for files here.'))
await using stack = new AsyncDisposableStack()
const scratch = mkdtempSync(join(tmpdir(), 'catwalk-bench-'))
stack.defer(() => rmSync(scratch, { recursive: true, force: true }))
const github = stack.use(await startGithub())
const sources = stack.use(
  await createSources({
    directory: scratch,
    maxCacheBytes: 512 * 1024 * 1024,
    githubApiUrl: github.url,
    githubToken: null,
    npm: { resolve: notAsked, download: notAsked, weeklyDownloads: notAsked },
    pypi: { resolve: notAsked, download: notAsked },
    logger: silentLogger,
    userAgent: 'catwalk-bench',
  }),
)

const configuration = () => loadNpmConfiguration(process.env)
const python = async () => loadPythonIndex(null, process.env)

/** The analysis as the program makes it, with the real registry and a trial boot. */
function analysisWithBoot(): BootingAnalysis {
  const dataDir = values['data-dir'] ?? join(scratch, 'data')
  mkdirSync(dataDir, { recursive: true })
  // The users that servers run as pass through both.
  for (const directory of [scratch, dataDir]) chmodSync(directory, 0o711)
  const runtime = createLocalRuntime({
    dataDir,
    logger: silentLogger,
    npm: configuration,
    pypi: python,
    installTimeoutMs: 240_000,
    allowUnsandboxed: false,
  })
  const analyzer = createSourceAnalyzer({
    sources,
    services: {
      npm: () => createNpmIndex({ configuration }),
      pypi: () => createPypiIndex({ configuration: python, userAgent: 'catwalk-bench' }),
      model: () => Promise.resolve(null),
      reading: (_workspaceId, _source, signal) => Promise.resolve({ token: null, signal }),
    },
    images: { resolve: notAsked },
    // The corpus names packages only.
    registry: { find: () => Promise.reject(new Error('no registry is asked')), packageNames: async () => [] },
    runtimes: [{ supports: runtime.supports, tryOut: watched(runtime) }],
    memoryMiB: 1024,
    now: () => new Date(),
  })
  const workspaceId = newId('workspace')
  return {
    analyze: async (source, signal) => {
      const question = { workspaceId, source, server: null, boot: true, model: false }
      const { analysis } = await analyzer.analyze(
        { ...question, onStep: note, recall: () => Promise.resolve(null) },
        signal,
      )
      return analysis
    },
  }
}

/** When steps began, of the analysis that goes on. */
let steps: { readonly name: string; readonly atMs: number }[] = []
const note = (name: string): void => {
  steps.push({ name, atMs: performance.now() })
}

/** A trial that tells when its installation and its starts began. */
function watched({ tryOut }: Pick<Runtime, 'tryOut'>): Runtime['tryOut'] {
  return (input, signal) =>
    tryOut(
      {
        ...input,
        output: (stream, line) => {
          if (stream === 'system') note(line.split(' ', 1)[0] ?? '')
        },
      },
      signal,
    )
}

/** Up to now. */
function stepTimes(): string {
  return steps
    .map(({ name, atMs }, i) => `${name} ${Math.round((steps[i + 1]?.atMs ?? performance.now()) - atMs)}`)
    .join(', ')
}

interface BootingAnalysis {
  analyze(source: ReadableSource, signal: AbortSignal): Promise<Analysis>
}

const program = values.boot ? analysisWithBoot() : null
const results: Result[] = []
for (const entry of entries) results.push(await analyseOne(entry))
const { figures, misses } = score(results)
const times = results.map((result) => result.ms).toSorted((a, b) => a - b)
const percentile = (part: number): number =>
  times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0
const timing = {
  medianMs: Math.round(percentile(0.5)),
  p95Ms: Math.round(percentile(0.95)),
  maxMs: Math.round(times.at(-1) ?? 0),
}

if (values.json) {
  process.stdout.write(
    `${JSON.stringify({ servers: results.length, figures, timing, misses, ...(values.show ? { analyses: results.map(({ entry, analysis }) => ({ name: entry.name, analysis })) } : {}) }, null, 2)}\n`,
  )
} else {
  for (const { entry, analysis, error, ms, steps: took } of results) {
    if (error !== null) process.stdout.write(`${entry.name}: ${error}\n`)
    if (!values.show || analysis === null) continue
    process.stdout.write(
      `\n## ${entry.name} ${analysis.verdict} (${String(Math.round(ms))} ms) ${analysis.reason ?? ''}\n`,
    )
    if (took !== '') process.stdout.write(`  ${took} ms\n`)
    process.stdout.write(`  ${analysis.launch?.command ?? '-'} ${(analysis.launch?.args ?? []).join(' ')}\n`)
    for (const variable of analysis.env)
      process.stdout.write(
        `  ${variable.required ? '*' : ' '}${variable.secret ? '🔒' : '  '} ${variable.name} = ${String(variable.default)} [${variable.evidence.map((one) => `${one.reader}:${one.file}:${String(one.line)}`).join(' ')}]\n`,
      )
    for (const group of analysis.requiredOneOf) process.stdout.write(`  one of ${JSON.stringify(group)}\n`)
    for (const argument of analysis.arguments)
      process.stdout.write(
        `  ${argument.required ? '*' : ' '} ${String(argument.position ?? '-')} ${argument.name} e.g. ${String(argument.example)} [${argument.evidence.map((one) => `${one.reader}:${String(one.line)}`).join(' ')}]\n`,
      )
    process.stdout.write(
      `  ${String(analysis.tools.length)} tools; ${analysis.warnings.map((warning) => `${warning.code}: ${warning.message}`).join('; ')}\n`,
    )
  }
  for (const figure of Object.keys(figures)) {
    for (const miss of misses.filter((one) => one.figure === figure))
      process.stdout.write(`${figure.padEnd(20)} ${miss.server.padEnd(44)} ${miss.what}\n`)
  }
  process.stdout.write('\n')
  for (const [name, { value, target, hit, of }] of Object.entries(figures)) {
    process.stdout.write(
      `${name.padEnd(22)} ${percent(value).padStart(8)}  target ${percent(target).padStart(8)}  ${String(hit)} of ${String(of)}\n`,
    )
  }
  const tried = results.filter(({ analysis }) => analysis !== null && analysis.proof !== null)
  if (values.boot) {
    for (const { entry, analysis } of results) {
      const why =
        analysis?.proof?.failure?.message ??
        analysis?.warnings.find(({ code }) => code === 'not_tried')?.message
      if (why !== undefined)
        process.stdout.write(`${'not booted'.padEnd(20)} ${entry.name.padEnd(44)} ${why}\n`)
    }
    const booted = tried.filter(({ analysis }) => analysis?.proof?.booted === true).length
    process.stdout.write(
      `${'booted'.padEnd(22)} ${String(booted)} of ${String(tried.length)} that were tried\n`,
    )
  }
  process.stdout.write(
    `${'time'.padEnd(22)} median ${String(timing.medianMs)} ms, 95th percentile ${String(timing.p95Ms)} ms, slowest ${String(timing.maxMs)} ms\n`,
  )
}
