import { expect, test } from 'vitest'
import type { Snapshot } from '../domain/index.ts'
import { mergeProgram, type MergedProgram } from './merge.ts'
import { readSnapshot } from './read-snapshot.ts'

const MANIFEST = JSON.stringify({ name: 'notes-mcp', version: '1.0.0', bin: 'index.js' })
const SDK = `import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'\n`
const PYTHON = '[project]\nname = "notes"\nversion = "1"\n[project.scripts]\nnotes = "notes:main"\n'

function merged(files: Readonly<Record<string, string>>): MergedProgram {
  const snapshot: Snapshot = {
    directory: '',
    commit: null,
    path: '',
    files: new Map(Object.entries(files).map(([path, text]) => [path, { path, bytes: text.length }])),
    text: (path) => files[path] ?? null,
  }
  const [program] = readSnapshot(snapshot).programs
  if (program === undefined) throw new Error('No program was found.')
  return mergeProgram(program)
}

const javascript = (code: string, readme = ''): MergedProgram =>
  merged({
    'package.json': MANIFEST,
    'index.js': SDK + code,
    ...(readme === '' ? {} : { 'README.md': readme }),
  })
const python = (code: string): MergedProgram =>
  merged({
    'pyproject.toml': PYTHON,
    'notes.py': `from mcp.server.fastmcp import FastMCP\nimport os, sys\n${code}`,
  })
const requiredOf = (program: MergedProgram): readonly string[] =>
  program.env.filter((variable) => variable.required).map((variable) => variable.name)

test('what a minifier makes of a check is still a check', () => {
  const program = javascript(
    `const a=process.env.NOTES_URL,b=process.env.NOTES_USER;a||(console.error("no"),process.exit(1)),!b&&process.exit(1)`,
  )
  expect(requiredOf(program).toSorted()).toEqual(['NOTES_URL', 'NOTES_USER'])
})

test('a function that returns nothing without them passes its demand on to who checks its result', () => {
  const program = javascript(`
    function fromParts() {
      const host = process.env.NOTES_HOST, user = process.env.NOTES_USER
      if (!host || !user) return null
      return { host, user }
    }
    function resolveTarget(flags) {
      if (flags.url) return { url: flags.url }
      if (process.env.NOTES_URL) return { url: process.env.NOTES_URL }
      const parts = fromParts()
      if (parts) return parts
      return null
    }
    const target = resolveTarget({})
    if (!target) { console.error('Nothing to connect to'); process.exit(1) }`)
  expect(program.requiredOneOf).toEqual([[['NOTES_URL'], ['NOTES_HOST', 'NOTES_USER']]])
  expect(requiredOf(program)).toEqual([])
})

test('a message that is shown when something is missing says what it is', () => {
  const one = javascript(`
    const client = makeClient({ code: [process.env.NOTES_SECRET_CODE] })
    if (!client) throw new Error('NOTES_SECRET_CODE environment variable is required')`)
  expect(requiredOf(one)).toEqual(['NOTES_SECRET_CODE'])
  const other = javascript(`
    const client = makeClient({ codes: [process.env.NOTES_CODE_A, process.env.NOTES_CODE_B] })
    if (!client) throw new Error('Please set NOTES_CODE_A or NOTES_CODE_B')`)
  expect(other.requiredOneOf).toEqual([[['NOTES_CODE_A'], ['NOTES_CODE_B']]])
})

test('a switch is never required, and what a document calls optional is not, whatever one tool demands', () => {
  const program = javascript(
    `if (!process.env.NOTES_ALLOW_WRITES) throw new Error('not allowed')
     function tool() { if (!process.env.NOTES_EXTRA_KEY) throw new Error('no key') }`,
    '## Configuration\n\n- `NOTES_EXTRA_KEY` (optional): for the extra tool\n',
  )
  expect(requiredOf(program)).toEqual([])
})

