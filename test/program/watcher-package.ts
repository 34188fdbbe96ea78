import { serverPackage, toolsNamed } from '../support/server-package.ts'

/** Tells which process it is and what it was asked to watch, prints what it is told, and asks its client who that is. */
export const WATCHER = serverPackage('watcher-mcp', {
  begin: `
const asked = []
let told
// Process ids are the sandbox's own.
const self = String(Math.random())
process.stdin.on('data', (data) => {
  for (const line of String(data).split('\\n').filter(Boolean)) {
    const { method, result } = JSON.parse(line)
    if (method === undefined) told({ content: [{ type: 'text', text: result.content.who }] })
  }
})`,
  capabilities: '{ tools: {}, resources: { subscribe: true }, logging: {} }',
  answers: `
  'tools/list': ${toolsNamed('whoami', 'asked', 'announce', 'ask', 'print')},
  'resources/list': () => ({ resources: [] }),
  'resources/templates/list': () => ({ resourceTemplates: [] }),
  'resources/subscribe': ({ uri }) => (asked.push(uri), {}),
  'logging/setLevel': ({ level }) => (asked.push(level), {}),
  'tools/call': ({ name, arguments: given }) => {
    if (name === 'ask') {
      const requestedSchema = { type: 'object', properties: { who: { type: 'string' } } }
      send({ id: 'question', method: 'elicitation/create', params: { message: 'Who?', requestedSchema } })
      return new Promise((resolve) => (told = resolve))
    }
    if (name === 'print') console.error(given.text)
    if (name === 'announce') send({ method: 'notifications/resources/updated', params: { uri: 'watch://one' } })
    return { content: [{ type: 'text', text: name === 'whoami' ? self : asked.join(' ') }] }
  },
`,
})
