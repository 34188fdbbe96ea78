import { cleanLine } from '../clean-text.ts'
import type { CommandContext } from '../context.ts'

export async function setUpLink(context: CommandContext): Promise<void> {
  const link = await context.call('createSetUpLink', {})
  context.output.note(
    `Open it in a browser before ${new Date(link.expiresAt).toLocaleTimeString()}; it works once.`,
  )
  context.output.result(link, () => cleanLine(link.url))
}
