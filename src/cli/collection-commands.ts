import { Option, type Command } from 'commander'
import type { ChangeOptions, CreateOptions, MemberOptions } from './commands/collections.ts'
import type { CommonOptions } from './context.ts'
import { collect, DEPLOYMENT, wholeNumber } from './options.ts'
import type { ProgramOptions } from './program.ts'

const load = () => import('./commands/collections.ts')
const COLLECTION = 'slug or id of the collection'

const listing = () =>
  new Option(
    '--listing <how>',
    'flat: all tools in the list; search: two tools that find and call them; auto: search when there are many',
  ).choices(['auto', 'flat', 'search'])

/** Names and flags of the commands about collections. */
export function addCollections(program: Command, run: ProgramOptions['run']): void {
  const collections = program.command('collections').description('one endpoint for several deployments')
  collections
    .command('ls')
    .description('list the collections')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await load()).listCollections(context)),
    )
  collections
    .command('show')
    .description('show what is in a collection')
    .argument('<collection>', COLLECTION)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await load()).showCollection(context, id)),
    )
  collections
    .command('create')
    .description('make a collection and print its endpoint and token')
    .argument('<name>', 'name for people')
    .option('--add <deployment>', 'deployment to put in, as PREFIX=DEPLOYMENT or DEPLOYMENT', collect)
    .option('--slug <text>', 'last part of the endpoint; default: made from the name')
    .addOption(listing())
    .option('--search-over <number>', 'how many tools are many', wholeNumber(1, 10_000))
    .action((name: string, options: CreateOptions) =>
      run(options, async (context) => (await load()).createCollection(context, name, options)),
    )
  collections
    .command('add')
    .description('put a deployment in, or change its prefix')
    .argument('<collection>', COLLECTION)
    .argument('<deployment>', DEPLOYMENT)
    .option('--prefix <text>', 'stands before the names of its tools and prompts; default: its slug')
    .action((id: string, deployment: string, options: MemberOptions) =>
      run(options, async (context) => (await load()).addMember(context, id, deployment, options)),
    )
  collections
    .command('remove')
    .description('take a deployment out; it stays as it is')
    .argument('<collection>', COLLECTION)
    .argument('<deployment>', DEPLOYMENT)
    .action((id: string, deployment: string, options: CommonOptions) =>
      run(options, async (context) => (await load()).removeMember(context, id, deployment)),
    )
  collections
    .command('settings')
    .description('change its name, how callers show who they are, and how tools are offered')
    .argument('<collection>', COLLECTION)
    .option('--name <text>', 'name for people')
    .addOption(
      new Option('--access <mode>', 'how callers show who they are; public lets everybody in').choices([
        'token',
        'oauth',
        'both',
        'public',
      ]),
    )
    .option('--origin <origin>', 'web page that may call, in place of the former; may be repeated', collect)
    .option('--no-origins', 'no web page but our own and those on localhost may call')
    .addOption(listing())
    .option('--search-over <number>', 'how many tools are many', wholeNumber(1, 10_000))
    .action((id: string, options: ChangeOptions) =>
      run(options, async (context) => (await load()).changeCollection(context, id, options)),
    )
  collections
    .command('delete')
    .description('delete a collection with its tokens; its members stay')
    .argument('<collection>', COLLECTION)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await load()).deleteCollection(context, id)),
    )
}
