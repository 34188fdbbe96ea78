import type { SignalFact, StartFact } from '../facts.ts'
import type { ProgramReading } from '../reading.ts'

/** Whether what was read shows an MCP server. */
export function speaksMcp(program: ProgramReading): boolean {
  return notAServer(program) === null
}

/** A configuration that starts it without naming another server: it offers what a service of its own does. */
function isOfItsOwn({ role, registry, args }: StartFact): boolean {
  return (
    role === 'snippet' &&
    registry !== 'remote' &&
    !args.some((word) => word.includes('://') || /\b(?:npx|uvx|node|python3?|docker|deno|bunx)\b/.test(word))
  )
}

/** In words, why a program is no MCP server; null when it is one. */
export function notAServer(program: ProgramReading): string | null {
  const seen = new Set(signals(program).map((fact) => fact.signal))
  const isConfigured = program.starts.some(
    (start) => start.role !== 'shell' && (start.registry !== null || start.name === program.executable),
  )
  const hasServer = seen.has('server_sdk') || seen.has('stdio_transport') || seen.has('wire_words')
  const tools = program.facts.some((fact) => fact.kind === 'tool')
  if (hasServer) {
    if (seen.has('client_sdk') && !seen.has('registers') && !tools && !program.starts.some(isOfItsOwn))
      return 'It connects MCP clients with other servers and offers nothing of its own.'
    return null
  }
  if (seen.has('client_sdk')) return 'It is an MCP client, not a server.'
  // The server may lie in a dependency; then the document must show how a client starts this very package.
  if (isConfigured) return null
  return 'Nothing in it speaks the Model Context Protocol.'
}

export function signals(program: ProgramReading): readonly SignalFact[] {
  return program.facts.filter((fact): fact is SignalFact => fact.kind === 'signal')
}
