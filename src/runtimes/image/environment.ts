import { readFile, unlink } from 'node:fs/promises'
import { CatwalkError, Secret } from '../../domain/index.ts'
import { IMAGE_VARIABLES, INSTANCE_PORT, type InstanceDocument } from '../elsewhere/index.ts'

export interface ImageConfig {
  readonly document: InstanceDocument
  readonly secret: Secret
  readonly host: string
  readonly port: number
  readonly dataDir: string
  readonly unwatchedMs: number
}

const SHORTEST_SECRET = 32
// On a volume together with the home, because a machine may have no more than one.
const DATA_DIR = '/home/catwalk'
// Both families wherever the system has both.
const EVERYWHERE = '::'
/** Longer than an installation takes to restart, or a database to come back. */
const UNWATCHED_S = 900

/**
 * Reads what the program is to do, and removes the file that told it where that is possible: the server need not find it.
 * @throws CatwalkError `config_invalid`
 */
export async function readImageConfig(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ImageConfig> {
  const secret = environment[IMAGE_VARIABLES.secret] ?? ''
  if (secret.length < SHORTEST_SECRET) {
    throw invalid(`${IMAGE_VARIABLES.secret} must be set, to at least ${SHORTEST_SECRET} characters.`)
  }
  const port = Number(environment[IMAGE_VARIABLES.port] ?? INSTANCE_PORT)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw invalid(`${IMAGE_VARIABLES.port} is no port.`)
  return {
    document: await readDocument(environment),
    secret: new Secret(secret),
    host: environment[IMAGE_VARIABLES.host] ?? EVERYWHERE,
    port,
    dataDir: environment[IMAGE_VARIABLES.dataDir] ?? DATA_DIR,
    unwatchedMs: (Number(environment[IMAGE_VARIABLES.unwatched]) || UNWATCHED_S) * 1_000,
  }
}

async function readDocument(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<InstanceDocument> {
  const file = environment[IMAGE_VARIABLES.documentFile]
  const text = file === undefined ? environment[IMAGE_VARIABLES.document] : await readOnce(file)
  if (text === undefined) {
    throw invalid(`${IMAGE_VARIABLES.document} or ${IMAGE_VARIABLES.documentFile} must say what to run.`)
  }
  try {
    const document: unknown = JSON.parse(text)
    // An installation of an earlier version says nothing of tools.
    if (isDocument(document)) return { releaseId: '', tools: null, ...document }
  } catch {
    // Said below, without the text: it holds secrets.
  }
  throw invalid('What to run is not said in a way that this version knows.')
}

async function readOnce(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CatwalkError('config_invalid', `${path} cannot be read.`, { cause })
  })
  await unlink(path).catch(() => undefined)
  return text
}

type SinceTools = 'releaseId' | 'tools'

/** Written by `instanceDocument` of an installation, perhaps of another version. */
function isDocument(
  value: unknown,
): value is Omit<InstanceDocument, SinceTools> & Partial<Pick<InstanceDocument, SinceTools>> {
  if (typeof value !== 'object' || value === null) return false
  const { run, credentials, sealKey, deploymentId } = value as Record<string, unknown>
  if (typeof run !== 'object' || run === null || !('kind' in run)) return false
  const isKnown = run.kind === 'package' || run.kind === 'command'
  const hasKey = typeof sealKey === 'string' && Buffer.from(sealKey, 'base64url').length === 32
  return isKnown && hasKey && typeof deploymentId === 'string' && typeof credentials === 'object'
}

function invalid(message: string): CatwalkError {
  return new CatwalkError('config_invalid', message)
}
