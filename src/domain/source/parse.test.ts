import { array, assert, constantFrom, oneof, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CatwalkError } from '../errors.ts'
import { formatSource } from './format.ts'
import { parseSource } from './parse.ts'

const github = (owner: string, repository: string, ref: string | null = null, path = '') => ({
  kind: 'github',
  host: 'github.com',
  owner,
  repository,
  ref,
  path,
})
const git = (url: string, ref: string | null = null, path = '') => ({ kind: 'git', url, ref, path })

function refusal(text: string): CatwalkError {
  try {
    throw new Error(`read as ${JSON.stringify(parseSource(text))}`)
  } catch (error) {
    if (error instanceof CatwalkError) return error
    throw error
  }
}

describe('a repository on GitHub', () => {
  test.each([
    'owner/name',
    'owner/name.git',
    ' owner/name/ ',
    'github:owner/name',
    'github.com/owner/name',
    'www.github.com/owner/name',
    'https://github.com/owner/name',
    'http://github.com/owner/name',
    'HTTPS://GitHub.com/owner/name/',
    'https://www.github.com/owner/name',
    'https://github.com/owner/name.git',
    'https://github.com/owner/name?tab=readme-ov-file#usage',
    'https://github.com/owner/name/issues/12',
    '<https://github.com/owner/name>',
    'git+https://github.com/owner/name.git',
    'git://github.com/owner/name.git',
    'git@github.com:owner/name.git',
    'ssh://git@github.com/owner/name.git',
    'ssh://git@github.com:22/owner/name.git',
    'git+ssh://git@github.com/owner/name.git',
    'git+ssh://git@github.com:owner/name.git',
    'https://github.com/owner/name/tree/HEAD',
  ])('is recognised in %j', (text) => {
    expect(parseSource(text)).toEqual(github('owner', 'name'))
  })

  test.each([
    ['owner/name@v1.2', 'v1.2', ''],
    ['owner/name#feature/x', 'feature/x', ''],
    ['owner/name@@scope/pkg@1.0.0', '@scope/pkg@1.0.0', ''],
    ['https://github.com/owner/name/tree/main', 'main', ''],
    ['https://github.com/owner/name/tree/main/', 'main', ''],
    ['https://github.com/owner/name/tree/main/src/mail%20box', 'main', 'src/mail box'],
    ['https://github.com/owner/name/tree/feature%2Fx/src', 'feature/x', 'src'],
    ['https://github.com/owner/name/blob/main/README.md', 'main', ''],
    ['https://github.com/owner/name/blob/main/src/mail/README.md?plain=1#L3', 'main', 'src/mail'],
    [
      'https://github.com/owner/name/commit/0123456789abcdef0123456789abcdef01234567',
      '0123456789abcdef0123456789abcdef01234567',
      '',
    ],
    ['https://github.com/owner/name/releases/tag/v1.0', 'v1.0', ''],
    ['https://github.com/owner/name/releases', null, ''],
    ['https://raw.githubusercontent.com/owner/name/main/src/README.md', 'main', 'src'],
    ['https://raw.githubusercontent.com/owner/name/refs/heads/main/README.md', 'main', ''],
    ['git+https://github.com/owner/name.git#v2', 'v2', ''],
    ['git+https://github.com/owner/name@v2', 'v2', ''],
    ['git+https://github.com/owner/name.git@v2#subdirectory=packages/mail', 'v2', 'packages/mail'],
  ])('keeps branch, tag, commit and folder of %j', (text, ref, path) => {
    expect(parseSource(text)).toEqual(github('owner', 'name', ref, path))
  })

  test('is recognised on an Enterprise server that is configured, and only there', () => {
    const options = { githubHosts: ['ghe.example.com'] }
    const expected = { ...github('owner', 'name', 'main', 'src'), host: 'ghe.example.com' }
    expect(parseSource('https://ghe.example.com/owner/name/tree/main/src', options)).toEqual(expected)
    expect(parseSource('git@ghe.example.com:owner/name.git', options)).toMatchObject({
      kind: 'github',
      host: 'ghe.example.com',
    })
    expect(parseSource('git@ghe.example.com:owner/name.git')).toEqual(
      git('https://ghe.example.com/owner/name.git'),
    )
  })

  test.each([
    'https://github.com/',
    'https://github.com/owner',
    'https://github.com/topics/mcp',
    'https://github.com/owner/..%2f..',
    'https://github.com/owner/name/tree/main/..%2f..%2fetc',
    'https://github.com/owner/name/tree/main/a%5c..',
    'https://github.com/owner/name/tree/main/a%00b',
    'https://github.com/owner/name/tree/-x',
    'https://github.com/owner/name/tree/a..b',
    'https://github.com/owner/name/tree/%E0%A4%A',
    'owner/name@--upload-pack=x',
    'owner/name; curl x',
    'owner/na me',
    '-owner/name',
    'оwner/name', // the first letter is Cyrillic
    'owner/name\u202e',
  ])('%j is refused', (text) => {
    expect(refusal(text).code).toBe('invalid_source')
  })
})

