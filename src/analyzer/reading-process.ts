// Reads one snapshot and ends: a request comes in on stdin, the reading goes out on stdout, and the name of each file of
// code goes to descriptor 3 before it is parsed, so that the parent knows which one killed or stopped the parser.
import { readFileSync, writeSync } from 'node:fs'
import { openSnapshot, type SnapshotAddress } from './folder-snapshot.ts'
import { readSnapshot } from './read-snapshot.ts'

export interface ReadingRequest {
  readonly snapshot: SnapshotAddress
  /** Files of code to leave out, because they stopped an earlier attempt. `*` leaves out all. */
  readonly skip: readonly string[]
  /** After this many milliseconds no further file of code is begun. */
  readonly budgetMs: number
}

if (import.meta.main) {
  // Written by our own parent.
  const request = JSON.parse(readFileSync(0, 'utf8')) as ReadingRequest
  const skip = new Set(request.skip)
  const begun = performance.now()
  const reading = readSnapshot(openSnapshot(request.snapshot), (path) => {
    if (skip.has(path) || skip.has('*') || performance.now() - begun > request.budgetMs) return false
    writeSync(3, `${path}\n`)
    return true
  })
  writeSync(3, '\n')
  process.stdout.write(
    JSON.stringify(reading, (_, value: unknown) =>
      value instanceof Map ? { map: [...value] } : value instanceof Set ? { set: [...value] } : value,
    ),
  )
}