test('required for one tool by its name, or by a column that says for what, is not required', () => {
  const program = javascript(
    `export const a = process.env.NOTES_RENDER_KEY, b = process.env.NOTES_SESSION, c = process.env.NOTES_CLIENT_ID, d = process.env.NOTES_CLIENT_SECRET`,
    [
      '- `NOTES_RENDER_KEY` (required for `renderNote`): the other tools work without it',
      '',
      '| Variable | Required For | Description |',
      '|---|---|---|',
      '| `NOTES_SESSION` | Personal notes | Session |',
      '| `NOTES_CLIENT_ID` | Team notes | Id |',
      '| `NOTES_CLIENT_SECRET` | Team notes | Secret |',
    ].join('\n'),
  )
  expect(requiredOf(program)).toEqual([])
  expect(program.requiredOneOf).toEqual([[['NOTES_SESSION'], ['NOTES_CLIENT_ID', 'NOTES_CLIENT_SECRET']]])
})

test('ways to sign in that a document numbers are alternatives; ways to install are not', () => {
  const code = `export const a = process.env.NOTES_TOKEN, b = process.env.NOTES_USER, c = process.env.NOTES_PASSWORD`
  const signIn = javascript(
    code,
    '## Sign in\n\n### Option 1: a token\n\n```bash\nNOTES_TOKEN=x\n```\n\n### Option 2: a password\n\n```bash\nNOTES_USER=x\nNOTES_PASSWORD=x\n```\n',
  )
  expect(signIn.requiredOneOf).toEqual([[['NOTES_TOKEN'], ['NOTES_USER', 'NOTES_PASSWORD']]])
  const install = javascript(
    code,
    '## Install\n\n### Option 1: npx\n\n```bash\nNOTES_TOKEN=x npx notes\n```\n\n### Option 2: Docker\n\n```bash\nNOTES_TOKEN=x docker run notes\n```\n',
  )
  expect(install.requiredOneOf).toEqual([])
  const sample = merged({
    'package.json': MANIFEST,
    'index.js': SDK + code,
    '.env.example':
      '# --- METHOD 1: token ---\nNOTES_TOKEN=x\n\n# --- METHOD 2: password ---\n#NOTES_USER=x\n#NOTES_PASSWORD=x\n',
  })
  expect(sample.requiredOneOf).toEqual([[['NOTES_TOKEN'], ['NOTES_USER', 'NOTES_PASSWORD']]])
})

test('a comment above a paragraph of a sample is said of all its lines', () => {
  const program = merged({
    'package.json': MANIFEST,
    'index.js': `${SDK}export const a = process.env.NOTES_ID, b = process.env.NOTES_CODE, c = process.env.NOTES_LEVEL`,
    '.env.example':
      '# These are required to authenticate\nNOTES_ID=your_id\nNOTES_CODE=your_code\n\n# How much is logged\nNOTES_LEVEL=info\n',
  })
  expect(requiredOf(program).toSorted()).toEqual(['NOTES_CODE', 'NOTES_ID'])
})

test('checks of Python are read in all their forms', () => {
  expect(
    requiredOf(
      python(`
class Client:
    def __init__(self):
        self.token = os.getenv("NOTES_TOKEN")
        if not self.token:
            raise ValueError("no token")
url = os.environ.get("NOTES_URL")
user = os.environ.get("NOTES_USER")
if (
    not url
    or not user
):
    print("incomplete")
    sys.exit(1)
REQUIRED = ["NOTES_ONE", "NOTES_TWO"]
missing = [name for name in REQUIRED if not os.getenv(name)]
level = os.getenv("NOTES_LEVEL", "info")
if not level:
    raise ValueError("never")
`),
    ).toSorted(),
  ).toEqual(['NOTES_ONE', 'NOTES_TOKEN', 'NOTES_TWO', 'NOTES_URL', 'NOTES_USER'])
  expect(
    python(`
key = os.getenv("NOTES_KEY")
if not key and not os.getenv("NOTES_LOGIN"):
    raise RuntimeError("sign in")
`).requiredOneOf,
  ).toEqual([[['NOTES_KEY'], ['NOTES_LOGIN']]])
})

test('a settings class says what has a default over several lines, and its documentation is no field', () => {
  const program = python(`
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    """
    Returns: the settings
    """
    token: str = Field(
        validation_alias="NOTES_TOKEN",
    )
    words: str = Field(
        default=DEFAULT_WORDS,
        validation_alias="NOTES_WORDS",
    )
    def path(self):
        try: str = 1
`)
  expect(requiredOf(program)).toEqual(['NOTES_TOKEN'])
  expect(program.env.map(({ name }) => name).toSorted()).toEqual(['NOTES_TOKEN', 'NOTES_WORDS'])
})

