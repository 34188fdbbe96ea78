import { Option, type Command } from 'commander'
import type { AnnotateOptions } from './commands/tool-settings.ts'
import type { CommonOptions } from './context.ts'
import { DEPLOYMENT } from './options.ts'
import type { ProgramOptions } from './program.ts'

const load = () => import('./commands/tool-settings.ts')
const TOOL = "the server's own name of the tool"
const MODES = ['off', 'changed', 'strict'] as const

/** Names and flags of the commands about the tools of a deployment. */
export function addTools(program: Command, run: ProgramOptions['run']): void {
  const tools = program
    .command('tools')
    .description('list the tools of a deployment, or describe one')
    // What stands behind one of its own commands belongs to that command.
    .enablePositionalOptions()
    .argument('<deployment>', DEPLOYMENT)
    .argument('[tool]', TOOL)
    .action((id: string, tool: string | undefined, options: CommonOptions) =>
      run(options, async (context) => (await import('./commands/tools.ts')).tools(context, id, tool)),
    )
  for (const [verb, isEnabled] of [
    ['enable', true],
    ['disable', false],
  ] as const) {
    tools
      .command(verb)
      .description(isEnabled ? 'let clients see and call it again' : 'neither list it nor let it be called')
      .argument('<deployment>', DEPLOYMENT)
      .argument('<tool>', TOOL)
      .action((id: string, tool: string, options: CommonOptions) =>
        run(options, async (context) => (await load()).switchTool(context, id, tool, isEnabled)),
      )
  }
  tools
    .command('rename')
    .description('give it another name; without one it gets its own back')
    .argument('<deployment>', DEPLOYMENT)
    .argument('<tool>', TOOL)
    .argument('[name]', 'what clients call it')
    .action((id: string, tool: string, name: string | undefined, options: CommonOptions) =>
      run(options, async (context) => (await load()).renameTool(context, id, tool, name ?? null)),
    )
  tools
    .command('annotate')
    .description('give it other words and hints')
    .argument('<deployment>', DEPLOYMENT)
    .argument('<tool>', TOOL)
    .option('--title <text>', 'title for people')
    .option('--description <text>', 'what clients and models read')
    .option('--read-only', 'it changes nothing')
    .option('--no-read-only', 'it changes something')
    .option('--destructive', 'what it changes may be lost')
    .option('--no-destructive', 'it only adds')
    .option('--idempotent', 'calling it twice is like once')
    .option('--no-idempotent', 'calling it twice does it twice')
    .option('--open-world', 'it reaches out to things outside')
    .option('--no-open-world', 'it stays with what it has')
    .option('--reset', 'first take back what was set before')
    .action((id: string, tool: string, options: AnnotateOptions) =>
      run(options, async (context) => (await load()).annotateTool(context, id, tool, options)),
    )
  tools
    .command('review')
    .description('show what a running server changed without a new release')
    .argument('<deployment>', DEPLOYMENT)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await load()).reviewTools(context, id)),
    )
  for (const [verb, decision, words] of [
    ['accept', 'accept', 'accept a changed tool as it is now'],
    ['keep-blocked', 'keep_blocked', 'keep a changed tool stopped'],
  ] as const) {
    tools
      .command(verb)
      .description(words)
      .argument('<deployment>', DEPLOYMENT)
      .argument('<tool>', TOOL)
      .addOption(new Option('--hash <hex>', 'only if its definition still has this hash'))
      .action((id: string, tool: string, options: CommonOptions & { hash?: string }) =>
        run(options, async (context) => (await load()).decide(context, id, tool, decision, options.hash)),
      )
  }
  tools
    .command('pinning')
    .description('which tools are stopped when a running server changes them')
    .argument('<deployment>', DEPLOYMENT)
    .argument('<mode>', 'off, changed (other definitions; the default) or strict (new tools as well)')
    .action((id: string, mode: string, options: CommonOptions) =>
      run(options, async (context) => (await load()).setPinning(context, id, mode, MODES)),
    )
}
