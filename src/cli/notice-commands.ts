import { Option, type Command } from 'commander'
import type { AddNoticesOptions } from './commands/notices.ts'
import type { CommonOptions } from './context.ts'
import { wholeNumber } from './options.ts'
import type { ProgramOptions } from './program.ts'

const load = () => import('./commands/notices.ts')
const CHANNEL = 'id of the address'
const KINDS = ['failed', 'unhealthy', 'update_available', 'key_expiring', 'tool_changed', 'account_broken']

type Kinds = NonNullable<AddNoticesOptions['only']>

const only = () => new Option('--only <notice...>', 'just these; default: all').choices(KINDS)

/** Names and flags of the commands about notices. */
export function addNotices(program: Command, run: ProgramOptions['run']): void {
  const notices = program.command('notices').description('where the workspace is told what happens')
  notices
    .command('ls')
    .description('list the addresses')
    .action((options: CommonOptions) => run(options, async (context) => (await load()).listChannels(context)))
  notices
    .command('add')
    .description('add a webhook, or the mail address of a member')
    .option('--webhook <url>', 'is sent signed JSON')
    .option('--mail <address>', 'of a member of the workspace')
    .addOption(only())
    .action((options: AddNoticesOptions) =>
      run(options, async (context) => (await load()).addChannel(context, options)),
    )
  notices
    .command('set')
    .description('change which notices an address gets')
    .argument('<id>', CHANNEL)
    .addOption(only().makeOptionMandatory())
    .action((id: string, options: CommonOptions & { readonly only: Kinds }) =>
      run(options, async (context) => (await load()).setChannel(context, id, options.only)),
    )
  notices
    .command('test')
    .description('send a test notice and say whether it was taken')
    .argument('<id>', CHANNEL)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await load()).testChannel(context, id)),
    )
  notices
    .command('renew-secret')
    .description('sign what a webhook gets with another secret, and print it')
    .argument('<id>', CHANNEL)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await load()).renewSecret(context, id)),
    )
  notices
    .command('rm')
    .description('remove an address')
    .argument('<id>', CHANNEL)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await load()).removeChannel(context, id)),
    )
  notices
    .command('log')
    .description('show what was told, and what became of it')
    .option('-n, --limit <number>', 'how many', wholeNumber(1, 500), 50)
    .action((options: CommonOptions & { readonly limit: number }) =>
      run(options, async (context) => (await load()).showLog(context, options.limit)),
    )
}
