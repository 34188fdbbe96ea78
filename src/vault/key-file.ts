import { randomUUID } from 'node:crypto'
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { CatwalkError } from '../domain/index.ts'
import { newMasterKey, parseKeyRing } from './key-ring.ts'

const NAME = 'master.key'

/**
 * The text of `master.key` in the data directory, null when there is none.
 * @throws CatwalkError `config_invalid` when others can read it
 */
export async function readKeyFile(dataDir: string): Promise<{ text: string; file: string } | null> {
  const file = path.join(dataDir, NAME)
  try {
    const { mode } = await stat(file)
    if ((mode & 0o077) !== 0) throw tooOpen(file, mode)
    return { text: await readFile(file, 'utf8'), file }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

function tooOpen(file: string, mode: number): CatwalkError {
  const shown = (mode & 0o777).toString(8).padStart(4, '0')
  return new CatwalkError(
    'config_invalid',
    `${file} can be read or changed by others (its mode is ${shown}).`,
    {
      help: `Type: chmod 600 ${file}. If somebody may have read it, replace the key.`,
      details: { field: 'CATWALK_MASTER_KEY' },
    },
  )
}

/**
 * Writes a new key, readable by this user alone. On the disk before it is used; whole or not there; an existing file
 * is never replaced.
 * @returns what the file holds, which is another program's key when that was quicker
 */
export async function createKeyFile(dataDir: string): Promise<{ text: string; file: string }> {
  const file = path.join(dataDir, NAME)
  const unfinished = path.join(dataDir, `${NAME}.${randomUUID()}`)
  try {
    await writeThrough(unfinished, `${newMasterKey()}\n`)
    await link(unfinished, file).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    })
  } finally {
    await rm(unfinished, { force: true })
  }
  await syncDirectory(dataDir)
  return { text: await readFile(file, 'utf8'), file }
}

/**
 * Puts a new key in front of those in the file.
 * @returns what the file holds then
 */
export async function addToKeyFile(dataDir: string): Promise<string> {
  return replaceKeyFile(dataDir, (text) => `${newMasterKey()}\n${text.trim()}\n`)
}

/**
 * Takes one key out of the file.
 * @returns what the file holds then
 */
export async function removeFromKeyFile(dataDir: string, keyId: string): Promise<string> {
  return replaceKeyFile(dataDir, (text) => {
    const words = text.split(/[\s,]+/).filter((word) => word !== '')
    return `${words.filter((word) => parseKeyRing(word, NAME).newest.id !== keyId).join('\n')}\n`
  })
}

/** The former file or the new one is there at every moment, never a part of either. */
async function replaceKeyFile(dataDir: string, edit: (text: string) => string): Promise<string> {
  const existing = await readKeyFile(dataDir)
  if (existing === null) {
    throw new CatwalkError('master_key_missing', `${path.join(dataDir, NAME)} is gone.`)
  }
  const text = edit(existing.text)
  const unfinished = path.join(dataDir, `${NAME}.${randomUUID()}`)
  try {
    await writeThrough(unfinished, text)
    await rename(unfinished, existing.file)
  } finally {
    await rm(unfinished, { force: true })
  }
  await syncDirectory(dataDir)
  return text
}

async function writeThrough(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
