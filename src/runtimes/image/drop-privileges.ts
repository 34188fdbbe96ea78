import { execFile } from 'node:child_process'
import { mkdir, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { INSIDE } from '../confined/index.ts'

/** Who everything runs as in a machine that begins as root. It needs no passwd entry. */
const USER = 1000
const CHOWN_MS = 120_000

/**
 * Becomes an ordinary user for good, where the machine began as root, because nothing that follows needs more. What is
 * written to is made that user's before: a fresh volume is root's, and so is what an earlier version left there.
 * @param dataDir where packages are kept
 */
export async function dropPrivileges(dataDir: string): Promise<void> {
  const { getuid, setgroups, setgid, setuid } = process
  if (getuid === undefined || setgroups === undefined || setgid === undefined || setuid === undefined) return
  if (getuid() !== 0) return
  for (const directory of [dataDir, INSIDE.home]) {
    await mkdir(directory, { recursive: true })
    if ((await stat(directory)).uid === USER) continue
    await promisify(execFile)('chown', ['-R', '-h', `${USER}:${USER}`, directory], { timeout: CHOWN_MS })
  }
  setgroups([])
  setgid(USER)
  setuid(USER)
}
