import { describe, expect, test } from 'vitest'
import { parseBundle } from './manifest.ts'
import { startBundle } from './start.ts'

const PLACES = { bundle: '/b', home: '/h' }

function bundle(config: object, userConfig: object = {}, type = 'node') {
  return parseBundle(
    JSON.stringify({
      manifest_version: '0.3',
      name: 'x',
      version: '1.0.0',
      server: { type, entry_point: 's.js', mcp_config: { command: 'node', ...config } },
      user_config: userConfig,
    }),
  )
}

const start = (config: object, userConfig: object, given: Readonly<Record<string, string>> = {}) => {
  const { args, environment } = startBundle(
    bundle(config, userConfig),
    new Map(Object.entries(given)),
    PLACES,
  )
  return { args, environment: Object.fromEntries(environment) }
}

describe('the start of a bundle', () => {
  test('has the places of this machine, and one home for all that a desktop has', () => {
    expect(
      start(
        {
          args: ['${__dirname}/s.js', '${HOME}', '${DESKTOP}${/}x', '${pathSeparator}', '${else}'],
          env: { PYTHONPATH: '${__dirname}/lib', LD_PRELOAD: '${__dirname}/evil.so', NODE_OPTIONS: '-r x' },
        },
        {},
      ),
    ).toEqual({ args: ['/b/s.js', '/h', '/h/x', '/', '${else}'], environment: { PYTHONPATH: '/b/lib' } })
  })

  test('has the values of the user wherever they stand, and its own settings unless the user has others', () => {
    const config = {
      args: ['s.js', '--root=${user_config.root}'],
      env: { TOKEN: '${user_config.token}', AUTH: 'Bearer ${user_config.token}', MODE: 'fast' },
    }
    const asked = { token: { type: 'string', required: true }, root: { type: 'directory' } }
    expect(start(config, asked, { TOKEN: 't', root: '${HOME}/r', MODE: 'slow' })).toEqual({
      args: ['s.js', '--root=/h/r'],
      environment: { TOKEN: 't', AUTH: 'Bearer t' },
    })
  })

  test('is without what depends on a value that nobody gave, and without the flag before it', () => {
    const config = {
      args: ['s.js', '--database', '${user_config.file}', '--level', '${user_config.level}', '-v'],
      env: { TOKEN: '${user_config.token}' },
    }
    const asked = { file: { type: 'file' }, level: { type: 'number', default: 3 }, token: { type: 'string' } }
    expect(start(config, asked)).toEqual({ args: ['s.js', '--level', '3', '-v'], environment: {} })
  })

  test('has several values as words of their own, given as JSON or one a line, or as its author chose them', () => {
    const config = { args: ['s.js', '${user_config.dirs}'], env: { DIRS: '${user_config.dirs}' } }
    const asked = { dirs: { type: 'directory', multiple: true, default: ['${HOME}/a', '${HOME}/b'] } }
    const expected = { args: ['s.js', '/h/a', '/h/b'], environment: { DIRS: '/h/a,/h/b' } }
    expect(start(config, asked)).toEqual(expected)
    expect(start(config, asked, { DIRS: '["/h/a", "/h/b"]' })).toEqual(expected)
    expect(start(config, asked, { DIRS: '/h/a\n${HOME}/b\n' })).toEqual(expected)
  })

  test('a value never becomes a place or another value, whatever it says', () => {
    const config = { args: ['s.js', '${user_config.text}'], env: { T: '${user_config.text}' } }
    expect(
      start(config, { text: { type: 'string' } }, { T: '${__dirname}${user_config.text}' }).args,
    ).toEqual(['s.js', '${__dirname}${user_config.text}'])
  })

  test('is what the manifest says for Linux', () => {
    const { command, args } = bundle({
      command: 'bin/mac',
      args: ['--mac'],
      platform_overrides: { linux: { command: 'bin/linux', args: ['--linux'] }, win32: { command: 'x.exe' } },
    })
    expect([command, args]).toEqual(['bin/linux', [['--linux']]])
  })
})

test('a value that only texts hold is asked for under the name of its key, which is no variable of the server', () => {
  const read = bundle(
    { env: { API_KEY: 'Bearer ${user_config.API_KEY}' } },
    { API_KEY: { type: 'string', sensitive: true, required: true } },
  )
  expect(read.fields).toMatchObject([
    { key: 'API_KEY', variable: 'CONFIG_API_KEY', sensitive: true, isOwn: false },
  ])
  const { environment, hidden } = startBundle(read, new Map([['CONFIG_API_KEY', 'k']]), PLACES)
  expect([...environment]).toEqual([['API_KEY', 'Bearer k']])
  expect([...hidden]).toEqual(['CONFIG_API_KEY'])
})

test.each([
  '',
  '[]',
  '{"manifest_version": "0.3"}',
  '{"manifest_version":"0.3","server":{"type":"rust"}}',
  '{"manifest_version":"0.3","server":{"type":"node"}}',
])('a manifest that is none is refused: %s', (text) => {
  expect(() => parseBundle(text)).toThrow(expect.objectContaining({ code: 'source_malformed' }))
})