test('a flag that the code ends without is required, and so is a word that every document gives', () => {
  const flags = javascript(
    `import { parseArgs as p } from 'node:util'; let {values:{apiUrl:e,schema:r}}=p({options:{apiUrl:{type:"string"},schema:{type:"string"}}}); e||(console.error("x"),process.exit(1)),r||(console.error("y"),process.exit(1))`,
    '```json\n{"mcpServers":{"n":{"command":"npx","args":["-y","notes-mcp","--apiUrl","https://example.com","--schema","public"]}}}\n```',
  )
  expect(flags.arguments.filter((one) => one.required).map((one) => one.name)).toEqual([
    '--apiUrl',
    '--schema',
  ])
  const word = javascript(
    `const path = process.argv[2] || 'notes.db'`,
    '```json\n{"mcpServers":{"n":{"command":"npx","args":["-y","notes-mcp","<path-to-your-notes>"]}}}\n```',
  )
  expect(word.arguments.map(({ position, required }) => ({ position, required }))).toEqual([
    { position: 0, required: true },
  ])
})

test('what has another way beside it is not required, and what fails in the other way is', () => {
  const program = javascript(`
    if (process.env.NOTES_USER || process.env.NOTES_DOMAIN) signIn(process.env.NOTES_USER)
    else if (process.env.NOTES_FILE) read(process.env.NOTES_FILE)
    else useDefaults()
    if (process.env.NOTES_KEY) use(process.env.NOTES_KEY)
    else throw new Error('no key')`)
  expect(requiredOf(program)).toEqual(['NOTES_KEY'])
})

test('what a document calls required for one way to run it is not required', () => {
  const program = javascript(
    `const a = process.env.NOTES_ISSUER, b = process.env.NOTES_TOKEN`,
    '| Variable | Description |\n|---|---|\n| `NOTES_ISSUER` | Required for `oauth` auth. |\n' +
      '| `NOTES_TOKEN` | Required. Your token. |\n',
  )
  expect(requiredOf(program)).toEqual(['NOTES_TOKEN'])
})

const config = (...args: readonly string[]): string =>
  '```json\n' +
  JSON.stringify({ mcpServers: { notes: { command: 'npx', args: ['-y', 'notes-mcp', ...args] } } }) +
  '\n```\n'
const argumentsOf = (program: MergedProgram): Record<string, boolean> =>
  Object.fromEntries(program.arguments.map(({ name, required }) => [name, required]))

test('a line for a terminal that does something else asks nothing of a server that is configured without', () => {
  const program = javascript(
    '',
    '```sh\nnpx notes-mcp get --path /notes/1\nnpx notes-mcp get --path /notes/2\n```\n' + config(),
  )
  expect(program.launch.args).toEqual([])
  expect(argumentsOf(program)).toEqual({})
})

test('an option of a sub-command is asked for only where that is what is started', () => {
  const code = `
    program.command('serve').requiredOption('--vault <path>', 'where the notes are').action(serve)
    const post = program.command('post')
    post.requiredOption('--body <json>', 'what to post')
    yargs.command('get', 'gets one', (y) => y.option('id', { demandOption: true }))`
  expect(argumentsOf(javascript(code, config('serve', '--vault', '/path/to/vault')))).toEqual({
    '--vault': true,
  })
  expect(argumentsOf(javascript(code, config()))).toEqual({})
})

test('of arguments that take the place of each other none is required', () => {
  const program = javascript(
    '',
    config('/path/to/notes.db') +
      config('--server', 'your-server', '--database', 'your-database') +
      config('--host', 'your-host', '--database', 'your-database'),
  )
  expect(argumentsOf(program)['--database']).toBe(false)
  const everywhere = javascript('', config('--database', 'your-database') + config('--database', 'your-db'))
  expect(argumentsOf(everywhere)).toEqual({ '--database': true })
})

