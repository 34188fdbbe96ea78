import { readdir, readFile } from 'node:fs/promises'
import { until } from './until.ts'

/** Command lines of all processes that mention a text, such as a data directory, in command line or environment. */
export async function processesMentioning(text: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [command, environment] = await Promise.all([read(pid, 'cmdline'), read(pid, 'environ')])
      // A zombie has no command line; it is its parent's duty to reap it, so it counts as well.
      return command.includes(text) || environment.includes(text)
        ? `${pid} ${command.replaceAll('\0', ' ')}`
        : null
    }),
  )
  return found.filter((line) => line !== null)
}

/** What is still there of a program that was ended, once all that ends by itself has ended. */
export async function strayProcesses(dataDir: string): Promise<readonly string[]> {
  const ended = until('every process has ended', async () => {
    const found = await processesMentioning(dataDir)
    return found.length === 0 ? found : null
  })
  return ended.catch(() => processesMentioning(dataDir))
}

async function read(pid: string, file: string): Promise<string> {
  // Ended in between, or another user's.
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
}
