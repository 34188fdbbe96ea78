// Runs in Node 24 before the program that a launcher starts.
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// Keeps the code without its types and already parsed: half a second less for a start, half the time for a command.
// Where it may not write, it does nothing.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/catwalk', import.meta.url)))

if (process.channel) {
  // When the launcher is gone, killed with -9 included, end in order.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // The channel is only for noticing that; it must not keep the program alive by itself.
  process.channel.unref()
}
