import type { RouteOutput } from '../../contract/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import type { Output } from '../output.ts'
import { formatPairs, formatTable } from '../table.ts'

export interface AnalyzeOptions extends CommonOptions {
  readonly server?: string
  readonly fresh?: boolean
  readonly boot?: boolean
  readonly model?: boolean
  /** Seconds. */
  readonly timeout: number
}

type Analysis = RouteOutput<'createAnalysis'>

/** Finds out what a source is, without deploying anything. */
export async function analyze(
  context: CommandContext,
  source: string,
  options: AnalyzeOptions,
): Promise<void> {
  const { output } = context
  output.note(`Looking into ${cleanLine(source).slice(0, 200)}`)
  const analysis = await context.call(
    'createAnalysis',
    {
      body: {
        source,
        ...(options.server === undefined ? {} : { server: options.server }),
        fresh: options.fresh === true,
        boot: options.boot !== false,
        model: options.model !== false,
      },
    },
    options.timeout * 1000,
  )
  output.result(analysis, () => describe(output, analysis))
}

function describe(output: Output, analysis: Analysis): string {
  const { launch, verdict, reason, proof } = analysis
  const about: [string, string][] = [
    ['Verdict', reason === null ? verdict : `${verdict}: ${reason}`],
    ['Source', analysis.asked],
    ...(launch === null
      ? []
      : ([
          ['Package', `${launch.package.registry}:${launch.package.name} ${launch.package.version ?? ''}`],
          ['Starts with', [launch.command, ...launch.args].join(' ')],
        ] satisfies [string, string][])),
    ...(proof === null ? [] : ([['Tried out', proofWords(proof)]] satisfies [string, string][])),
    ['Tools', analysis.tools.map(({ name }) => name).join(', ') || '-'],
  ]
  const parts = [
    formatPairs(
      output,
      about.map(([name, value]) => [name, cleanLine(value)]),
    ),
    values(output, analysis),
    ...analysis.requiredOneOf.map((group) =>
      cleanLine(
        `Give ${group.map((names) => (names.length === 0 ? 'nothing' : names.join(' and '))).join(', or ')}.`,
      ),
    ),
    ...(analysis.candidates.length === 0
      ? []
      : [
          `It holds several servers; choose one with --server: ${cleanLine(analysis.candidates.map(({ name }) => name).join(', '))}`,
        ]),
    ...analysis.warnings.map(({ code, message }) => cleanLine(`! ${message} (${code})`)),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function proofWords(proof: NonNullable<Analysis['proof']>): string {
  if (!proof.booted) return `did not start: ${proof.failure?.message ?? 'nobody knows why'}`
  const needed = proof.neededPlaceholders.length === 0 ? '' : `, with ${proof.neededPlaceholders.join(', ')}`
  return `answers in ${proof.initializeMs ?? '?'} ms, ${proof.peakMemoryMiB ?? '?'} MiB${needed}`
}

function values(output: Output, { env, arguments: args }: Analysis): string {
  if (env.length + args.length === 0) return ''
  const rows = [
    ...env.map(({ name, required, secret, description }) => [
      name,
      mark(required, secret),
      description ?? '',
    ]),
    ...args.map(({ name, required, secret, description }) => [
      name,
      mark(required, secret),
      description ?? '',
    ]),
  ]
  return formatTable(
    output,
    ['NAME', 'NEEDED', 'WHAT IT IS'],
    rows.map((row) => row.map((cell) => cleanLine(cell).slice(0, 120))),
  )
}

function mark(required: boolean, secret: boolean): string {
  return [required ? 'required' : 'optional', ...(secret ? ['secret'] : [])].join(', ')
}
