import {
  CatwalkError,
  givenHeader,
  headerProblem,
  quoted,
  variablesIn,
  type AnalysedVariable,
  type Analysis,
} from '../../domain/index.ts'

/** The reader of what a handshake without credentials suggests; what an owner gives takes its place. */
const GUESSED = 'handshake'

/**
 * An analysis of a remote server with the headers that its owner gives, and the values that were in them.
 * @throws CatwalkError `invalid_request` for a server that is sent none, `invalid_variable`
 */
export function withGivenHeaders(
  analysis: Analysis,
  given: Readonly<Record<string, string>>,
): { readonly analysis: Analysis; readonly values: Readonly<Record<string, string>> } {
  const { launch } = analysis
  const written = Object.entries(given).map(([name, value]) => givenHeader(name, value))
  if (written.length === 0 || launch === null) return { analysis, values: {} }
  if (launch.package.registry !== 'remote') {
    throw new CatwalkError('invalid_request', 'Only a remote server is sent headers.', {
      details: { field: 'headers' },
    })
  }
  for (const { header } of written) {
    const problem = headerProblem(header)
    if (problem === null) continue
    throw new CatwalkError('invalid_variable', `The header ${quoted(header.name)} ${problem}.`, {
      details: { field: `headers.${header.name.slice(0, 80)}` },
    })
  }
  const isGiven = (name: string) =>
    written.some(({ header }) => header.name.toLowerCase() === name.toLowerCase())
  const guessed = analysis.env.filter(({ evidence }) => evidence.some(({ reader }) => reader === GUESSED))
  const kept = (launch.headers ?? []).filter(
    (header) => !isGiven(header.name) && !guessed.some(({ name }) => variablesIn(header).includes(name)),
  )
  const headers = [...kept, ...written.map(({ header }) => header)]
  const used = new Set(headers.flatMap((header) => variablesIn(header)))
  const known = analysis.env.filter(({ name }) => used.has(name))
  const added = [...used].filter((name) => !known.some((one) => one.name === name))
  return {
    analysis: { ...analysis, launch: { ...launch, headers }, env: [...known, ...added.map(variable)] },
    values: Object.assign({}, ...written.map(({ values }) => values)) as Record<string, string>,
  }
}

function variable(name: string): AnalysedVariable {
  return {
    name,
    required: true,
    secret: true,
    default: null,
    description: null,
    format: 'text',
    choices: [],
    helpUrl: null,
    confidence: 1,
    evidence: [],
  }
}
