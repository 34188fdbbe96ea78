import type { SignalFact, StartFact } from '../facts.ts'
import type { ProgramReading } from '../reading.ts'

/** Whether what was read shows an MCP server. */
export function speaksMcp(program: ProgramReading): boolean {
  return notAServer(program) === null
}

/** A configuration that starts it without naming another server: it offers what a service of its own does. */
function isOfItsOwn(start: StartFact): boolean {
  return start.role === 'snippet' && start.registry !== 'remote' && !namesAnother(start)
}

/** The line hands it an address, or a command that starts another server. */
function namesAnother({ args }: StartFact): boolean {
  return args.some(
    (word) => /https?:\/\//.test(word) || /\b(?:npx|uvx|node|python3?|docker|deno|bunx)\b/.test(word),
  )
}

/** It is only ever shown at a terminal, with another server to put behind it. */
function isForOthers({ starts }: ProgramReading): boolean {
  return starts.every(({ role }) => role === 'shell') && starts.some(namesAnother)
}

/** By its name, its description or its entry in the registry. */
function saysServer({ project: { name, description, registryName } }: ProgramReading): boolean {
  return (
    registryName !== null ||
    /\bmcp-server\b/i.test(name) ||
    (/\bMCP\b|\bmodel context protocol\b/i.test(description ?? '') && /\bserver\b/i.test(description ?? ''))
  )
}

const MANY_COMMANDS = 5

/** In words, why a program is no MCP server; null when it is one. */
export function notAServer(program: ProgramReading): string | null {
  const seen = new Set(signals(program).map((fact) => fact.signal))
  const isConfigured = program.starts.some(
    (start) => start.role !== 'shell' && (start.registry !== null || start.name === program.executable),
  )
  const hasServer = seen.has('server_sdk') || seen.has('stdio_transport') || seen.has('wire_words')
  const tools = program.facts.some((fact) => fact.kind === 'tool')
  if (hasServer) {
    const passesOn = seen.has('registers') ? isForOthers(program) : !program.starts.some(isOfItsOwn)
    if (seen.has('client_sdk') && !tools && passesOn)
      return 'It connects MCP clients with other servers and offers nothing of its own.'
    if (program.project.isLibrary && program.starts.length === 0)
      return 'It is a library: it declares what others import, and nothing to start.'
    // Words of the protocol alone may be those of a command line that has to do with it.
    const isOnlyWords = !seen.has('server_sdk') && !seen.has('stdio_transport') && !tools
    const commands = program.facts.filter(({ kind }) => kind === 'command').length
    if (isOnlyWords && program.starts.length === 0 && commands >= MANY_COMMANDS)
      return 'It is a command line with many commands, and nothing in it shows that one of them is an MCP server.'
    return null
  }
  if (seen.has('client_sdk')) return 'It is an MCP client, not a server.'
  // The server may lie in a dependency; then the document must show how a client starts this very package.
  if (isConfigured) return null
  // A program that it brings along is what serves.
  if (seen.has('hands_streams_on') && saysServer(program)) return null
  return 'Nothing in it speaks the Model Context Protocol.'
}

export function signals(program: ProgramReading): readonly SignalFact[] {
  return program.facts.filter((fact): fact is SignalFact => fact.kind === 'signal')
}
