import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { INSIDE } from '../../confined/index.ts'
import { seccompFilter } from './seccomp.ts'

/** Names of what a sandbox needs in the toolchain's directory besides Node and npm. */
export const SECCOMP_FILTER = 'seccomp.bpf'
const INIT_NAME = 'sandbox-init.cjs'

/** The first program inside, as the sandbox sees it. */
export const INIT = `${INSIDE.toolchain}/${INIT_NAME}`

/** What they hold. */
export async function toolchainFiles(): Promise<ReadonlyMap<string, Buffer>> {
  const { arch } = process
  if (arch !== 'x64' && arch !== 'arm64') {
    throw new Error(`there is no system call filter for the architecture ${arch}`)
  }
  return new Map([
    [INIT_NAME, await readFile(fileURLToPath(new URL('sandbox-init.cjs', import.meta.url)))],
    [SECCOMP_FILTER, seccompFilter(arch)],
  ])
}
