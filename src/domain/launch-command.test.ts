import { expect, test } from 'vitest'
import { argumentCredential, launchCommand } from './launch-command.ts'
import type { LaunchSpec, VariableDeclaration } from './launch-spec.ts'
import { Secret } from './secret.ts'

const PROGRAM = ['/bin/node', '--flag', '/package/server.js']
const spec: LaunchSpec = {
  package: { kind: 'npm', name: 'x', version: '1.0.0', integrity: 'sha512-x', executable: 'x' },
  args: [],
  variables: [],
  transport: { kind: 'stdio' },
}

function variable(name: string, more: Partial<VariableDeclaration> = {}): VariableDeclaration {
  return { name, description: null, required: true, secret: true, default: null, ...more }
}

function secrets(values: Readonly<Record<string, string>>): Map<string, Secret> {
  return new Map(Object.entries(values).map(([name, value]) => [name, new Secret(value)]))
}

test('what the analysis starts it with comes before what the user adds, each to the letter', () => {
  const { argv } = launchCommand(
    { ...spec, args: ['start', '--stdio'], userArgs: ['--path=a b', '$HOME', '; rm -rf /', ''] },
    PROGRAM,
    new Map(),
    '/files',
  )
  expect(argv).toEqual([...PROGRAM, 'start', '--stdio', '--path=a b', '$HOME', '; rm -rf /', ''])
})

test('a release that an earlier version stored starts as it did', () => {
  const { argv } = launchCommand({ ...spec, args: ['/home/server'] }, PROGRAM, new Map(), '/files')
  expect(argv).toEqual([...PROGRAM, '/home/server'])
})

test('a secret argument is filled in, and is no environment variable', () => {
  const key = argumentCredential('--api-key')
  const command = launchCommand(
    {
      ...spec,
      args: ['start'],
      userArgs: ['--api-key', { prefix: '', credential: key }, { prefix: '--key=', credential: key }],
      variables: [variable(key), variable('TOKEN')],
    },
    PROGRAM,
    secrets({ [key]: 's3cret', TOKEN: 't0ken' }),
    '/files',
  )
  expect(command.argv.slice(PROGRAM.length)).toEqual(['start', '--api-key', 's3cret', '--key=s3cret'])
  expect([...command.environment]).toEqual([['TOKEN', 't0ken']])
})

test('a credential that is a file is written, and the server gets its path', () => {
  const key = argumentCredential('KEYFILE')
  const command = launchCommand(
    {
      ...spec,
      userArgs: [{ prefix: '--keys=', credential: key }],
      variables: [variable('OAUTH_PATH', { file: '../gcp keys.json' }), variable(key, { file: 'keys.json' })],
    },
    PROGRAM,
    secrets({ OAUTH_PATH: '{"a":1}', [key]: '{"b":2}' }),
    '/files',
  )
  expect(command.files).toEqual([
    { path: '/files/1--gcp-keys.json', content: '{"a":1}' },
    { path: '/files/2-keys.json', content: '{"b":2}' },
  ])
  expect([...command.environment]).toEqual([['OAUTH_PATH', '/files/1--gcp-keys.json']])
  expect(command.argv.at(-1)).toBe('--keys=/files/2-keys.json')
})

test.each([
  [{ variables: [variable('TOKEN')] }, 'The variable TOKEN has no value.'],
  [{ userArgs: [{ prefix: '', credential: argumentCredential('DSN') }] }, 'The argument DSN has no value.'],
])('what has no value is named instead of started without it', (changes, message) => {
  expect(() => launchCommand({ ...spec, ...changes }, PROGRAM, new Map(), '/files')).toThrow(message)
})
