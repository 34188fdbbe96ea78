import { expect, test } from 'vitest'
import type { Snapshot } from '../domain/index.ts'
import { mergeProgram, type MergedProgram } from './merge.ts'
import { readSnapshot } from './read-snapshot.ts'

const MANIFEST = JSON.stringify({ name: 'notes-mcp', version: '1.0.0', bin: 'index.js' })
const SERVER = `import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'\nnew McpServer({ name: 'n', version: '1' })`

function programs(files: Readonly<Record<string, string>>, path = ''): readonly MergedProgram[] {
  const snapshot: Snapshot = {
    directory: '',
    commit: null,
    path,
    files: new Map(Object.entries(files).map(([name, text]) => [name, { path: name, bytes: text.length }])),
    text: (name) => files[name] ?? null,
  }
  return readSnapshot(snapshot).programs.map((program) => mergeProgram(program))
}
const withFile = (path: string, text: string): MergedProgram => {
  const [program] = programs({ 'package.json': MANIFEST, 'index.js': SERVER, [path]: text })
  if (program === undefined) throw new Error('No program was found.')
  return program
}
const configuration = {
  command: 'npx',
  args: ['-y', 'notes-mcp', 'stdio'],
  env: { NOTES_TOKEN: '<your token>' },
}

test('install buttons of VS Code carry a configuration, with what it asks the user for', () => {
  const written = {
    name: 'notes',
    ...configuration,
    env: { NOTES_TOKEN: '${input:token}' },
    inputs: [{ type: 'promptString', id: 'token', description: 'Your token for notes', password: true }],
  }
  for (const link of [
    `https://insiders.vscode.dev/redirect/mcp/install?name=notes&config=${encodeURIComponent(JSON.stringify(written))}`,
    `https://vscode.dev/redirect?url=${encodeURIComponent(`vscode:mcp/install?${encodeURIComponent(JSON.stringify(written))}`)}`,
  ]) {
    const program = withFile(
      'README.md',
      `# Notes\n\n[![Install in VS Code](https://img.shields.io/badge/x)](${link})\n`,
    )
    expect(program.launch.args).toEqual(['stdio'])
    expect(program.env).toMatchObject([
      { name: 'NOTES_TOKEN', required: true, secret: true, description: 'Your token for notes' },
    ])
    expect(program.env[0]?.evidence).toContainEqual({ file: 'README.md', line: 3, reader: 'install-button' })
  }
})

test('install buttons of Cursor carry a configuration in base64', () => {
  const config = encodeURIComponent(Buffer.from(JSON.stringify(configuration)).toString('base64'))
  for (const link of [
    `https://cursor.com/en/install-mcp?name=notes&config=${config}`,
    `cursor://anysphere.cursor-deeplink/mcp/install?name=notes&config=${config}`,
  ]) {
    const program = withFile('README.md', `[Add to Cursor](${link})\n`)
    expect(program.launch.args).toEqual(['stdio'])
    expect(program.env).toMatchObject([{ name: 'NOTES_TOKEN', required: true, secret: true }])
  }
})

test('a button that carries no configuration, or a broken one, changes nothing', () => {
  const program = withFile(
    'README.md',
    '[x](https://cursor.com/install-mcp?name=a&config=%E0%A4%A) [y](vscode:mcp/install?{not json}) [z](https://vscode.dev/redirect?url=x)\n',
  )
  expect(program).toMatchObject({ env: [], launch: { args: [] } })
})

test('smithery.yaml says which values are asked for, and its function is not run', () => {
  const program = withFile(
    'smithery.yaml',
    `startCommand:
  type: stdio
  configSchema:
    type: object
    required: [notesToken]
    properties:
      notesToken: { type: string, description: Token of your account }
      level: { type: string, default: info, enum: [info, debug] }
  commandFunction: |-
    (config) => { globalThis.ran = true; return { command: 'node', args: ['index.js'], env: { NOTES_TOKEN: config.notesToken, NOTES_LEVEL: config.level } } }
`,
  )
  expect(program.env).toMatchObject([
    { name: 'NOTES_TOKEN', required: true, secret: true, description: 'Token of your account' },
    { name: 'NOTES_LEVEL', required: false, default: 'info', choices: ['info', 'debug'] },
  ])
  expect(program.env[0]?.evidence).toContainEqual({ file: 'smithery.yaml', line: 5, reader: 'smithery' })
  expect('ran' in globalThis).toBe(false)
})

test('a smithery.yaml that is not YAML, or expands without end, is left out', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...['b', 'c', 'd', 'e', 'f', 'g', 'h'].map(
      (name, i) =>
        `${name}: &${name} [${Array(9)
          .fill(`*${'abcdefgh'[i] ?? ''}`)
          .join(',')}]`,
    ),
  ]
  for (const text of ['startCommand: [', bomb.join('\n')])
    expect(withFile('smithery.yaml', text).env).toEqual([])
})

