import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import {
  CatwalkError,
  deployVerdict,
  fillText,
  NOTHING_FOUND,
  parseBundle,
  quoted,
  type AnalysedVariable,
  type Analysis,
  type AnalysisWarning,
  type Bundle,
  type BundleField,
  type Evidence,
  type Snapshot,
} from '../domain/index.ts'
import { formatOf, looksSecret } from './names.ts'
import { lineOf } from './readers/json.ts'

const MANIFEST = 'manifest.json'
const MAX_MANIFEST_BYTES = 1024 * 1024
/** As the places of a start are written where only the files matter. */
const FILES = { bundle: '', home: '/home' }

/**
 * The analysis of an unpacked bundle, from its manifest: its author wrote that for starting just this.
 * @param address of the file, for people; with its SHA-256 as fragment
 * @throws CatwalkError `source_malformed` when it has no manifest or one that cannot be read
 */
export function analyzeBundle(snapshot: Snapshot, address: string): Analysis {
  const text = snapshot.text(MANIFEST, MAX_MANIFEST_BYTES)
  if (text === null)
    throw new CatwalkError('source_malformed', 'The file has no manifest.json, so it is no MCP bundle.')
  const bundle = parseBundle(text)
  const at = (word: string): Evidence => ({
    file: MANIFEST,
    line: lineOf(text, word),
    reader: 'mcpb-manifest',
  })
  const entry = entryOf(bundle)
  const reason = whyNot(bundle, entry, snapshot)
  const env = [
    ...bundle.fields.map((field) => askedVariable(field, at(`"${field.key}"`))),
    ...setVariables(bundle, at),
  ]
  return {
    ...NOTHING_FOUND,
    source: { kind: 'mcpb', url: address, commit: null, path: '' },
    ...(reason === null ? deployVerdict({ ...NOTHING_FOUND, env }) : { verdict: 'unsupported', reason }),
    launch: {
      package: { registry: 'mcpb', name: bundle.name, version: bundle.version },
      command: entry,
      args: [],
      transport: 'stdio',
    },
    env,
    tools: bundle.tools,
    warnings: reason === null ? warningsOf(bundle) : [],
    about: {
      description: bundle.description,
      license: bundle.license,
      repository: bundle.repository,
      publishedAt: null,
      integrity: integrityOf(address),
      unpackedBytes: [...snapshot.files.values()].reduce((sum, { bytes }) => sum + bytes, 0),
      hasInstallScripts: false,
      executables: [],
    },
  }
}

/** Subresource integrity of the SHA-256 in an address. */
function integrityOf(address: string): string | null {
  const hash = new URLSearchParams(URL.parse(address)?.hash.slice(1)).get('sha256')
  return hash === null ? null : `sha256-${Buffer.from(hash, 'hex').toString('base64')}`
}

/** The file that is started, by its path in the bundle; `''` where none is. */
function entryOf({ command, args }: Bundle): string {
  const words = isInterpreter(command)
    ? args.map((text) => fillText(text, new Map(), FILES) ?? '')
    : [command]
  const word = words.find((one) => one !== '' && !one.startsWith('-')) ?? ''
  return word.replace(/^\$\{__dirname\}/, '').replace(/^(?:\.?\/)+/, '')
}

function isInterpreter(command: string): boolean {
  return /^(?:node|python(?:3(?:\.\d+)?)?)$/.test(command)
}

/** Why it cannot be run here, in words; null when it can. */
function whyNot(bundle: Bundle, entry: string, snapshot: Snapshot): string | null {
  const { type, command, repository } = bundle
  if (type === 'uv') {
    const instead =
      repository === null ? 'its repository or its package on PyPI' : `its repository, ${quoted(repository)},`
    return `The bundle does not bring its dependencies but leaves them to uv, which is not used here. Deploy ${instead} instead.`
  }
  if (!isInterpreter(command) && !/[/\\]/.test(command))
    return `It is started by ${quoted(command)}, which the bundle does not bring along.`
  if (!snapshot.files.has(entry)) return `It starts ${quoted(entry)}, which is not in the bundle.`
  return isInterpreter(command) ? null : programProblem(join(snapshot.directory, entry), entry)
}

const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 }

/** Why a file is no program for this machine (ELF header, `e_machine`); null for one that is, and for scripts. */
function programProblem(path: string, name: string): string | null {
  const head = Buffer.alloc(20)
  const file = openSync(path, 'r')
  try {
    readSync(file, head, 0, head.length, 0)
  } finally {
    closeSync(file)
  }
  if (head.toString('latin1', 0, 2) === '#!') return null
  if (head.toString('latin1', 0, 4) !== '\u007fELF') return `${quoted(name)} is no program for Linux.`
  return head.readUInt16LE(18) === MACHINES[process.arch]
    ? null
    : `${quoted(name)} is a program for another processor than this machine's (${process.arch}).`
}

function warningsOf({ platforms, type }: Bundle): AnalysisWarning[] {
  if (platforms === null || platforms.includes('linux')) return []
  const names = platforms.map((name) => quoted(name)).join(', ')
  return [
    {
      code: 'other_platform',
      message: `The bundle says that it is for ${names === '' ? 'no platform' : names}, not for Linux.${type === 'binary' ? '' : ' Its files do not depend on that alone, so it is tried all the same.'}`,
    },
  ]
}

function askedVariable(field: BundleField, evidence: Evidence): AnalysedVariable {
  const { variable, type, title, description, required, sensitive, multiple, default: standard } = field
  const words = [title === description ? null : title, description].filter((text) => text !== null).join(': ')
  const several = multiple ? ' Several: one a line, or a JSON list.' : ''
  const value =
    standard === null
      ? null
      : multiple && standard.length > 1
        ? JSON.stringify(standard)
        : (standard[0] ?? null)
  return {
    name: variable,
    required,
    secret: sensitive || (type === 'string' && looksSecret(variable)),
    default: value,
    description: words === '' && several === '' ? null : `${words}${several}`.trim(),
    format: FORMATS[type] ?? formatOf(variable),
    choices: [],
    helpUrl: null,
    confidence: 0.95,
    evidence: [evidence],
  }
}

const FORMATS: Readonly<Partial<Record<BundleField['type'], AnalysedVariable['format']>>> = {
  number: 'number',
  boolean: 'boolean',
  directory: 'path',
  file: 'file',
}

/** What the bundle sets by itself, and the user may set otherwise. */
function setVariables(
  { environment, fields }: Bundle,
  at: (word: string) => Evidence,
): readonly AnalysedVariable[] {
  const asked = new Set(fields.map(({ variable }) => variable))
  return [...environment].flatMap(([name, text]) => {
    const [only, ...more] = text
    if (asked.has(name) || typeof only !== 'string' || more.length > 0) return []
    return [
      {
        name,
        required: false,
        secret: looksSecret(name),
        default: only,
        description: null,
        format: formatOf(name),
        choices: [],
        helpUrl: null,
        confidence: 0.9,
        evidence: [at(`"${name}"`)],
      },
    ]
  })
}
