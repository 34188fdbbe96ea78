import type { Writable } from 'node:stream'
import type { Bytes } from '../../protocol/index.ts'

/** Short messages are collected up to this many bytes before they are written. */
const BATCH_LETTERS = 65_536

export interface StdinWriter {
  /** Sends one message; the line break is added here. */
  write(message: Bytes): void
  /** Whether the server has stopped taking what is written. */
  readonly blocked: boolean
  /** Resolves when it takes more, or is gone. */
  unblocked(): Promise<void>
}

/**
 * Writes messages to a server's stdin. Those of one turn of the event loop go out in one system call, which wakes the
 * server once instead of once a message.
 */
export function createStdinWriter(stdin: Writable): StdinWriter {
  let batch = ''
  let scheduled = false
  // The end of the process is reported by the process; a broken pipe says nothing more.
  stdin.on('error', () => undefined)

  function flush(): void {
    scheduled = false
    if (batch === '') return
    const text = batch
    batch = ''
    if (stdin.writable) stdin.write(text, 'latin1')
  }

  return {
    write(message) {
      if (typeof message === 'string') {
        batch += message + '\n'
        if (batch.length > BATCH_LETTERS) flush()
        else if (!scheduled) {
          scheduled = true
          setImmediate(flush)
        }
        return
      }
      flush()
      if (!stdin.writable) return
      stdin.cork()
      for (const part of message) stdin.write(part)
      stdin.write('\n')
      stdin.uncork()
    },
    get blocked() {
      return stdin.writable && stdin.writableNeedDrain
    },
    unblocked() {
      const { promise, resolve } = Promise.withResolvers<void>()
      if (!stdin.writable || !stdin.writableNeedDrain) resolve()
      else {
        const done = () => {
          stdin.off('drain', done).off('close', done)
          resolve()
        }
        stdin.once('drain', done).once('close', done)
      }
      return promise
    },
  }
}
