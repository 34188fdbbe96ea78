import type { Limits } from '../../confined/index.ts'

/** What Node itself reserves without using it; measured at 560 MiB. */
const NODE_RESERVES_MIB = 1_024

/**
 * The command that sets limits for a single process where there are no control groups: blunter, because each process has
 * them for itself and only what is reserved counts, but the host does not run out of memory or processes. The number of
 * processes is counted within the sandbox's own user namespace.
 */
export function processLimits({ memoryMiB, tasks }: Limits): string[] {
  const bytes = (memoryMiB + NODE_RESERVES_MIB) * 1024 * 1024
  return ['/usr/bin/prlimit', `--data=${bytes}`, `--nproc=${tasks}`, '--core=0', '--']
}
