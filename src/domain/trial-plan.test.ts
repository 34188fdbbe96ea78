import { expect, test } from 'vitest'
import type { AnalysedArgument, AnalysedVariable } from './analysis.ts'
import { neededPlaceholders, nextBoot, trialSpec, type BootResult } from './trial-plan.ts'

const HOME = '/home/server'

function variable(name: string, changes: Partial<AnalysedVariable> = {}): AnalysedVariable {
  return {
    name,
    required: false,
    secret: true,
    default: null,
    description: null,
    format: 'text',
    choices: [],
    helpUrl: null,
    confidence: 1,
    evidence: [],
    ...changes,
  }
}

function argument(name: string, changes: Partial<AnalysedArgument> = {}): AnalysedArgument {
  return {
    name,
    position: null,
    required: true,
    secret: false,
    example: null,
    description: null,
    evidence: [],
    ...changes,
  }
}

interface Declared {
  readonly variables?: readonly AnalysedVariable[]
  readonly requiredOneOf?: readonly (readonly (readonly string[])[])[]
  readonly arguments?: readonly AnalysedArgument[]
}

/** Plays a server: boots it as planned until there is nothing more to learn. */
function play(
  declared: Declared,
  server: (given: ReadonlyMap<string, string>) => { tools: number } | { says: string },
): readonly BootResult[] {
  const made: BootResult[] = []
  const complete = { variables: [], requiredOneOf: [], arguments: [], ...declared }
  for (let boot = nextBoot(complete, made, HOME); boot !== null; boot = nextBoot(complete, made, HOME)) {
    const answer = server(boot.placeholders)
    made.push({
      ...boot,
      tools: 'tools' in answer ? answer.tools : null,
      lines: 'says' in answer ? answer.says.split('\n') : [],
    })
    if (made.length > 30) throw new Error('the plan does not end')
  }
  return made
}

const keys = (made: readonly BootResult[]): string[][] =>
  made.map(({ placeholders }) => [...placeholders.keys()])

test('a server that wants nothing is booted once', () => {
  expect(keys(play({ variables: [variable('OPTIONAL')] }, () => ({ tools: 1 })))).toEqual([[]])
})

test('one that starts bare is booted again with what it requires, because it may offer more', () => {
  const made = play({ variables: [variable('TOKEN', { required: true })] }, () => ({ tools: 1 }))
  expect(keys(made)).toEqual([[], ['TOKEN']])
  expect(neededPlaceholders(made)).toEqual([])
})

test('what it names when it ends is given, one after the other, and nothing else', () => {
  const variables = ['A_KEY', 'B_KEY', 'C_KEY'].map((name) => variable(name))
  const made = play({ variables }, (given) => {
    const missing = ['B_KEY', 'A_KEY'].find((name) => !given.has(name))
    return missing === undefined ? { tools: 3 } : { says: `Error: ${missing} is required` }
  })
  expect(keys(made).slice(0, 3)).toEqual([[], ['B_KEY'], ['A_KEY', 'B_KEY']])
  expect(neededPlaceholders(made)).toEqual(['A_KEY', 'B_KEY'])
})

test('a variable that nobody declared is learned from its message', () => {
  const made = play({}, (given) =>
    given.has('SECRET_TOKEN') ? { tools: 1 } : { says: 'Missing environment variable: SECRET_TOKEN' },
  )
  expect(neededPlaceholders(made)).toEqual(['SECRET_TOKEN'])
})

test('when it says nothing, what is required is given, then everything, then less and less', () => {
  const variables = [variable('A', { required: true }), ...['B', 'C', 'D', 'E'].map((name) => variable(name))]
  const made = play({ variables }, (given) =>
    given.has('A') && given.has('D') ? { tools: 1 } : { says: '' },
  )
  expect(keys(made).slice(0, 3)).toEqual([[], ['A'], ['A', 'B', 'C', 'D', 'E']])
  expect(neededPlaceholders(made)).toEqual(['A', 'D'])
})

test('of alternatives the first that asks for something is given', () => {
  const variables = ['TOKEN', 'USER', 'PASSWORD'].map((name) => variable(name))
  const requiredOneOf = [[[], ['USER', 'PASSWORD'], ['TOKEN']]]
  const made = play({ variables, requiredOneOf }, (given) =>
    given.has('USER') && given.has('PASSWORD') ? { tools: 1 } : { says: 'not configured' },
  )
  expect(neededPlaceholders(made)).toEqual(['USER', 'PASSWORD'])
})

test('of a variable and a flag that do the same the variable is what it needs', () => {
  const declared = { variables: [variable('API_KEY', { required: true })], arguments: [argument('--key')] }
  const made = play(declared, (given) =>
    given.has('API_KEY') || given.has('arg:--key')
      ? { tools: 1 }
      : { says: 'No key. Set API_KEY or use --key=<key>' },
  )
  expect(neededPlaceholders(made)).toEqual(['API_KEY'])
})

test('a value is put into the form that the server asks for', () => {
  const variables = [
    variable('API_KEY', { required: true }),
    variable('SITE', { required: true, secret: false }),
  ]
  const made = play({ variables }, (given) => {
    if (!given.get('API_KEY')?.startsWith('key-')) return { says: 'API_KEY must start with "key-"' }
    return given.get('SITE')?.startsWith('https://') === true ? { tools: 1 } : { says: 'SITE: Invalid URL' }
  })
  expect(neededPlaceholders(made)).toEqual(['API_KEY', 'SITE'])
})

test('a form that is shown with a star is the beginning of a value', () => {
  const made = play({ variables: [variable('API_KEY', { required: true })] }, (given) =>
    given.get('API_KEY')?.startsWith('sk_') === true
      ? { tools: 1 }
      : { says: 'Invalid API key format. Expected sk_* (secret key) or rk_* (restricted key).' },
  )
  expect(neededPlaceholders(made)).toEqual(['API_KEY'])
})

test('a server that never answers is not tried for ever', () => {
  const variables = ['A', 'B'].map((name) => variable(name))
  expect(play({ variables, arguments: [argument('--x')] }, () => ({ says: '' })).length).toBeLessThan(5)
})

test('placeholders become arguments in their positions, flags, variables and files', () => {
  const input = {
    workspaceId: 'ws_1',
    package: { kind: 'npm', name: 'x', version: '1.0.0', integrity: 'sha512-x', executable: 'x' },
    args: ['start'],
    variables: [variable('KEY_FILE', { format: 'file' }), variable('TOKEN')],
    requiredOneOf: [],
    arguments: [argument('--flag'), argument('second', { position: 1 }), argument('first', { position: 0 })],
    allowScripts: false,
    memoryMiB: 256,
    lockFile: null,
    limitMs: 1,
    output: () => undefined,
  } as const
  const placeholders = new Map([
    ['KEY_FILE', '{}'],
    ['TOKEN', 't'],
    ['arg:--flag', 'f'],
    ['arg:second', '2'],
    ['arg:first', '1'],
  ])
  const { spec, credentials } = trialSpec(input, { placeholders })
  expect(spec.args).toEqual(['start'])
  expect(spec.userArgs).toEqual(['1', '2', '--flag', 'f'])
  expect(spec.variables.map(({ name, file }) => [name, file])).toEqual([
    ['KEY_FILE', 'key_file.json'],
    ['TOKEN', undefined],
  ])
  expect(credentials.get('TOKEN')?.reveal()).toBe('t')
})
