import type { Fact, SignalFact } from '../facts.ts'
import type { Origin } from './origins.ts'
import { oneText } from './strings.ts'
import {
  bare,
  calleeName,
  child,
  children,
  identifier,
  keyOf,
  memberName,
  type Node,
  type Program,
} from './syntax.ts'
import { walk } from './walk.ts'

const SERVER_MODULE =
  /^(?:@modelcontextprotocol\/(?:sdk\/server(?:\/|$)|server(?:$|\/|-)|node$|express$|hono$)|fastmcp$|mcp-framework$|@mastra\/mcp|litemcp|easy-mcp|@vercel\/mcp-adapter|mcp-handler|xmcp|@nestjs-mcp|@rekog\/mcp-nest|mcp-lite|tmcp|muppet|@agentic\/mcp|@cyanheads\/mcp-ts-core)/
const CLIENT_MODULE = /^@modelcontextprotocol\/(?:sdk\/client(?:\/|$)|client(?:$|\/))/
const OTHER: readonly (readonly [RegExp, SignalFact['signal']])[] = [
  [
    /^(?:playwright(?:-core|-extra)?|puppeteer(?:-core|-extra)?|@playwright\/.*|selenium-webdriver|chrome-launcher|patchright)(?:$|\/)/,
    'browser',
  ],
  [
    /^(?:@nut-tree(?:-fork)?\/.*|robotjs|@jitsi\/robotjs|node-mac-permissions|@hurdlegroup\/robotjs|electron)$/,
    'desktop',
  ],
  [/^(?:open|opn|better-opn)$/, 'login_in_browser'],
]
const LIST_METHODS = /^(?:tools|resources|prompts)\/list$/

