import { INSIDE } from '../../command.ts'

/** Share of the memory limit that JavaScript's own heap may take; the rest is for buffers, code and threads. */
const HEAP_SHARE = 0.75

/** How a script is run by Node. `script` is where the sandbox sees it. */
export function nodeProgram(flags: readonly string[], script: string, memoryMiB: number): readonly string[] {
  return [...nodeInterpreter(memoryMiB), ...flags, script]
}

/** Node with what it has to know of the sandbox; flags of the server's own and its script come after it. */
export function nodeInterpreter(memoryMiB: number): readonly string[] {
  return [
    INSIDE.node,
    // Node cannot see the limit from inside, and would collect garbage too late.
    `--max-old-space-size=${Math.floor(memoryMiB * HEAP_SHARE)}`,
    // Who runs a proxy that opens TLS has told the system of its certificate, and Node looks elsewhere by itself.
    '--use-system-ca',
  ]
}
