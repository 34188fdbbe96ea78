import { cleanLine } from '../clean-text.ts'
import type { CommandContext } from '../context.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'

/** Prints how far each client gets on its way to sign in, and the fix where one does not; fails when one does not. */
export async function doctorOAuth(context: CommandContext, id: string): Promise<ExitCode> {
  const { output } = context
  const { items } = await context.call('checkSignIn', { params: { id } })
  output.result(items, () =>
    items
      .map(({ client, ok, steps }) =>
        [
          `${ok ? output.style('green', '✓') : output.style('red', '✗')} ${output.style('bold', cleanLine(client))}`,
          ...steps.flatMap((step) => [
            `  ${step.ok ? '✓' : '✗'} ${cleanLine(step.step)}: ${cleanLine(step.detail)}`,
            ...(step.fix === null ? [] : [`    ${cleanLine(step.fix)}`]),
          ]),
        ].join('\n'),
      )
      .join('\n'),
  )
  return items.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed
}
