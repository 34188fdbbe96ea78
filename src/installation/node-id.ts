import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isId, newId } from '../domain/index.ts'

/**
 * The id of the node that lives in this data directory; made at the first start. It stays the same over restarts, so
 * that a start after a crash can take back at once what the former run held.
 */
export async function readNodeId(dataDir: string): Promise<string> {
  const path = join(dataDir, 'node-id')
  const present = await readFile(path, 'utf8').catch(() => '')
  if (isId('node', present.trim())) return present.trim()
  const id = newId('node')
  await writeFile(`${path}.new`, `${id}\n`, { flush: true })
  await rename(`${path}.new`, path)
  return id
}