describe('a repository elsewhere', () => {
  test.each([
    ['https://gitlab.com/group/sub/name', git('https://gitlab.com/group/sub/name')],
    ['gitlab.com/group/name', git('https://gitlab.com/group/name')],
    ['gitlab:group/name', git('https://gitlab.com/group/name')],
    [
      'https://gitlab.com/group/name/-/tree/main/src/x',
      git('https://gitlab.com/group/name', 'main', 'src/x'),
    ],
    [
      'https://gitlab.com/group/name/-/blob/main/src/README.md',
      git('https://gitlab.com/group/name', 'main', 'src'),
    ],
    ['https://bitbucket.org/team/name/src/main/src', git('https://bitbucket.org/team/name', 'main', 'src')],
    [
      'https://codeberg.org/team/name/src/branch/main/src',
      git('https://codeberg.org/team/name', 'main', 'src'),
    ],
    ['https://code.example.com:8443/team/name.git', git('https://code.example.com:8443/team/name.git')],
    ['https://git.example.com/team/name', git('https://git.example.com/team/name')],
    ['git+https://code.example.com/name', git('https://code.example.com/name')],
    ['git@code.example.com:team/name.git', git('https://code.example.com/team/name.git')],
    ['ssh://git@code.example.com:2222/team/name.git', git('https://code.example.com/team/name.git')],
    [
      'git:https://code.example.com/team/name#ref=%40scope%2Fx%401.0&subdirectory=a%2Fb',
      git('https://code.example.com/team/name', '@scope/x@1.0', 'a/b'),
    ],
  ])('%j', (text, expected) => {
    expect(parseSource(text)).toEqual(expected)
  })
})

describe('a package', () => {
  test.each([
    ['npm:@scope/name@1.2.3', { kind: 'npm', name: '@scope/name', version: '1.2.3' }],
    ['@scope/name', { kind: 'npm', name: '@scope/name', version: null }],
    ['https://www.npmjs.com/package/@scope/name', { kind: 'npm', name: '@scope/name', version: null }],
    [
      'https://www.npmjs.com/package/name/v/1.2.3?activeTab=code',
      { kind: 'npm', name: 'name', version: '1.2.3' },
    ],
    ['pypi:My_Server.x', { kind: 'pypi', name: 'my-server-x', version: null }],
    ['pypi:server==1.0.0rc1', { kind: 'pypi', name: 'server', version: '1.0.0rc1' }],
    ['https://pypi.org/project/my-server/1.0.0/', { kind: 'pypi', name: 'my-server', version: '1.0.0' }],
    [
      'oci:mcp/fetch',
      { kind: 'oci', registry: 'docker.io', repository: 'mcp/fetch', tag: null, digest: null },
    ],
    [
      'docker:nginx:1.27',
      { kind: 'oci', registry: 'docker.io', repository: 'library/nginx', tag: '1.27', digest: null },
    ],
    [
      'ghcr.io/owner/server:v1',
      { kind: 'oci', registry: 'ghcr.io', repository: 'owner/server', tag: 'v1', digest: null },
    ],
    [
      `oci:registry.example.com:5000/a/b:x@sha256:${'0'.repeat(64)}`,
      {
        kind: 'oci',
        registry: 'registry.example.com:5000',
        repository: 'a/b',
        tag: 'x',
        digest: `sha256:${'0'.repeat(64)}`,
      },
    ],
    [
      'https://hub.docker.com/r/mcp/fetch',
      { kind: 'oci', registry: 'docker.io', repository: 'mcp/fetch', tag: null, digest: null },
    ],
    [
      'https://github.com/owner/name/releases/download/v1/name.mcpb',
      { kind: 'mcpb', url: 'https://github.com/owner/name/releases/download/v1/name.mcpb', sha256: null },
    ],
    [
      'https://github.com/owner/name/blob/main/dist/name.dxt',
      { kind: 'mcpb', url: 'https://github.com/owner/name/raw/main/dist/name.dxt', sha256: null },
    ],
    [
      `mcpb:https://files.example/get?name=x#sha256=${'0'.repeat(64)}`,
      { kind: 'mcpb', url: 'https://files.example/get?name=x', sha256: '0'.repeat(64) },
    ],
    ['io.github.owner/server', { kind: 'registry', name: 'io.github.owner/server', version: null }],
    ['registry:com.example/server@1.0.0', { kind: 'registry', name: 'com.example/server', version: '1.0.0' }],
    [
      'https://registry.modelcontextprotocol.io/v0.1/servers/io.github.owner%2Fserver/versions/latest',
      { kind: 'registry', name: 'io.github.owner/server', version: null },
    ],
  ])('%j', (text, expected) => {
    expect(parseSource(text)).toEqual(expected)
  })

  test.each([
    'npm:@evil/pkg; curl x',
    'npm:',
    'npm:UPPER',
    'npm:../x',
    'pypi:-x',
    'pypi:a b',
    'pypi:x==1.*',
    'pypi:x>=1',
    'pypi:раypal',
    'oci:UPPER/x',
    'oci:a@sha256:1',
    'oci:--privileged',
    'oci:a/../b',
  ])('%j is refused', (text) => {
    expect(refusal(text).code).toBe('invalid_package')
  })
})

