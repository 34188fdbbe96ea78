import {
  NOTHING_FOUND,
  type AnalysedVariable,
  type Analysis,
  type ImageInfo,
  type ServedPort,
} from '../domain/index.ts'
import { formatOf, isInfrastructureVariable, isPlatformVariable, looksSecret } from './names.ts'

/** What an image's own configuration sets and what interpreters and their package managers want to know. */
const OF_THE_IMAGE =
  /^(?:(?:NODE|NPM|YARN|PNPM|PYTHON|PIP|UV|POETRY|GO|RUST|JAVA|DOTNET|ASPNETCORE|GPG|LC)_?[A-Z0-9_]*|.*_VERSION|LANG|SHELL|USER|VIRTUAL_ENV)$/

/** The analysis of an image that nobody has started yet, from its configuration. Pure. */
export function analyzeImage(info: ImageInfo, { url, port }: ImageQuestion): Analysis {
  const { registry, repository, digest, entrypoint, command, labels, createdAt, compressedBytes } = info
  const startsNothing = entrypoint.length === 0 && command.length === 0
  return {
    ...NOTHING_FOUND,
    source: { kind: 'oci', url, commit: null, path: '' },
    verdict: startsNothing ? 'not_a_server' : 'deployable',
    reason: startsNothing ? 'The image does not say what it starts.' : null,
    launch: {
      package: { registry: 'oci', name: `${registry}/${repository}`, version: digest },
      command: entrypoint.join(' '),
      args: command,
      ...(port === null ? { transport: 'stdio' as const } : { transport: 'http' as const, port }),
    },
    env: info.environment.flatMap((line) => variableOf(line, url)),
    about: {
      description: labels['org.opencontainers.image.description'] ?? null,
      license: labels['org.opencontainers.image.licenses'] ?? null,
      repository: labels['org.opencontainers.image.source'] ?? null,
      publishedAt: createdAt?.toISOString() ?? null,
      integrity: digest,
      unpackedBytes: compressedBytes,
      hasInstallScripts: false,
      executables: [],
    },
  }
}

interface ImageQuestion {
  /** For people, and as evidence. */
  readonly url: string
  /** Where it serves HTTP, when it is known that it does. */
  readonly port: ServedPort | null
}

/** A variable that the image declares. With an empty value it stands for one that is to be given. */
function variableOf(line: string, url: string): AnalysedVariable[] {
  const [, name = '', value = ''] = /^([A-Za-z_]\w{0,127})=([\s\S]*)$/.exec(line) ?? []
  if (name === '' || OF_THE_IMAGE.test(name) || isPlatformVariable(name) || isInfrastructureVariable(name))
    return []
  return [
    {
      name,
      required: false,
      secret: looksSecret(name),
      default: value === '' ? null : value,
      description: null,
      format: formatOf(name),
      choices: [],
      helpUrl: null,
      confidence: 0.7,
      evidence: [{ file: url, line: 1, reader: 'image' }],
    },
  ]
}

/** What an image and what its repository say of it: variables, arguments and tools are found in the files. */
export function withRepository(image: Analysis, files: Analysis): Analysis {
  const own = new Set(image.env.map(({ name }) => name))
  return {
    ...image,
    env: [
      ...files.env.map((found) => {
        const set = image.env.find(({ name }) => name === found.name)
        // What the image sets needs nobody to give it.
        return set === undefined || set.default === null
          ? found
          : {
              ...found,
              default: set.default,
              required: false,
              evidence: [...found.evidence, ...set.evidence],
            }
      }),
      ...image.env.filter(({ name }) => !files.env.some((one) => one.name === name)),
    ],
    requiredOneOf: files.requiredOneOf.filter((group) => !group.flat().some((name) => own.has(name))),
    tools: files.tools,
    ...(image.verdict === 'deployable' && files.verdict === 'needs_input'
      ? { verdict: files.verdict, reason: files.reason }
      : {}),
  }
}

/** The TCP port that an image says it listens on, when it is one only. */
export function onlyPort({ ports }: Pick<ImageInfo, 'ports'>): number | null {
  const [port, ...more] = ports.flatMap((name) => /^(\d{1,5})(?:\/tcp)?$/.exec(name)?.[1] ?? [])
  return port === undefined || more.length > 0 ? null : Number(port)
}
