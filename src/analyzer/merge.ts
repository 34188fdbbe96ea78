import type { AnalysedArgument, AnalysedLaunch, AnalysedVariable, AnalysisWarning } from '../domain/index.ts'
import type { ToolFact } from './facts.ts'
import { mergeArguments } from './merge/arguments.ts'
import { launchOf } from './merge/launch.ts'
import { mergeVariables } from './merge/variables.ts'
import { notAServer } from './merge/verdict.ts'
import type { ProgramReading } from './reading.ts'

/** What one program of a snapshot is, on the word of its files alone. */
export interface MergedProgram {
  readonly reading: ProgramReading
  readonly launch: AnalysedLaunch
  readonly env: readonly AnalysedVariable[]
  readonly requiredOneOf: readonly (readonly (readonly string[])[])[]
  readonly arguments: readonly AnalysedArgument[]
  readonly tools: readonly { readonly name: string; readonly description: string | null }[]
  readonly warnings: readonly AnalysisWarning[]
  /** In words, why it is no MCP server; null when it is one. */
  readonly notAServer: string | null
}

export function mergeProgram(reading: ProgramReading): MergedProgram {
  const launch = launchOf(reading)
  const variables = mergeVariables(reading)
  const covers = (flag: string, values: ReadonlySet<string>): boolean => {
    const words = flag
      .replace(/^-+/, '')
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replaceAll('-', '_')
      .toUpperCase()
    return variables.env.some((variable) => {
      const isNamed = (readers: RegExp): boolean =>
        variable.evidence.some(({ reader }) => readers.test(reader))
      // `--config ${DISCORD_TOKEN}`, or just the name
      return [`\${${variable.name}}`, `$${variable.name}`, variable.name].some((value) => values.has(value))
        ? isNamed(/^(?:javascript|python|schema|go)/)
        : (variable.name === words || variable.name.endsWith(`_${words}`)) &&
            isNamed(/^(?:readme|env-example|server-json|mcpb)/)
    })
  }
  const tools = new Map<string, string | null>()
  for (const fact of reading.facts.filter((one): one is ToolFact => one.kind === 'tool')) {
    if (!tools.has(fact.name)) tools.set(fact.name, fact.description)
  }
  return {
    reading,
    launch,
    ...variables,
    arguments: mergeArguments(reading, launch.args, covers),
    tools: [...tools].map(([name, description]) => ({ name, description })),
    notAServer: notAServer(reading),
  }
}