test('a flag that hands on a variable which the code reads as well is not required', () => {
  const readme = '```sh\nnpx notes-mcp --config ${NOTES_TOKEN}\n```\n' + config('--config', 'your_token')
  expect(argumentsOf(javascript('login(process.env.NOTES_TOKEN)', readme))).toEqual({ '--config': false })
  const named = config('--key', 'NOTES_SECRET')
  expect(argumentsOf(javascript('login(process.env.NOTES_SECRET)', named))).toEqual({ '--key': false })
  expect(argumentsOf(javascript('', readme))).toEqual({ '--config': true })
})

test('each of a list that is gone through is required', () => {
  const all = javascript(`
    const NAMES = ['NOTES_URL', 'NOTES_USER']
    for (const name of NAMES) if (!process.env[name]) { console.error('Missing ' + name); process.exit(1) }`)
  expect(requiredOf(all).toSorted()).toEqual(['NOTES_URL', 'NOTES_USER'])
  expect(all.requiredOneOf).toEqual([])
})

test('what is left alone when it is missing is not required by a later check of its form', () => {
  const program = javascript(`
    function port() {
      const given = process.env.NOTES_METRICS_PORT
      if (!given) return 9464
      if (!Number.isInteger(Number(given))) throw new Error('Invalid NOTES_METRICS_PORT')
      return Number(given)
    }`)
  expect(requiredOf(program)).toEqual([])
})

test('a getter is what it returns', () => {
  const program = javascript(`
    class Api {
      static get token() { return process.env.NOTES_TOKEN }
      run(own) {
        const token = own || Api.token
        if (!token) throw new Error('no token')
      }
    }`)
  expect(requiredOf(program)).toEqual(['NOTES_TOKEN'])
})

test('what turns a mode on is not required, and nothing that is for that mode', () => {
  const program = javascript(
    'const a = [process.env.NOTES_REMOTE, process.env.NOTES_REMOTE_URL, process.env.NOTES_TOKEN]',
    '| Variable | Required | Description |\n|---|---|---|\n' +
      '| `NOTES_REMOTE` | ✅ | Set to `true` to enable |\n| `NOTES_REMOTE_URL` | ✅ | Its address |\n\n' +
      '## Settings\n\n| Variable | Required | Description |\n|---|---|---|\n| `NOTES_TOKEN` | ✅ | Your token |\n',
  )
  expect(requiredOf(program)).toEqual(['NOTES_TOKEN'])
})

test('a sample for the HTTP mode asks nothing of what is started over stdio', () => {
  const program = merged({
    'package.json': MANIFEST,
    'index.js': `${SDK}use(process.env.NOTES_PASS, process.env.NOTES_WORD)`,
    '.env.example':
      '# Authentication token for HTTP mode (REQUIRED)\nNOTES_PASS=your-token-here\n\n# Required\nNOTES_WORD=your-word\n',
  })
  expect(requiredOf(program)).toEqual(['NOTES_WORD'])
})

test('what only code asks for is not required where a configuration starts it without', () => {
  const code = `function sign() { if (!process.env.STORE_SECRET) throw new Error('no secret') }`
  expect(requiredOf(javascript(code))).toEqual(['STORE_SECRET'])
  expect(requiredOf(javascript(code, config()))).toEqual([])
})

test('flags of a document that the code does not read are not asked for', () => {
  const readme = '| Option | Description |\n|---|---|\n| `--scope` | user or project |\n'
  expect(argumentsOf(javascript('', readme))).toEqual({})
  const reads = `if (process.argv.includes('--scope')) scoped()`
  expect(Object.keys(argumentsOf(javascript(reads, readme)))).toEqual(['--scope'])
})

test('what lies in a folder of what others wrote is not read as its own', () => {
  const program = merged({
    'package.json': MANIFEST,
    'index.js': `${SDK}import './third_party/library.js'\nuse(process.env.NOTES_TOKEN)`,
    'third_party/library.js': `if (process.env.LIBRARY_COLOURS) colour(process.argv.indexOf('--colour'))`,
  })
  expect(program.env.map(({ name }) => name)).toEqual(['NOTES_TOKEN'])
  expect(argumentsOf(program)).toEqual({})
})