test('the manifest of an MCP bundle says what the user is asked for', () => {
  const program = withFile(
    'manifest.json',
    JSON.stringify({
      manifest_version: '0.2',
      name: 'notes',
      server: {
        type: 'node',
        mcp_config: {
          command: 'node',
          args: ['index.js', '--folder=${user_config.folder}', '${user_config.vault}'],
          env: { NOTES_TOKEN: '${user_config.token}', NOTES_MODE: 'bundle' },
        },
      },
      user_config: {
        token: {
          type: 'string',
          title: 'Token',
          description: 'From your settings',
          sensitive: true,
          required: true,
        },
        folder: { type: 'directory', required: true },
        vault: { type: 'string', required: false },
      },
      tools: [{ name: 'add_note', description: 'Adds a note' }],
    }),
  )
  expect(program.env).toMatchObject([
    { name: 'NOTES_TOKEN', required: true, secret: true, description: 'From your settings' },
    { name: 'NOTES_MODE', required: false, default: 'bundle' },
  ])
  expect(program.arguments).toMatchObject([
    { name: '--folder', position: null, required: true },
    { name: 'vault', position: 0, required: false },
  ])
  expect(program.tools).toEqual([{ name: 'add_note', description: 'Adds a note' }])
})

test('a manifest.json of something else says nothing', () => {
  expect(withFile('manifest.json', '{"name":"a web app","icons":[]}').env).toEqual([])
})

test('a program of Go is read: variables, flags, commands, tools, and what it ends without', () => {
  const [program] = programs({
    'go.mod': 'module github.com/acme/notes-mcp\n\nrequire (\n\tgithub.com/mark3labs/mcp-go v0.30.0\n)\n',
    'main.go': `package main
import "github.com/mark3labs/mcp-go/server"
var cmd = &cobra.Command{Use: "stdio"}
func main() {
	token := os.Getenv("NOTES_TOKEN")
	if token == "" {
		log.Fatal("NOTES_TOKEN must be set")
	}
	url := getEnvOr("NOTES_URL", "https://notes.example")
	flag.String("folder", "", "where notes are kept")
	s.AddTool(mcp.NewTool("add_note"), handler)
}`,
  })
  expect(program?.env).toMatchObject([
    { name: 'NOTES_TOKEN', required: true, secret: true },
    { name: 'NOTES_URL', required: false, default: 'https://notes.example' },
  ])
  expect(program?.arguments).toMatchObject([{ name: '--folder', required: false }])
  expect(program?.launch).toMatchObject({ package: { registry: 'git' }, args: ['stdio'] })
  expect(program?.tools.map(({ name }) => name)).toEqual(['add_note'])
})

test('every server of a repository with several is found, with its own variables', () => {
  const one = (name: string, variable: string): Readonly<Record<string, string>> => ({
    [`servers/${name}/package.json`]: JSON.stringify({
      name: `@acme/${name}-mcp`,
      version: '1.0.0',
      bin: 'index.js',
    }),
    [`servers/${name}/index.js`]: `${SERVER}\nconst value = process.env.${variable}\nif (!value) process.exit(1)`,
  })
  const files = {
    'package.json': JSON.stringify({ private: true, workspaces: ['servers/*'] }),
    ...one('mail', 'MAIL_TOKEN'),
    ...one('notes', 'NOTES_TOKEN'),
    'examples/demo/package.json': JSON.stringify({ name: 'demo-mcp', bin: 'index.js' }),
    'examples/demo/index.js': SERVER,
  }
  const found = programs(files).filter((program) => program.notAServer === null)
  expect(found.map(({ reading, env }) => [reading.project.folder, env.map(({ name }) => name)])).toEqual([
    ['servers/mail', ['MAIL_TOKEN']],
    ['servers/notes', ['NOTES_TOKEN']],
  ])
  expect(programs(files, 'servers/notes').map(({ reading }) => reading.project.folder)).toEqual([
    'servers/notes',
  ])
})

test('a source of 100,000 files is read within its limits', () => {
  const files = new Map<string, { path: string; bytes: number }>()
  const texts: Record<string, string> = { 'package.json': MANIFEST, 'index.js': SERVER }
  for (const [path, text] of Object.entries(texts)) files.set(path, { path, bytes: text.length })
  for (let i = 0; i < 100_000; i++) {
    const path = `packages/p${i % 1_000}/${i % 3 === 0 ? 'package.json' : `src/file-${i}.ts`}`
    files.set(path, { path, bytes: 30 })
  }
  let read = 0
  const snapshot: Snapshot = {
    directory: '',
    commit: null,
    path: '',
    files,
    text: (path) => {
      read++
      return texts[path] ?? '{"name":"x","main":"src/index.ts"}'
    },
  }
  const found = readSnapshot(snapshot).programs.map((program) => mergeProgram(program))
  expect(
    found.filter((program) => program.notAServer === null).map(({ reading }) => reading.project.name),
  ).toEqual(['notes-mcp'])
  expect(read).toBeLessThan(5_000)
})
