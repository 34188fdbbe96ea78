// Deploys four real MCP servers, calls a tool on each with the official client, deletes them, and checks that nothing
// but installed packages is left. Run it with:
//
//   node scripts/run.mjs examples/first-light.ts
//
// It starts a Catwalk of its own in a temporary directory. With `--url ORIGIN` and CATWALK_API_KEY it uses one that
// runs already, and leaves out what only the machine of the server can tell.
import { parseArgs } from 'node:util'
import { startProgram, type Program } from '../test/support/program.ts'
import { createCatwalk, type Catwalk, type Deployed } from './support/catwalk.ts'
import { findLeftovers } from './support/leftovers.ts'
import { connectToCommand, connectToEndpoint, installedCommand, measureCalls } from './support/mcp.ts'
import { formatMs, formatRows, timed } from './support/timing.ts'

interface Example {
  readonly packageName: string
  /** As typed after `catwalk deploy SOURCE`. */
  readonly options: readonly string[]
  /** Variables, which `--env NAME` takes from here so that they do not show in the process list. */
  readonly variables: Readonly<Record<string, string>>
  readonly tool: string
  readonly arguments: Readonly<Record<string, unknown>>
  /** What the answer must contain. */
  readonly answer: string
}

const EXAMPLES: readonly Example[] = [
  {
    packageName: '@modelcontextprotocol/server-everything',
    options: [],
    variables: {},
    tool: 'echo',
    arguments: { message: 'first light' },
    answer: 'first light',
  },
  {
    // Its argument is the directory that it may use; `.` is its home, which it keeps as long as the deployment exists.
    packageName: '@modelcontextprotocol/server-filesystem',
    options: ['--arg', '.'],
    variables: {},
    tool: 'write_file',
    arguments: { path: 'note.txt', content: 'first light' },
    answer: 'Successfully wrote',
  },
  {
    // Would keep its file among the package's own, which nobody may change.
    packageName: '@modelcontextprotocol/server-memory',
    options: ['--network', 'none'],
    variables: { MEMORY_FILE_PATH: '/home/server/memory.jsonl' },
    tool: 'create_entities',
    arguments: { entities: [{ name: 'Catwalk', entityType: 'program', observations: ['is up'] }] },
    answer: 'Catwalk',
  },
  {
    // Ends at once without a key. This one opens nothing, so the tool answers that it cannot get through.
    packageName: 'airtable-mcp-server',
    options: ['--network', 'none'],
    variables: { AIRTABLE_API_KEY: 'pat123.example' },
    tool: 'list_bases',
    arguments: {},
    answer: 'fetch failed',
  },
]

const { values: flags } = parseArgs({ options: { url: { type: 'string' } } })
if (flags.url !== undefined) {
  await demonstrateAll(createCatwalk(['--url', flags.url]), null)
} else {
  await using program = await startProgram()
  await demonstrateAll(createCatwalk(['--data-dir', program.dataDir]), program)
  const leftovers = await findLeftovers(program)
  if (leftovers.length > 0) throw new Error(`Left behind:\n${leftovers.join('\n')}`)
  say('Left behind: nothing but installed packages.')
}

async function demonstrateAll(catwalk: Catwalk, program: Program | null): Promise<void> {
  const rows: (readonly string[])[] = []
  for (const example of EXAMPLES) {
    say(example.packageName)
    rows.push([example.packageName, ...(await demonstrate(catwalk, program, example))])
  }
  const remaining = await catwalk.list()
  if (remaining.length > 0 && program !== null) throw new Error(`Still listed: ${remaining.join(', ')}`)
  const heading = ['', 'deploy, cold', 'deploy, warm', 'call p50', 'call p50, bare stdio']
  say(`\n${formatRows([heading, ...rows])}\n`)
}

async function demonstrate(
  catwalk: Catwalk,
  program: Program | null,
  example: Example,
): Promise<readonly string[]> {
  const deploy = () => catwalk.deploy(`npm:${example.packageName}`, example.options, example.variables)

  const cold = await timed(deploy)
  const call = await callThroughEndpoint(cold.result, example)
  await catwalk.remove(cold.result.slug)

  // The same again: the package is in the store by now.
  const warm = await timed(deploy)
  await catwalk.remove(warm.result.slug)

  const bare = program === null ? null : await callBare(program, example)
  return [formatMs(cold.ms), formatMs(warm.ms), formatMs(call), bare === null ? '-' : formatMs(bare)]
}

/** Calls the tool through the endpoint as any MCP client does. Returns the median time in milliseconds. */
async function callThroughEndpoint({ endpoint, token }: Deployed, example: Example): Promise<number> {
  await using client = await connectToEndpoint(endpoint, token)
  const answer = JSON.stringify(await client.callTool(example.tool, example.arguments))
  if (!answer.includes(example.answer)) throw new Error(`${example.tool} answered ${answer}`)
  say(`  ${example.tool} answered ${answer.slice(0, 90)}`)
  return await measureCalls(client, example.tool, example.arguments)
}

/** The same calls to the same server as a child process, without Catwalk in between. */
async function callBare(
  program: Program,
  { packageName, options, variables, tool, ...example }: Example,
): Promise<number> {
  const script = await installedCommand(program.dataDir, packageName)
  const args = options.flatMap((option, index) => (options[index - 1] === '--arg' ? [option] : []))
  await using client = await connectToCommand(script, args, variables)
  return await measureCalls(client, tool, example.arguments)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