test('a word that chooses the transport is not asked for', () => {
  const program = javascript(
    `const args = process.argv.slice(2); const script = args[0] || 'stdio'; run(script)`,
  )
  expect(argumentsOf(program)).toEqual({})
})

test('a proxy that is configured without naming a server offers what its own service does', () => {
  const proxy = `import { Client } from '@modelcontextprotocol/sdk/client/index.js'
    import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
    bridge(new Client({}), new StdioServerTransport(), 'https://mcp.notes.example')`
  const files = (readme: string) => ({ 'package.json': MANIFEST, 'index.js': proxy, 'README.md': readme })
  expect(merged(files(config('--tools=all'))).notAServer).toBeNull()
  expect(merged(files(config('https://example.com/mcp'))).notAServer).toMatch(/connects MCP clients/)
  expect(merged(files('')).notAServer).toMatch(/connects MCP clients/)
})

test('a package.json that only says how files are to be taken is no package', () => {
  const program = merged({
    'dist/package.json': '{"type":"commonjs"}',
    'dist/index.js': SDK,
    'package.json': MANIFEST,
    'index.js': SDK,
  })
  expect(program.reading.project.name).toBe('notes-mcp')
})

test('what puts any server behind itself and a library are no servers', () => {
  const both = `import { Client } from '@modelcontextprotocol/sdk/client/index.js'
    import { Server } from '@modelcontextprotocol/sdk/server/index.js'
    new Server({}).setRequestHandler(ListToolsRequestSchema, (request) => new Client({}).request(request))`
  const shell = (line: string) => ({
    'package.json': MANIFEST,
    'index.js': both,
    'README.md': `\`\`\`sh\n${line}\n\`\`\`\n`,
  })
  expect(merged(shell('npx notes-mcp --port 8080 npx other-server')).notAServer).toMatch(/connects MCP/)
  expect(merged(shell('npx notes-mcp --dsn postgres://localhost/notes')).notAServer).toBeNull()
  const library = { name: 'notes-mcp', version: '1.0.0', main: 'index.js', types: 'index.d.ts' }
  const files = { 'package.json': JSON.stringify(library), 'index.js': SDK }
  expect(merged(files).notAServer).toMatch(/library/)
  expect(merged({ ...files, 'README.md': config() }).notAServer).toBeNull()
})

test('a value that says that it is optional is asked of nobody, and neither is what a sample calls so', () => {
  const program = javascript(
    '',
    `## Use\n\n\`\`\`json\n{"mcpServers":{"notes":{"command":"npx","args":["-y","notes-mcp"],"env":{
      "NOTES_API_KEY":"<your-key>","NOTES_MODE":"<optional, [url|local]>","NOTES_DIR":"<local dir>"}}}}
\`\`\`\n\n## Settings\n\n\`\`\`bash\n# Where files go (optional, defaults to the desktop)\nNOTES_DIR=~/Desktop\n\`\`\`\n`,
  )
  expect(requiredOf(program)).toEqual(['NOTES_API_KEY'])
})

test('a footnote of a column takes its word back', () => {
  const program = javascript(
    `const a = [process.env.NOTES_TOKEN, process.env.NOTES_PASSWORD ?? '']`,
    `## Environment variables\n\n| Variable | Description | Required |\n| --- | --- | --- |\n| \`NOTES_TOKEN\` | Token | ✅ Yes\\* |\n| \`NOTES_PASSWORD\` | Password | ✅ Yes\\* |\n\n\\*One way to sign in is needed.\n`,
  )
  expect(requiredOf(program)).toEqual([])
  expect(program.requiredOneOf).toEqual([[['NOTES_TOKEN'], ['NOTES_PASSWORD']]])
})

test('what a message demands for some tools, or for a flag, is not required', () => {
  const program = javascript(`
    function organisation() {
      if (!process.env.NOTES_ORGANISATION_TOKEN)
        throw new Error('NOTES_ORGANISATION_TOKEN environment variable is required for organization tools')
    }
    function links(enabled, env = process.env) {
      if (!enabled) return null
      const base = env.NOTES_LINK_BASE ?? ''
      if (!base) throw new Error('--enable-links requires NOTES_LINK_BASE')
      return base
    }
    links(process.argv.includes('--enable-links'))
    if (!process.env.NOTES_API_KEY) throw new Error('NOTES_API_KEY is required')`)
  expect(requiredOf(program)).toEqual(['NOTES_API_KEY'])
})

