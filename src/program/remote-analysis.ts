import {
  headerProblem,
  deployVerdict,
  NOTHING_FOUND,
  readHeader,
  variablesIn,
  type AnalysedVariable,
  type Analysis,
  type Evidence,
  type HeaderTemplate,
  type RegistryRemote,
  type Trial,
} from '../domain/index.ts'

/** What is known of a remote server before it was asked. */
export interface RemoteFacts {
  readonly kind: 'remote' | 'registry'
  readonly url: string
  readonly headers: readonly HeaderTemplate[]
  readonly env: readonly AnalysedVariable[]
}

/** A remote server that somebody named: what it is sent is what they wrote. */
export function factsOfAddress(url: string, headers: readonly HeaderTemplate[]): RemoteFacts {
  const evidence = [{ file: url, line: 1, reader: 'source' }]
  return { kind: 'remote', url, headers, env: headers.flatMap((header) => variablesOf(header, {}, evidence)) }
}

/** A remote server of server.json (schema 2025-12-11, `remotes`), with the headers that it declares. */
export function factsOfRemote(remote: RegistryRemote, address: string): RemoteFacts {
  const listed = Array.isArray(remote['headers']) ? (remote['headers'] as readonly unknown[]) : []
  const evidence = [{ file: address, line: 1, reader: 'registry' }]
  const declared = listed.flatMap((one) => {
    if (!isFields(one) || typeof one['name'] !== 'string') return []
    const header = { name: one['name'], value: textOf(one['value']) ?? '' }
    // What the publisher says once for all is sent as it is.
    const read =
      header.value === '' ? readHeader(header.name, textOf(one['placeholder']) ?? '').header : header
    return headerProblem(read) === null ? [{ header: read, fields: one }] : []
  })
  return {
    kind: 'registry',
    url: remote.url,
    headers: declared.map(({ header }) => header),
    env: declared.flatMap(({ header, fields }) =>
      variablesOf(header, fields, evidence).map((one) => ({
        ...one,
        required: isRequired(fields),
      })),
    ),
  }
}

/** Many authors say only that it is a secret: a key that one may leave out is rare. */
function isRequired(fields: Readonly<Record<string, unknown>>): boolean {
  const { isRequired: required, isSecret: secret } = fields
  return typeof required === 'boolean' ? required : secret === true
}

function variablesOf(
  header: HeaderTemplate,
  fields: Readonly<Record<string, unknown>>,
  evidence: readonly Evidence[],
): AnalysedVariable[] {
  const { variables } = fields
  return variablesIn(header).map((name) => {
    const own = isFields(variables) && isFields(variables[name]) ? variables[name] : fields
    const choices = Array.isArray(own['choices']) ? (own['choices'] as readonly unknown[]) : []
    return {
      name,
      required: true,
      secret: own['isSecret'] !== false,
      default: textOf(own['default']) ?? null,
      description: textOf(own['description']) ?? `For the header ${header.name}.`,
      format: 'text',
      choices: choices.filter((choice) => typeof choice === 'string'),
      helpUrl: null,
      confidence: 0.9,
      evidence,
    }
  })
}

/** The analysis of a remote server that nobody has asked yet. */
export function remoteAnalysis({ kind, url, headers, env }: RemoteFacts): Analysis {
  const hasParts = /[{}]|%7B/i.test(url)
  return {
    ...NOTHING_FOUND,
    source: { kind, url, commit: null, path: '' },
    ...(hasParts
      ? {
          verdict: 'unsupported',
          reason: 'Its address has parts that are yours to fill in. Paste the address with them filled in.',
        }
      : deployVerdict({ ...NOTHING_FOUND, env })),
    launch: {
      package: { registry: 'remote', name: url, version: null },
      command: '',
      args: [],
      transport: 'http',
      ...(headers.length === 0 ? {} : { headers }),
    },
    env,
  }
}

/** What a handshake without anybody's secrets adds: what the server is, or that it wants to know who asks. */
export function withHandshake(analysis: Analysis, { proof }: Pick<Trial, 'proof'>): Analysis {
  const { failure } = proof
  const { launch } = analysis
  if (failure === null || launch === null) return analysis
  switch (failure.code) {
    case 'remote_unauthorized': {
      if (analysis.env.length > 0) return { ...analysis, verdict: 'needs_input', reason: failure.message }
      const header = { name: 'Authorization', value: 'Bearer {TOKEN}' }
      const evidence = [{ file: launch.package.name, line: 1, reader: 'handshake' }]
      const description = 'The token or key that whoever runs the server gives you.'
      return {
        ...analysis,
        verdict: 'needs_input',
        reason: failure.message,
        launch: { ...launch, headers: [header] },
        env: variablesOf(header, { description }, evidence).map((one) => ({ ...one, confidence: 0.6 })),
      }
    }
    case 'remote_refused':
      return { ...analysis, verdict: 'unsupported', reason: failure.message }
    case 'server_not_mcp':
    case 'server_refused':
      return { ...analysis, verdict: 'not_a_server', reason: failure.message }
    default: {
      const warning = { code: 'not_reached', message: `It could not be asked: ${failure.message}` }
      return { ...analysis, warnings: [...analysis.warnings, warning] }
    }
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
