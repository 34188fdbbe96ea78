import { expect, test } from 'vitest'
import type { Analysis, AnalysedVariable, BootProof } from '../domain/index.ts'
import { withProof } from './index.ts'

const variable = (name: string): AnalysedVariable => ({
  name,
  required: false,
  secret: true,
  default: null,
  description: null,
  format: 'text',
  choices: [],
  helpUrl: null,
  confidence: 0.8,
  evidence: [],
})

const found = (name: string, reader: string, required = true): AnalysedVariable => ({
  ...variable(name),
  required,
  evidence: [{ file: 'index.js', line: 1, reader }],
})

const ANALYSIS: Analysis = {
  source: { kind: 'github', url: 'https://github.com/acme/notes', commit: null, path: '' },
  verdict: 'deployable',
  reason: null,
  launch: null,
  candidates: [],
  env: [variable('A_TOKEN'), variable('B_TOKEN'), variable('C_TOKEN')],
  requiredOneOf: [[['B_TOKEN'], ['C_TOKEN'], []]],
  arguments: [],
  tools: [{ name: 'read_in_code', description: null }],
  resources: [],
  prompts: [],
  proof: null,
  warnings: [],
  model: null,
}

const PROOF: BootProof = {
  booted: true,
  era: 'legacy',
  protocolVersion: '2025-11-25',
  initializeMs: 300,
  peakMemoryMiB: 80,
  neededPlaceholders: ['A_TOKEN', 'B_TOKEN'],
  hosts: [],
  placeholders: [],
  boots: 2,
  needsScripts: false,
  strayLines: 0,
  failure: null,
}

test('what a server did not start without is required, but one alternative of several is not', () => {
  const proven = withProof(ANALYSIS, { proof: PROOF, manifest: null })
  expect(proven.env.map(({ name, required }) => [name, required])).toEqual([
    ['A_TOKEN', true],
    ['B_TOKEN', false],
    ['C_TOKEN', false],
  ])
  expect(proven.verdict).toBe('needs_input')
})

test('tools that were seen take the place of those that were read', () => {
  const manifest = {
    protocolVersion: '2025-11-25',
    serverInfo: {},
    capabilities: {},
    instructions: null,
    tools: [{ name: 'seen', description: 'It was seen' }],
    resources: [],
    resourceTemplates: [],
    prompts: [],
  }
  expect(withProof(ANALYSIS, { proof: PROOF, manifest }).tools).toEqual([
    { name: 'seen', description: 'It was seen' },
  ])
  expect(withProof(ANALYSIS, { proof: PROOF, manifest: null }).tools).toEqual(ANALYSIS.tools)
})

test('what only its code asks for is optional where it offers everything without, but not what bears its name', () => {
  const analysis: Analysis = {
    ...ANALYSIS,
    verdict: 'needs_input',
    launch: {
      package: { registry: 'npm', name: 'exa-notes', version: '1.0.0' },
      command: 'exa-notes',
      args: [],
      transport: 'stdio',
    },
    env: [
      found('STORE_URL', 'javascript'),
      found('ISSUER_URL', 'readme-table'),
      found('NOTES_TOKEN', 'javascript'),
      found('EXA_KEY', 'javascript'),
      found('A_TOKEN', 'javascript'),
      found('B_TOKEN', 'javascript', false),
      found('C_TOKEN', 'javascript', false),
    ],
    requiredOneOf: [[['B_TOKEN'], ['C_TOKEN']]],
  }
  const proof = { ...PROOF, neededPlaceholders: ['A_TOKEN'], placeholders: ['A_TOKEN'] }
  const proven = withProof(analysis, { proof, manifest: null })
  expect(proven.env.filter(({ required }) => required).map(({ name }) => name)).toEqual([
    'ISSUER_URL',
    'NOTES_TOKEN',
    'EXA_KEY',
    'A_TOKEN',
  ])
  expect(proven.requiredOneOf).toEqual([])
  const nothingElse = { ...analysis, env: analysis.env.slice(0, 1), requiredOneOf: [] }
  const bare = { ...PROOF, neededPlaceholders: [], placeholders: [] }
  expect(withProof(nothingElse, { proof: bare, manifest: null })).toMatchObject({
    verdict: 'deployable',
    reason: null,
  })
  const said: Analysis = { ...analysis, reason: 'It answers 401.' }
  expect(withProof(said, { proof, manifest: null }).reason).toBe('It answers 401.')
  const failed = { ...bare, booted: false }
  expect(withProof(nothingElse, { proof: failed, manifest: null }).verdict).toBe('needs_input')
})
