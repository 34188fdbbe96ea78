import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Program } from '../support/program.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/catwalk', import.meta.url))

/** Runs one command of the command line against a program, as from another terminal. */
export async function runCatwalk(
  program: Program,
  args: readonly string[],
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const env = { ...process.env, CATWALK_DATA_DIR: program.dataDir }
  return new Promise((resolve) => {
    execFile(process.execPath, [LAUNCHER, ...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ exitCode, stdout, stderr })
    })
  })
}
