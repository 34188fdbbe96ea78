import { mkdir, rename, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import path from 'node:path'
import { DATABASE_USER } from './target.ts'

/**
 * Writes who may connect. Nobody but the user who runs Catwalk gets in: the kernel tells the server who is at the other
 * end of the socket.
 */
export async function writeAuthFiles(directory: string): Promise<void> {
  const name = userInfo().username.replaceAll('"', '""')
  const files = {
    'pg_hba.conf': `local all ${DATABASE_USER} peer map=catwalk\n`,
    'pg_ident.conf': `catwalk "${name}" ${DATABASE_USER}\n`,
  }
  await mkdir(directory, { recursive: true })
  for (const [file, content] of Object.entries(files)) {
    const target = path.join(directory, file)
    await writeFile(`${target}.new`, content, { mode: 0o644 })
    await rename(`${target}.new`, target)
  }
}
