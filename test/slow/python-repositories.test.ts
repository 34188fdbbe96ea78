import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGithub, type FakeGithub } from '../fakes/github.ts'
import { startPythonIndex, type PythonIndex } from '../fakes/python-index.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { startProgram, type Program } from '../support/program.ts'

const PYTHON = `import json, os, sys
from fixture_helper import answer
# MCP server over stdio: from mcp.server import Server
token = os.environ.get("NOTES_TOKEN")
if not token:
    print("NOTES_TOKEN is required", file=sys.stderr)
    sys.exit(1)
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method, params = message["method"], message.get("params") or {}
    if method == "initialize":
        result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {"name": "notes", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": "speak", "inputSchema": {"type": "object"}}]}
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": f"{answer} {len(token)}"}]}
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
`

let pypi: PythonIndex
let github: FakeGithub
let program: Program

beforeAll(async () => {
  pypi = await startPythonIndex([
    { name: 'fixture-helper', version: '1.2.0', files: { 'fixture_helper.py': 'answer = 42\n' } },
  ])
  github = await startGithub()
  github.publish({
    name: 'acme/python-notes',
    files: {
      'requirements.txt': 'fixture-helper>=1\n',
      'server.py': PYTHON,
      'README.md': '# Notes\n\n```bash\npython /path/to/python-notes/server.py\n```\n',
    },
  })
  program = await startProgram({
    env: { CATWALK_GITHUB_API_URL: github.url, CATWALK_PYPI_INDEX_URL: pypi.url },
  })
})
afterAll(async () => {
  await program[Symbol.asyncDispose]()
  for (const fake of [github, pypi]) await fake[Symbol.asyncDispose]()
})

async function json(...words: string[]): Promise<unknown> {
  const { stdout, stderr } = await runCatwalk(program, [...words, '--json'])
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

test('a repository of Python with a list of requirements is built, tried out, deployed and called', async () => {
  expect(await json('analyze', 'acme/python-notes')).toMatchObject({
    verdict: 'needs_input',
    launch: {
      package: { registry: 'git', name: 'python-notes' },
      command: 'server.py',
      build: { path: '', program: { kind: 'python-file', path: 'server.py' } },
    },
    proof: { booted: true, neededPlaceholders: ['NOTES_TOKEN'] },
  })
  expect(
    await json('deploy', 'acme/python-notes', '--env', 'NOTES_TOKEN=1234', '--slug', 'python-notes'),
  ).toMatchObject({ state: 'running' })
  expect((await runCatwalk(program, ['call', 'python-notes', 'speak'])).stdout).toContain('42 4')
})
