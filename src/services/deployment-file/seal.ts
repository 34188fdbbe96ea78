import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { z } from 'zod'
import type { RouteOutput } from '../../contract/index.ts'
import { CatwalkError } from '../../domain/index.ts'

export type File = RouteOutput<'exportDeployment'>
type Sealed = NonNullable<File['secrets']>
type Kdf = Sealed['kdf']

const KEY_BYTES = 32
const SALT_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** 64 MiB and twice over, one of the settings that OWASP's password storage cheat sheet gives. */
const COST = { n: 65_536, r: 8, p: 2 } as const
/** Of a file that an import still takes. */
const MAX_SEALED_BYTES = 2_500_000

const Values = z.record(z.string().max(256), z.string().max(65_536))

/**
 * The file with values in it. Everything else in the file is authenticated with them, so that nobody can point them at
 * another package.
 * @throws CatwalkError `payload_too_large`
 */
export async function sealValues(
  file: File,
  values: Readonly<Record<string, string>>,
  passphrase: string,
): Promise<File> {
  const clear = Buffer.from(JSON.stringify(values))
  if (clear.length > MAX_SEALED_BYTES) {
    throw new CatwalkError('payload_too_large', 'The values are too large for a file.', {
      help: 'Export it without secrets, and give the values when it is imported.',
    })
  }
  const kdf: Kdf = { name: 'scrypt', ...COST, salt: randomBytes(SALT_BYTES).toString('base64') }
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', await deriveKey(passphrase, kdf), nonce)
  cipher.setAAD(authenticated(file, kdf))
  const data = Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()])
  return {
    ...file,
    secrets: {
      kdf,
      cipher: 'aes-256-gcm',
      nonce: nonce.toString('base64'),
      data: data.toString('base64'),
    },
  }
}

/**
 * The values in a file.
 * @throws CatwalkError `passphrase_wrong`, also when anything in the file was changed
 */
export async function openValues(
  file: File,
  secrets: Sealed,
  passphrase: string,
): Promise<Readonly<Record<string, string>>> {
  const data = Buffer.from(secrets.data, 'base64')
  const nonce = Buffer.from(secrets.nonce, 'base64')
  const key = await deriveKey(passphrase, secrets.kdf)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(authenticated(file, secrets.kdf))
    decipher.setAuthTag(data.subarray(-TAG_BYTES))
    const clear = Buffer.concat([decipher.update(data.subarray(0, -TAG_BYTES)), decipher.final()])
    return Values.parse(JSON.parse(clear.toString('utf8')))
  } catch (error) {
    throw new CatwalkError('passphrase_wrong', 'The values in the file cannot be opened.', { cause: error })
  }
}

function deriveKey(passphrase: string, { n, r, p, salt }: Kdf): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(
      passphrase.normalize('NFC'),
      Buffer.from(salt, 'base64'),
      KEY_BYTES,
      { N: n, r, p, maxmem: 256 * n * r },
      (error, key) => (error === null ? resolve(key) : reject(error)),
    )
  })
}

/** The rest of the file and how the key was made; the order of members says nothing. */
function authenticated(file: File, kdf: Kdf): Buffer {
  return Buffer.from(JSON.stringify(sorted({ ...file, secrets: { kdf } })))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  )
}