/** Signs of an MCP server, of a client, and of what the program needs around it; and the tools that it registers. */
export function readServerSignals(
  programs: readonly Program[],
  originOf: (program: Program, offset: number) => Origin,
): readonly Fact[] {
  const facts: Fact[] = []
  const tools = new Set<string>()
  for (const program of programs) {
    const evidence = (node: Node) => ({
      file: program.path,
      line: program.lineAt(node.start),
      reader: 'javascript',
    })
    const signal = (name: SignalFact['signal'], detail: string, node: Node): void => {
      facts.push({ kind: 'signal', signal: name, detail, evidence: evidence(node) })
    }
    const module = (name: string, node: Node): void => {
      if (SERVER_MODULE.test(name)) {
        signal('server_sdk', name, node)
        if (/stdio/.test(name)) signal('stdio_transport', name, node)
        if (/streamable|sse/i.test(name)) signal('http_transport', name, node)
      } else if (CLIENT_MODULE.test(name)) signal('client_sdk', name, node)
      for (const [pattern, other] of OTHER) if (pattern.test(name)) signal(other, name, node)
    }
    const tool = (name: string | null, description: string | null, node: Node): void => {
      if (name === null || !/^[A-Za-z0-9_.:/-]{1,128}$/.test(name) || tools.has(name) || tools.size >= 500)
        return
      tools.add(name)
      facts.push({
        kind: 'tool',
        name,
        description: description?.slice(0, 2000) ?? null,
        evidence: evidence(node),
      })
    }
    const words = new Set<string>()
    walk(program, (node, { scope }) => {
      if (
        node.type === 'ImportDeclaration' ||
        node.type === 'ExportNamedDeclaration' ||
        node.type === 'ExportAllDeclaration' ||
        node.type === 'ImportExpression'
      ) {
        const source = child(node, 'source')?.['value']
        if (typeof source === 'string') module(source, node)
        return
      }
      if (node.type === 'Literal' && typeof node['value'] === 'string') {
        const text = node['value']
        if (LIST_METHODS.test(text) || text === 'notifications/initialized' || text === 'tools/call')
          words.add(text)
        return
      }
      const own = originOf(program, node.start) === 'own'
      if (node.type === 'NewExpression') {
        const name = calleeName(node) ?? ''
        if (name === 'StdioServerTransport') signal('stdio_transport', name, node)
        if (
          /^(?:StreamableHTTPServerTransport|SSEServerTransport|NodeStreamableHTTPServerTransport)$/.test(
            name,
          )
        )
          signal('http_transport', name, node)
        if ((name === 'McpServer' || name === 'FastMCP' || name === 'MCPServer') && own)
          signal('server_sdk', name, node)
        if (name === 'Client' && own) signal('client_sdk', name, node)
        return
      }
      if (node.type === 'CallExpression') {
        const name = calleeName(node) ?? ''
        const given = children(node, 'arguments')
        if (name === 'require' || name === 'import') {
          const [first] = given
          if (first?.type === 'Literal' && typeof first['value'] === 'string') module(first['value'], node)
          return
        }
        // Of what it brings along; a bare name is a program of the host.
        const started = oneText(given[0] ?? null, scope)
        if (
          /^(?:spawn|execFile|execa)(?:Sync)?$/.test(name) &&
          (started === null || started.includes('/')) &&
          given.some((one) => propertyText(one, 'stdio') === 'inherit')
        )
          signal('hands_streams_on', name, node)
        if (name === 'serveStdio' || name === 'connectStdio') signal('stdio_transport', name, node)
        if (!own) return
        const isMethod = bare(child(node, 'callee'))?.type === 'MemberExpression'
        if (isMethod && /^(?:registerTool|tool|addTool|registerAppTool)$/.test(name)) {
          const [first, second] = given
          const named = oneText(first ?? null, scope)
          if (named !== null && given.length >= 2) {
            signal('registers', name, node)
            tool(named, describeArgument(second ?? null) ?? oneText(second ?? null, scope), node)
          } else if (first !== undefined && name !== 'tool') {
            signal('registers', name, node)
            if (first.type === 'ObjectExpression')
              tool(propertyText(first, 'name'), propertyText(first, 'description'), node)
          }
        } else if (isMethod && /^(?:registerResource|registerPrompt|addResource|addPrompt)$/.test(name))
          signal('registers', name, node)
        else if (name === 'setRequestHandler') {
          const first = bare(given[0] ?? null)
          const schema = identifier(first) ?? memberName(first) ?? oneText(first, scope) ?? ''
          if (/ListTools|tools\/list|CallTool|ListResources|ListPrompts/.test(schema))
            signal('registers', schema, node)
        }
        return
      }
      if (node.type === 'ObjectExpression' && own) {
        const keys = new Set(children(node, 'properties').map((property) => keyOf(property)))
        if (
          keys.has('name') &&
          keys.has('description') &&
          (keys.has('inputSchema') || keys.has('parameters'))
        ) {
          tool(propertyText(node, 'name'), propertyText(node, 'description'), node)
        }
      }
    })
    if (words.has('notifications/initialized') && [...words].some((word) => LIST_METHODS.test(word))) {
      facts.push({
        kind: 'signal',
        signal: 'wire_words',
        detail: [...words].join(', '),
        evidence: evidence(program.root),
      })
    }
  }
  return facts
}

function propertyText(object: Node, name: string): string | null {
  for (const property of children(object, 'properties')) {
    if (keyOf(property) !== name) continue
    const value = bare(child(property, 'value'))
    if (value?.type === 'Literal' && typeof value['value'] === 'string') return value['value']
    if (value?.type === 'TemplateLiteral' && children(value, 'expressions').length === 0) {
      const [quasi] = children(value, 'quasis')
      const cooked = quasi?.['value']
      return typeof cooked === 'object' &&
        cooked !== null &&
        'cooked' in cooked &&
        typeof cooked.cooked === 'string'
        ? cooked.cooked
        : null
    }
  }
  return null
}

function describeArgument(node: Node | null): string | null {
  return node?.type === 'ObjectExpression' ? propertyText(node, 'description') : null
}
