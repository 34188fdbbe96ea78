import { describe, expect, test } from 'vitest'
import { snippetTarget } from './snippet-target.ts'
import { parseSource } from './source/parse.ts'
import { formatSource } from './source/format.ts'

function targetOf(server: object, chosen: string | null = null): ReturnType<typeof snippetTarget> {
  const source = parseSource(JSON.stringify({ mcpServers: { it: server } }))
  if (source.kind !== 'snippet') throw new Error('not a snippet')
  return snippetTarget(source, chosen)
}

describe('what a snippet starts', () => {
  test.each<[object, string, string[], string | null]>([
    [{ command: 'npx', args: ['-y', '@a/b@1.2.3', '--stdio'] }, 'npm:@a/b@1.2.3', ['--stdio'], null],
    [{ command: 'npx', args: ['--yes', '--', 'b'] }, 'npm:b', [], null],
    [{ command: 'npx', args: ['-p', '@a/b', 'b-mcp', 'run'] }, 'npm:@a/b', ['run'], 'b-mcp'],
    [{ command: 'npx', args: ['--package=@a/b', 'b-mcp'] }, 'npm:@a/b', [], 'b-mcp'],
    [{ command: 'C:\\nodejs\\npx.cmd', args: ['b'] }, 'npm:b', [], null],
    [{ command: 'cmd', args: ['/c', 'npx', '-y', 'b', 'x y'] }, 'npm:b', ['x y'], null],
    [{ command: 'bunx', args: ['b@latest'] }, 'npm:b@latest', [], null],
    [{ command: 'pnpm', args: ['dlx', 'b', '/data'] }, 'npm:b', ['/data'], null],
    [{ command: 'npx', args: ['-y', 'github:owner/name'] }, 'https://github.com/owner/name', [], null],
    [{ command: 'uvx', args: ['Some_Name', '--mode', 'ro'] }, 'pypi:some-name', ['--mode', 'ro'], null],
    [{ command: 'uvx', args: ['name[all]@latest'] }, 'pypi:name', [], null],
    [
      { command: 'uvx', args: ['--python', '3.12', '--from', 'name==1.0', 'cmd', 'x'] },
      'pypi:name==1.0',
      ['x'],
      'cmd',
    ],
    [
      { command: 'uvx', args: ['--from', 'git+https://github.com/o/n', 'cmd'] },
      'https://github.com/o/n',
      [],
      'cmd',
    ],
    [{ command: 'uv', args: ['tool', 'run', 'name'] }, 'pypi:name', [], null],
    [{ command: 'pipx', args: ['run', '--spec', 'name', 'cmd'] }, 'pypi:name', [], 'cmd'],
    [
      { command: 'docker', args: ['run', '-i', '--rm', '-e', 'A', '-v', '/x:/y', 'mcp/it', 'serve'] },
      'oci:docker.io/mcp/it',
      ['serve'],
      null,
    ],
    [
      { command: 'npx', args: ['mcp-remote', 'https://m.example/mcp', '--header', 'A: b'] },
      'remote:https://m.example/mcp#A={A}',
      [],
      null,
    ],
    [
      { url: 'https://m.example/sse', headers: { Authorization: 'Bearer x' } },
      'remote:https://m.example/sse#Authorization=Bearer%20{AUTHORIZATION}',
      [],
      null,
    ],
  ])('%j', (server, source, args, executable) => {
    const target = targetOf(server)
    expect(formatSource(target.source)).toBe(source)
    expect(target).toMatchObject({ args, executable })
  })

  test.each([
    { command: 'node', args: ['/home/me/server.js'] },
    { command: 'python', args: ['-m', 'server'] },
    { command: 'uv', args: ['--directory', '/home/me', 'run', 'x'] },
    { command: 'npx', args: [] },
    { command: 'docker', args: ['run', '--entrypoint', 'sh', 'mcp/it'] },
  ])("%j is only on its author's machine, or no package", (server) => {
    expect(() => targetOf(server)).toThrowError(
      expect.objectContaining({ code: 'source_not_deployable' }) as Error,
    )
  })

  test('a name with signs of a shell is refused', () => {
    expect(() => targetOf({ command: 'npx', args: ['-y', 'b; curl x'] })).toThrowError(
      expect.objectContaining({ code: 'invalid_package' }) as Error,
    )
  })
})

test('values are taken, what only stands for one is not', () => {
  const env = {
    TOKEN: 'tt_9f2c',
    REGION: 'eu',
    A: '<your token>',
    B: 'YOUR_API_KEY',
    C: '${input:key}',
    D: '',
    E: 'your-key-here',
    F: 'xxxx',
    G: '...',
  }
  expect(targetOf({ command: 'npx', args: ['b'], env }).env).toEqual({ TOKEN: 'tt_9f2c', REGION: 'eu' })
  expect(
    targetOf({ command: 'docker', args: ['run', '-e', 'TOKEN=abc', '-e', 'OTHER', 'mcp/it'] }).env,
  ).toEqual({ TOKEN: 'abc' })
})

test('one of several servers is chosen by name, and a name that is not there is told the others', () => {
  const source = parseSource(
    JSON.stringify({
      mcpServers: { a: { command: 'npx', args: ['x'] }, b: { command: 'npx', args: ['y'] } },
    }),
  )
  if (source.kind !== 'snippet') throw new Error('not a snippet')
  expect(formatSource(snippetTarget(source, 'b').source)).toBe('npm:y')
  expect(() => snippetTarget(source, 'c')).toThrowError(
    expect.objectContaining({
      code: 'server_not_found',
      details: { field: 'server', servers: ['a', 'b'] },
    }) as Error,
  )
})
