import type { RouteOutput } from '../../contract/index.ts'
import { CatwalkError } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext } from '../context.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'

type Finding = RouteOutput<'getDoctor'>['items'][number]

const SIGNS = { ok: '✓', warning: '!', error: '✗' } as const
const COLOURS = { ok: 'green', warning: 'yellow', error: 'red' } as const

/** Prints what is wrong, with the fix of each; fails when something cannot work. */
export async function doctor(context: CommandContext): Promise<ExitCode> {
  const { output } = context
  const found = await context.call('getDoctor', {}).catch((error: unknown) => {
    if (!(error instanceof CatwalkError) || error.code !== 'unavailable') throw error
    throw new CatwalkError('unavailable', error.message, {
      help: 'Start Catwalk: bin/catwalk serve. It says what keeps it from starting, with the fix.',
    })
  })
  const lines = ({ name, level, detail, fix }: Finding): string =>
    [
      `${output.style(COLOURS[level], SIGNS[level])} ${output.style('bold', cleanLine(name))}  ${cleanLine(detail)}`,
      ...(fix === null ? [] : [`  ${cleanLine(fix)}`]),
    ].join('\n')
  output.result(found, () => found.items.map(lines).join('\n'))
  return found.healthy ? EXIT.ok : EXIT.failed
}