describe('a remote server', () => {
  test.each([
    ['https://mcp.example.com/mcp', 'https://mcp.example.com/mcp'],
    ['https://mcp.example.com/sse?team=1#top', 'https://mcp.example.com/sse?team=1'],
    ['remote:https://gitlab.com/api/mcp', 'https://gitlab.com/api/mcp'],
    ['http://127.0.0.1:3000/mcp', 'http://127.0.0.1:3000/mcp'],
  ])('%j', (text, url) => {
    expect(parseSource(text)).toEqual({ kind: 'remote', url })
  })

  test.each([
    'http://mcp.example.com/mcp',
    'http://files.example/name.mcpb',
    'mcpb:file:///etc/passwd',
    'https://files.example/name.mcpb#sha256=1',
    'ftp://example.com/x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'remote:file:///x',
    'https://',
  ])('%j is refused', (text) => {
    expect(refusal(text).code).toBe('invalid_source')
  })

  test.each([
    'https://me:hunter2@github.com/o/n',
    'https://hunter2@example.com/x.git',
    'git:https://hunter2@x.example/a/b',
    'xyz://me:hunter2@example.com',
  ])('a password in the address is refused and not repeated: %j', (text) => {
    const error = refusal(text)
    expect(error.code).toBe('invalid_source')
    expect(JSON.stringify(error.toBody())).not.toContain('hunter2')
  })
})

