import { readFile, writeFile } from 'node:fs/promises'
import { CatwalkError, quoted } from '../../domain/index.ts'
import type { RouteInput, RouteOutput } from '../../contract/index.ts'
import { cleanLine, toJson } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { askHidden, readAll } from '../input.ts'
import { formatSummary } from '../summary.ts'
import { readVariables } from '../variables.ts'
import { ANALYSIS_TIMEOUT_MS, missingNames, readFiles, waitUntilServing } from './deploy.ts'

export interface ExportOptions extends CommonOptions {
  readonly out?: string
  readonly withSecrets?: boolean
  readonly passphraseStdin?: boolean
}

export interface ImportOptions extends CommonOptions {
  readonly name?: string
  readonly slug?: string
  readonly env?: readonly string[]
  readonly envFile?: string
  /** NAME=PATH */
  readonly file?: readonly string[]
  readonly passphraseStdin?: boolean
  readonly yes?: boolean
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: number
}

type Wish = RouteInput<'importDeployment'>['body']
type Imported = RouteOutput<'importDeployment'>

const PASSPHRASE = 'CATWALK_PASSPHRASE'

/** Writes a deployment as a file, or to standard output. */
export async function exportDeployment(
  context: CommandContext,
  id: string,
  { out, withSecrets, passphraseStdin }: ExportOptions,
): Promise<void> {
  const { output } = context
  const params = { id }
  const file =
    withSecrets === true
      ? await context.call('exportWithSecrets', {
          params,
          body: { passphrase: await newPassphrase(context, passphraseStdin === true) },
        })
      : await context.call('exportDeployment', { params })
  const names = file.launch.values.map(({ name }) => cleanLine(name))
  if (names.length > 0) {
    output.note(
      withSecrets === true
        ? `Its values are in it, encrypted: ${names.join(', ')}.`
        : `Without its values: ${names.join(', ')}. They are asked for when it is imported.`,
    )
  }
  if (out === undefined) {
    output.result(file, () => toJson(file))
    return
  }
  await writeFile(out, `${toJson(file)}\n`, { mode: 0o600 }).catch((error: unknown) => {
    throw new CatwalkError('invalid_request', `The file ${quoted(out)} cannot be written.`, { cause: error })
  })
  output.result({ file: out, slug: file.slug }, () => `${cleanLine(file.slug)} written to ${cleanLine(out)}.`)
}

/** Deploys what an export gave, and waits until it answers. */
export async function importDeployment(
  context: CommandContext,
  path: string,
  options: ImportOptions,
): Promise<void> {
  const { host, output, signal } = context
  const file = await readDocument(path)
  const values = {
    ...(await readVariables(options.env ?? [], options.envFile, host, output, signal)),
    ...(await readFiles(options.file ?? [])),
  }
  const hasSecrets = file['secrets'] !== null && file['secrets'] !== undefined
  const passphrase = hasSecrets
    ? await givenPassphrase(context, options.passphraseStdin === true, 'Passphrase of the file: ')
    : null
  const imported = await importAsking(context, {
    file,
    values,
    ...(passphrase === null ? {} : { passphrase }),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.slug === undefined ? {} : { slug: options.slug }),
    ...(options.yes === true ? { confirmWarnings: true } : {}),
  })
  for (const note of imported.notes) output.note(cleanLine(note))
  const deployment =
    options.wait === false
      ? imported.deployment
      : await waitUntilServing(context, await context.api(), imported, options.timeout * 1000)
  const { id, slug, state, endpoint } = deployment
  const token = imported.token.secret
  output.result({ id, slug, state, endpoint, token, notes: imported.notes }, () =>
    formatSummary(output, deployment, token),
  )
}

/** On a terminal what is missing is asked for, once. */
async function importAsking(context: CommandContext, body: Wish): Promise<Imported> {
  try {
    return await context.call('importDeployment', { body }, ANALYSIS_TIMEOUT_MS)
  } catch (error) {
    const { host, output, signal } = context
    const missing = missingNames(error)
    if (missing.length === 0 || host.stdin.isTTY !== true || output.json) throw error
    output.note('It needs values that are not in the file. They are not shown as you type.')
    const values = { ...body.values }
    for (const name of missing) {
      const value = await askHidden(host, `Value of ${cleanLine(name)}: `, signal)
      if (value === '') throw error
      values[name] = value
    }
    return context.call('importDeployment', { body: { ...body, values } }, ANALYSIS_TIMEOUT_MS)
  }
}

async function readDocument(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fileInvalid(`The file ${quoted(path)} cannot be read.`, error)
  })
  try {
    const document: unknown = JSON.parse(text)
    if (typeof document === 'object' && document !== null && !Array.isArray(document)) {
      return Object.fromEntries(Object.entries(document))
    }
  } catch (error) {
    throw fileInvalid(`The file ${quoted(path)} is not JSON.`, error)
  }
  throw fileInvalid(`The file ${quoted(path)} is not what an export gives.`, undefined)
}

function fileInvalid(message: string, cause: unknown): CatwalkError {
  return new CatwalkError('deployment_file_invalid', message, { cause })
}

async function newPassphrase(context: CommandContext, fromStdin: boolean): Promise<string> {
  const { host, signal } = context
  const given = await givenPassphrase(context, fromStdin, 'Passphrase for the file, 10 characters or more: ')
  if (given === null) {
    throw new CatwalkError('invalid_request', 'Secrets leave only under a passphrase, and none was given.', {
      help: `Set ${PASSPHRASE}, or give it on standard input with --passphrase-stdin.`,
    })
  }
  if (fromStdin || host.env[PASSPHRASE] !== undefined) return given
  const again = await askHidden(host, 'The same again: ', signal)
  if (again === given) return given
  throw new CatwalkError('invalid_request', 'The two passphrases are not the same.')
}

/** From the environment, standard input or the terminal; never from arguments, which others can see. */
async function givenPassphrase(
  { host, output, signal }: CommandContext,
  fromStdin: boolean,
  question: string,
): Promise<string | null> {
  if (fromStdin) return (await readAll(host.stdin, signal)).replace(/\r?\n$/, '')
  const given = host.env[PASSPHRASE]
  if (given !== undefined && given !== '') return given
  if (host.stdin.isTTY !== true || output.json) return null
  const typed = await askHidden(host, question, signal)
  return typed === '' ? null : typed
}
