import type { Limits } from '../../confined/index.ts'

/** What Node itself reserves without using it; measured at 560 MiB. */
const NODE_RESERVES_MIB = 1_024

const MIB = 1024 * 1024

/**
 * The command that sets limits which a process has for itself. Where there are no control groups those of memory and
 * processes are among them: blunter, because only what is reserved counts, but the host does not run out. The number of
 * processes is counted within the sandbox's own user namespace.
 */
export function processLimits({ memoryMiB, tasks, fileMiB }: Limits, hasGroup: boolean): string[] {
  return [
    '/usr/bin/prlimit',
    ...(hasGroup ? [] : [`--data=${(memoryMiB + NODE_RESERVES_MIB) * MIB}`, `--nproc=${tasks}`]),
    ...(fileMiB === null ? [] : [`--fsize=${fileMiB * MIB}`]),
    '--core=0',
    '--',
  ]
}