describe('a snippet', () => {
  const files = {
    kind: 'program',
    name: 'files',
    command: 'npx',
    args: ['-y', 'server-files', '/data'],
    env: { KEY: 'x' },
  }
  const inner = '{"command": "npx", "args": ["-y", "server-files", "/data"], "env": {"KEY": "x"}}'

  test.each([
    ['the form of Claude', `{"mcpServers": {"files": ${inner}}}`],
    ['without the outer braces', `"mcpServers": {"files": ${inner}},`],
    ['the form of VS Code', `{"servers": {"files": ${inner}}, "inputs": []}`],
    ['nested settings', `{"mcp": {"servers": {"files": ${inner}}}}`],
    ['a server under its name', `{"files": ${inner}}`],
    [
      'in a fence, with comments and commas',
      '```json\n{\n  // the server\n  "mcpServers": {"files": /* here */ ' +
        inner.replace('"}}', '",},}') +
        ',},\n}\n```',
    ],
    [
      "Zed's nested command",
      '{"context_servers": {"files": {"command": {"path": "npx", "args": ["-y", "server-files", "/data"], "env": {"KEY": "x"}}}}}',
    ],
    [
      'the whole line as one text',
      '{"mcpServers": {"files": {"command": "npx -y server-files /data", "env": {"KEY": "x"}}}}',
    ],
    ['an add command of Claude Code', 'claude mcp add files -e KEY=x -- npx -y server-files /data'],
  ])('is read in %s', (_form, text) => {
    expect(parseSource(text)).toEqual({ kind: 'snippet', servers: [files] })
  })

  test('keeps all servers, remote ones among them', () => {
    const text = `{"mcpServers": {"files": ${inner}, "far": {"type": "sse", "url": "https://x.example/sse", "headers": {"Authorization": "Bearer t"}}}}`
    expect(parseSource(text)).toEqual({
      kind: 'snippet',
      servers: [
        files,
        {
          kind: 'remote',
          name: 'far',
          url: 'https://x.example/sse',
          transport: 'sse',
          headers: { Authorization: 'Bearer t' },
        },
      ],
    })
  })

  test('is also a command line', () => {
    expect(parseSource("docker run -i --rm \\\n  -e TOKEN='a b' mcp/fetch")).toEqual({
      kind: 'snippet',
      servers: [
        {
          kind: 'program',
          name: 'server',
          command: 'docker',
          args: ['run', '-i', '--rm', '-e', 'TOKEN=a b', 'mcp/fetch'],
          env: {},
        },
      ],
    })
  })

  test.each([
    'npx -y a; curl x | sh',
    'npx $(id)',
    'npx `id`',
    "npx 'open",
    '{"mcpServers": {}}',
    '{"a": 1}',
    '{',
    '{"mcpServers": {"a": {"command": ""}}}',
    '"x"',
  ])('%j is refused', (text) => {
    expect(refusal(text).code).toBe('invalid_source')
  })

  test('is formatted without the values of its variables and headers', () => {
    const text = formatSource(
      parseSource(
        `{"mcpServers": {"files": ${inner}, "far": {"url": "https://x.example", "headers": {"A": "s3cret"}}}}`,
      ),
    )
    expect(text).not.toMatch(/s3cret|"x"/)
    expect(formatSource(parseSource(text))).toBe(text)
  })
})

test.each([
  'owner/name',
  'owner/name@feature/x',
  'https://github.com/o/n/tree/main/a%20b/c',
  'https://github.com/o/n/tree/HEAD/a',
  'https://gitlab.com/g/s/n/-/tree/v1/x',
  'git@code.example.com:team/name.git',
  'npm:@scope/name@1.2.3',
  'pypi:a==1.0',
  'oci:nginx:1',
  'io.github.o/n',
  'https://mcp.example.com/mcp?x=1',
  'npx -y x --flag "a b"',
])('the canonical text of %j reads as the same source', (text) => {
  const source = parseSource(text)
  expect(parseSource(formatSource(source))).toEqual(source)
})

/** What it is read as, or the code it is refused with; anything else than an error of the catalogue is thrown. */
function outcome(text: string): string {
  try {
    return JSON.stringify(parseSource(text))
  } catch (error) {
    if (error instanceof CatwalkError) return error.code
    throw error
  }
}

test('whatever is typed is a source, the same as its canonical text, or a clear refusal', () => {
  const pieces = 'npm: https:// github.com / @ # tree/ .. %2f { " : git@ a \\ [ $ ('.split(' ')
  const piecemeal = array(constantFrom(' ', ...pieces), { maxLength: 40 }).map((parts) => parts.join(''))
  const sources = oneof(string(), piecemeal).filter((text) => {
    const read = outcome(text)
    return read !== 'invalid_source' && read !== 'invalid_package'
  })
  assert(
    property(sources, (text) => {
      const source = parseSource(text)
      expect(formatSource(parseSource(formatSource(source)))).toBe(formatSource(source))
    }),
    { numRuns: 300 },
  )
})

test('hostile text is refused in no time', () => {
  for (const text of [
    'a/'.repeat(1000),
    '@'.repeat(2000),
    '/* '.repeat(20_000),
    `{"${'\\'.repeat(60_000)}`,
    '{' + ' '.repeat(60_000),
    '-'.repeat(2000) + '/a',
    '{"' + '\\"'.repeat(30_000),
    '```' + '\n '.repeat(30_000),
    'npx ' + '\\\n'.repeat(900) + ';',
  ]) {
    const startedAt = performance.now()
    expect(() => parseSource(text)).toThrow(CatwalkError)
    expect(performance.now() - startedAt).toBeLessThan(250)
  }
})
