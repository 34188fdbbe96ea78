import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RouteOutput } from '../../contract/index.ts'
import { CatwalkError } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatTable } from '../table.ts'

export interface RotateOptions extends CommonOptions {
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: number
}

type Keys = RouteOutput<'getKeys'>

const POLL_MS = 300

export async function keysStatus(context: CommandContext): Promise<void> {
  show(context, await context.call('getKeys', {}))
}

export async function addKey(context: CommandContext): Promise<void> {
  const keys = await context.call('addKey', {})
  context.output.note(
    'What is new is encrypted under the new key. Bring the rest under it: bin/catwalk keys rotate',
  )
  show(context, keys)
}

export async function rotateKeys(context: CommandContext, options: RotateOptions): Promise<void> {
  let keys = await context.call('rotateKeys', {})
  const until = Date.now() + options.timeout * 1000
  while (options.wait === true && keys.rotation?.finishedAt === null) {
    if (Date.now() > until) {
      throw new CatwalkError('wait_timeout', 'The rotation is not done yet.', {
        help: 'It goes on without you. Look again with: bin/catwalk keys status',
      })
    }
    await delay(POLL_MS, undefined, { signal: context.signal })
    keys = await context.call('getKeys', {})
  }
  show(context, keys)
}

export async function retireKey(context: CommandContext, id: string): Promise<void> {
  show(context, await context.call('retireKey', { params: { id } }))
}

/** Prints the keys themselves, from the file on this machine: no server ever sends them. */
export async function exportKeys(context: CommandContext): Promise<void> {
  const { dataDir } = await context.installation()
  const file = join(dataDir, 'master.key')
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CatwalkError('master_key_missing', `There is no ${file} that this user can read.`, {
      help: 'Run it as the user who runs Catwalk. Keys that come from CATWALK_MASTER_KEY are kept where it is set.',
      cause: error,
    })
  })
  context.output.note(
    'Whoever has these keys and a copy of the database can read every credential. Keep them apart.',
  )
  const keys = text.split(/\s+/).filter((word) => word !== '')
  context.output.result({ keys }, () => keys.join('\n'))
}

function show({ output }: CommandContext, keys: Keys): void {
  output.result(keys, () =>
    formatTable(
      output,
      ['KEY', 'USE', 'SECRETS UNDER IT'],
      keys.keys.map(({ id, newest, secrets }) =>
        [id, newest ? 'encrypts' : 'decrypts', String(secrets)].map(cleanLine),
      ),
    ),
  )
  const { rotation } = keys
  if (rotation === null) return
  output.note(
    rotation.finishedAt === null
      ? `Everything is being brought under ${rotation.keyId}.`
      : `Everything was brought under ${rotation.keyId} at ${rotation.finishedAt}.`,
  )
  if (rotation.unreadable.length > 0) {
    output.note(`Could not be opened, and stayed as it is: ${rotation.unreadable.map(cleanLine).join(', ')}`)
  }
}
