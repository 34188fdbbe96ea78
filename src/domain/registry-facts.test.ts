import { expect, test } from 'vitest'
import type { Analysis, AnalysedVariable } from './analysis.ts'
import type { JsonValue } from './manifest.ts'
import { withRegistryFacts } from './registry-facts.ts'

const ADDRESS = 'https://registry.example/v0.1/servers/io.github.a%2Fb/versions/1.0.0'
const found: AnalysedVariable = {
  name: 'KEY',
  required: false,
  secret: false,
  default: null,
  description: 'From the README.',
  format: 'text',
  choices: [],
  helpUrl: 'https://help.example',
  confidence: 0.7,
  evidence: [{ file: 'README.md', line: 3, reader: 'readme' }],
}
const analysis: Analysis = {
  source: { kind: 'npm', url: 'https://npm.example', commit: null, path: '' },
  verdict: 'deployable',
  reason: null,
  launch: {
    package: { registry: 'npm', name: 'thing', version: '1.0.0' },
    command: 'thing',
    args: ['from-readme'],
    transport: 'stdio',
  },
  candidates: [],
  env: [found],
  requiredOneOf: [],
  arguments: [
    {
      name: '--root',
      position: null,
      required: false,
      secret: false,
      example: null,
      description: null,
      evidence: [],
    },
  ],
  tools: [],
  resources: [],
  prompts: [],
  proof: null,
  warnings: [],
  model: null,
}

const merge = (fields: Record<string, JsonValue>, isStarted = true, of = analysis) =>
  withRegistryFacts(
    of,
    { registryType: 'npm', identifier: 'thing', version: '1.0.0', transport: { type: 'stdio' }, ...fields },
    ADDRESS,
    isStarted,
  )

test('declared variables join those that were found, with the registry as evidence', () => {
  const { env, verdict } = merge({
    environmentVariables: [
      { name: 'KEY', isRequired: true, isSecret: true, description: 'From the entry.', default: 'x' },
      { name: 'MODE', format: 'boolean', choices: ['true', 'false'] },
    ],
  })
  expect(env).toMatchObject([
    {
      name: 'KEY',
      required: true,
      secret: true,
      default: 'x',
      description: 'From the README.',
      helpUrl: 'https://help.example',
      evidence: [{ file: 'README.md' }, { file: ADDRESS, reader: 'registry' }],
    },
    { name: 'MODE', required: false, format: 'boolean', evidence: [{ reader: 'registry' }] },
  ])
  // It has a default, so nothing is missing.
  expect(verdict).toBe('deployable')
  expect(merge({ environmentVariables: [{ name: 'NEW', isRequired: true }] })).toMatchObject({
    verdict: 'needs_input',
    reason: expect.any(String),
  })
})

test('what an entry does not say overrules nothing', () => {
  const required = { ...analysis, env: [{ ...found, required: true, secret: true }] }
  expect(merge({ environmentVariables: [{ name: 'KEY' }] }, true, required).env[0]).toMatchObject({
    required: true,
    secret: true,
  })
  expect(merge({ environmentVariables: 'nothing', packageArguments: [null, 3] })).toMatchObject({
    env: [found],
    launch: { args: ['from-readme'] },
  })
})

test('fixed arguments start it, and the others are asked for', () => {
  const merged = merge({
    packageArguments: [
      { type: 'positional', value: 'mcp' },
      { type: 'named', name: '--transport', value: 'stdio' },
      { type: 'named', name: '--quiet', format: 'boolean', isRequired: true },
      { type: 'named', name: '--root', isRequired: true, format: 'filepath', description: 'Where.' },
      { type: 'named', name: '--level', default: 'info', isRequired: true },
      {
        type: 'positional',
        value: '{folder}',
        variables: { folder: { isRequired: true, description: 'Which.' } },
      },
    ],
  })
  expect(merged.launch?.args).toEqual(['mcp', '--transport', 'stdio', '--quiet'])
  expect(merged.arguments).toMatchObject([
    { name: '--root', required: true, description: 'Where.' },
    { name: '--level', required: false, example: 'info' },
    { name: 'folder', position: 0, required: true, description: 'Which.' },
  ])
  expect(merged.verdict).toBe('needs_input')
})

test('of another package than the one that is started only variables count, also those of docker run', () => {
  const merged = merge(
    {
      registryType: 'oci',
      packageArguments: [{ type: 'positional', value: 'serve' }],
      runtimeArguments: [
        {
          type: 'named',
          name: '-e',
          value: 'TOKEN={token}',
          variables: { token: { isSecret: true, isRequired: true } },
        },
      ],
    },
    false,
  )
  expect(merged.launch).toEqual(analysis.launch)
  expect(merged.arguments).toEqual(analysis.arguments)
  expect(merged.env.at(-1)).toMatchObject({ name: 'TOKEN', required: true, secret: true })
})

test('what is no server stays none', () => {
  const none: Analysis = { ...analysis, verdict: 'not_a_server', reason: 'No server.' }
  expect(merge({ environmentVariables: [{ name: 'A', isRequired: true }] }, true, none)).toMatchObject({
    verdict: 'not_a_server',
    reason: 'No server.',
  })
})