test('each of several checked ways to sign in is an alternative, the first by a file as well', () => {
  const program = javascript(
    `function validate() {
      const hasFile = !!process.env.GOOGLE_APPLICATION_CREDENTIALS
      const hasJson = !!process.env.GOOGLE_SERVICE_ACCOUNT_KEY
      const hasParts = !!process.env.GOOGLE_PRIVATE_KEY && !!process.env.GOOGLE_CLIENT_EMAIL
      if (!hasFile && !hasJson && !hasParts) {
        throw new Error('No authentication method provided. Please set one of: GOOGLE_APPLICATION_CREDENTIALS, GOOGLE_SERVICE_ACCOUNT_KEY, GOOGLE_PRIVATE_KEY and GOOGLE_CLIENT_EMAIL')
      }
      if (!hasFile && !hasJson && hasParts) {
        if (!process.env.GOOGLE_PRIVATE_KEY) throw new Error('GOOGLE_PRIVATE_KEY is required')
      }
    }
    validate()`,
    'Set `GOOGLE_APPLICATION_CREDENTIALS`.\n',
  )
  expect(program.requiredOneOf).toEqual([
    [
      ['GOOGLE_APPLICATION_CREDENTIALS'],
      ['GOOGLE_SERVICE_ACCOUNT_KEY'],
      ['GOOGLE_PRIVATE_KEY', 'GOOGLE_CLIENT_EMAIL'],
    ],
  ])
})

test('what the code only hands on when it is there is not required, whatever a configuration shows', () => {
  const program = javascript(
    `const user = process.env.NOTES_USER
     const options = {}
     if (user) options.user = user
     const path = process.env.NOTES_PATH ?? process.env.PATH_OF_NOTES
     if (path) options.path = path
     const key = process.env.NOTES_API_KEY
     fetch('https://notes.example', { headers: { authorization: key } })`,
    `\`\`\`json\n{"mcpServers":{"notes":{"command":"npx","args":["-y","notes-mcp"],"env":{"NOTES_USER":"your_user","NOTES_API_KEY":"your_key"}}}}\n\`\`\`\n`,
  )
  expect(requiredOf(program)).toEqual(['NOTES_API_KEY'])
  expect(program.requiredOneOf).toEqual([])
})

test('the same alternatives are told once, in whatever order they were found', () => {
  const program = javascript(`
    function one() { if (!process.env.NOTES_A_TOKEN && !process.env.NOTES_B_TOKEN) throw new Error('none') }
    function other() { if (!process.env.NOTES_B_TOKEN && !process.env.NOTES_A_TOKEN) throw new Error('none') }`)
  expect(program.requiredOneOf).toHaveLength(1)
})

test('names of tools and of errors in a list are no variables', () => {
  const program = javascript(
    `const key = process.env.NOTES_API_KEY`,
    '## Available Tools\n\n- `GET_ASSET` - Get an asset\n- `DEPLOY_TOKEN` - Deploy\n\n## Error Handling\n\n- `VALIDATION_ERROR`: bad input\n\n## Configuration\n\n- `NOTES_REGION`: where\n',
  )
  expect(program.env.map(({ name }) => name).toSorted()).toEqual(['NOTES_API_KEY', 'NOTES_REGION'])
})

