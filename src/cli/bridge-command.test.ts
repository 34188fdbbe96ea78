import { expect, test } from 'vitest'
import { readBridgeCommand } from './bridge-command.ts'
import { createProgram } from './program.ts'
import type { BridgeCommand, Programs } from './programs.ts'

/** What the full definition of the command line makes of the words. */
async function defined(words: readonly string[]): Promise<BridgeCommand | null> {
  let found: BridgeCommand | null = null
  const quiet = { write: () => true }
  const program = createProgram({
    // Only what `bridge` asks for.
    programs: {
      version: '0',
      bridge: (command: BridgeCommand) => Promise.resolve(void (found = command)),
    } as unknown as Programs,
    host: { ...process, stdout: quiet, stderr: quiet } as unknown as typeof process,
    json: false,
    serveFlags: [],
    run: () => Promise.resolve(),
  })
  await program.parseAsync([...words], { from: 'user' }).catch(() => undefined)
  return found
}

test.each([
  ['bridge --port 0 -- node server.js'],
  ['bridge --port 65535 --host ::1 -- npx -y thing --port 9 -- --json'],
  ['bridge --secret-file /run/secret --host 0.0.0.0 --port 80 -- server'],
  ['bridge --port 1 --port 2 -- server'],
])('%s is read without the definition as with it', async (line) => {
  const words = line.split(' ')
  const command = readBridgeCommand(words)
  expect(command).not.toBeNull()
  expect(command).toEqual(await defined(words))
})

test.each([
  ['bridge -- server'],
  ['bridge --port 0'],
  ['bridge --port 0 --'],
  ['bridge --port 65536 -- server'],
  ['bridge --port 1e3 -- server'],
  ['bridge --port -1 -- server'],
  ['bridge --port=0 -- server'],
  ['bridge --port 0 server'],
  ['bridge --port 0 --help -- server'],
  ['bridge --port 0 --json yes -- server'],
  ['bridge --host --port 0 -- server'],
  ['bridge x --port 0 -- server'],
  ['serve --port 0 -- server'],
  ['--port bridge 0 -- server'],
])('%s is left to the definition', (line) => {
  expect(readBridgeCommand(line.split(' '))).toBeNull()
})
