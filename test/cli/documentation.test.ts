import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { run } from './run.ts'

test('docs/cli.md names every command and, for deploy, every option', async () => {
  const document = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8')
  const commands = await commandsOf([])
  expect(commands).toContain('deploy')
  for (const command of commands) {
    for (const words of await withSubcommands(command)) expect(document).toContain(`\`${words}`)
  }
  const { stdout } = await run(null, ['help', 'deploy'])
  const options = [...stdout.matchAll(/--[a-z-]+/g)].map(([option]) => option)
  for (const option of options.filter((name) => name !== '--help')) expect(document).toContain(option)
})

async function withSubcommands(command: string): Promise<readonly string[]> {
  const nested = await commandsOf([command])
  return nested.length === 0 ? [command] : nested.map((name) => `${command} ${name}`)
}

/** The names under which help lists commands, without `help` itself. */
async function commandsOf(words: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run(null, [...words, '--help'])
  const groups = stdout
    .split(/^(?=\S.*:$)/m)
    .filter((group) => !/^(?:Usage|Options|Server|Arguments)/.test(group))
  return groups.flatMap((group) =>
    [...group.matchAll(/^ {2}(?!help\b)([a-z-]+)/gm)].map(([, name]) => name ?? ''),
  )
}