test('a default is a value, not words about one', () => {
  const program = javascript(
    `for (const name of [process.env.NOTES_A_HOST, process.env.NOTES_B_MODE, process.env.NOTES_C_FROM, process.env.NOTES_D_PORT, process.env.NOTES_E_ORG, process.env.NOTES_F_URL, process.env.NOTES_G_PAGES]) use(name)`,
    [
      '## Configuration\n',
      '- `NOTES_A_HOST`: bound to (defaults to the host of the machine)',
      '- `NOTES_B_MODE`: how it looks (default: `plain`)',
      '- `NOTES_C_FROM`: Default sender address',
      '- `NOTES_D_PORT`: defaults to 3000 if unset',
      '- `NOTES_G_PAGES`: pages at most (default `100`)\n',
      '| Variable | Description | Default |\n| --- | --- | --- |',
      '| `NOTES_E_ORG` | Organisation | not specified |',
      '| `NOTES_F_URL` | Address | `https://notes.example` |\n',
    ].join('\n'),
  )
  expect(Object.fromEntries(program.env.map(({ name, default: value }) => [name, value]))).toEqual({
    NOTES_A_HOST: null,
    NOTES_B_MODE: 'plain',
    NOTES_C_FROM: null,
    NOTES_D_PORT: '3000',
    NOTES_E_ORG: null,
    NOTES_F_URL: 'https://notes.example',
    NOTES_G_PAGES: '100',
  })
})

test('both words of a start of two words belong to it', () => {
  const program = javascript(
    '',
    `\`\`\`json\n{"mcpServers":{"notes":{"command":"npx","args":["-y","notes-mcp","server","start"]}}}\n\`\`\`\n`,
  )
  expect(program.launch.args).toEqual(['server', 'start'])
  expect(program.arguments).toEqual([])
})

test('a word that is compared with those of other commands is no argument', () => {
  const program = javascript(`if (process.argv[2] === 'auth') signIn(); else serve()`)
  expect(program.arguments).toEqual([])
})

const verdictOn = (code: string, description: string): string | null =>
  merged({
    'package.json': JSON.stringify({ name: 'notes', version: '1.0.0', bin: 'index.js', description }),
    'index.js': code,
  }).notAServer

test('a package that hands its streams over to a program that it brings along is the server that it says it is', () => {
  const start = `const { spawn } = require('child_process'); const path = binaryOf(process.platform); spawn(path, process.argv.slice(2), { stdio: 'inherit' })`
  expect(verdictOn(start, 'Model Context Protocol (MCP) server for notes')).toBeNull()
  expect(verdictOn(start, 'Notes for everybody')).not.toBeNull()
  expect(verdictOn(start.replace('spawn(path', `spawn('notes'`), 'MCP server for notes')).not.toBeNull()
})

test('a package whose executable was left out of it is a library', () => {
  const program = merged({
    'package.json': JSON.stringify({
      name: 'notes-mcp',
      version: '1.0.0',
      bin: './dist/cli.js',
      exports: { '.': './dist/index.js' },
    }),
    'dist/index.js': SDK,
  })
  expect(program.notAServer).toContain('library')
})

test('a line above a list says of all its items whether they are required', () => {
  const program = javascript(
    'for (const name of [process.env.NOTES_ID, process.env.NOTES_FROM]) use(name)',
    'Intro.\n\n**Required:**\n\n- `NOTES_ID` - The notebook\n\n**Optional (or given with a call):**\n\n- `NOTES_FROM` - Default sender\n',
  )
  expect(requiredOf(program)).toEqual(['NOTES_ID'])
})

test('what fails only where one of two was given asks for neither', () => {
  const program = javascript(`
    const path = process.env.NOTES_SOURCE_PATH ?? process.env.SOURCE_PATH
    const config = {}
    if (path) config.sourcePath = path
    function find() {
      const value = config.sourcePath
      if (!value) return null
      const folder = resolve(value)
      if (!isDirectory(folder)) throw new Error('not a directory: ' + folder)
      return folder
    }
    find()`)
  expect(program.requiredOneOf).toEqual([])
  expect(requiredOf(program)).toEqual([])
})

test('what a flag may be set to is no variable, and the flag is asked for', () => {
  const program = javascript(
    '',
    [
      '| Flag | Description | Required? |\n| --- | --- | --- |\n| `--books` | Which notebooks | Yes |\n',
      '| --books Value | Description |\n| --- | --- |\n| `ALLOW_ALL_BOOKS` | All |\n| `DEFAULT_BOOK` | The first |\n',
      `\`\`\`json\n{"mcpServers":{"notes":{"command":"npx","args":["-y","notes-mcp","--books","DEFAULT_BOOK"]}}}\n\`\`\`\n`,
    ].join('\n'),
  )
  expect(program.env).toEqual([])
  expect(program.arguments).toMatchObject([{ name: '--books', required: true }])
})
