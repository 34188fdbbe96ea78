import type { Fact } from '../facts.ts'
import { formatOf, looksSecret } from '../names.ts'
import { lineOf } from './json.ts'

/** `key := os.Getenv("KEY")`, and an `if key == ""` soon after it that ends or fails. */
const MISSING =
  /\b(\w{1,60})\s*:?=\s*os\.Getenv\(\s*"([A-Za-z_]\w{1,100})"\s*\)\s*\n(?:[^\n]{0,200}\n){0,4}?\s*if\s+\1\s*==\s*""\s*\{[^}]{0,400}?(?:log\.Fatal|os\.Exit|panic\(|Errorf\(|errors\.New\()/g

/** One file of Go: `os.Getenv`, `flag`, cobra and viper, and the MCP libraries. */
export function readGo(file: string, text: string): readonly Fact[] {
  const facts: Fact[] = []
  const at = (word: string) => ({ file, line: lineOf(text, word), reader: 'go' })
  for (const match of text.matchAll(
    /\b(?:os\.(?:Getenv|LookupEnv)|getEnv\w{0,20}|envOr\w{0,20})\(\s*"([A-Za-z_]\w{1,100})"(?:\s*,\s*"([^"\n]{1,200})")?/g,
  )) {
    const name = match[1] ?? ''
    facts.push({
      kind: 'variable',
      name,
      role: 'read',
      required: match[2] === undefined ? null : false,
      format: formatOf(name),
      ...(match[2] === undefined ? {} : { default: match[2] }),
      evidence: at(match[0]),
    })
  }
  for (const match of text.matchAll(MISSING)) {
    const name = match[2] ?? ''
    facts.push({ kind: 'variable', name, role: 'read', required: true, evidence: at(match[0]) })
  }
  const prefix = /\bSetEnvPrefix\(\s*"(\w{1,40})"/.exec(text)?.[1]
  for (const match of text.matchAll(
    /\b(?:flag|\w{1,30}Flags\(\))\.(?:String|Bool|Int|Duration|StringSlice)(?:Var)?P?\(\s*(?:&[\w.]{1,60}\s*,\s*)?"([\w-]{1,60})"/g,
  )) {
    facts.push({
      kind: 'argument',
      name: `--${match[1] ?? ''}`,
      position: null,
      role: 'read',
      required: null,
      secret: looksSecret(match[1] ?? ''),
      isBoolean: match[0].includes('Bool'),
      evidence: at(match[0]),
    })
  }
  // viper reads a bound key, in capitals behind the prefix, from the environment as well.
  for (const match of text.matchAll(
    /\bviper\.(?:BindEnv|BindPFlag|GetString|GetBool|GetInt|GetDuration|GetStringSlice|UnmarshalKey)\(\s*"([\w.-]{1,60})"/g,
  )) {
    if (prefix === undefined) continue
    const name = `${prefix}_${match[1] ?? ''}`.replaceAll(/[.-]/g, '_').toUpperCase()
    facts.push({
      kind: 'variable',
      name,
      role: 'read',
      required: null,
      format: formatOf(name),
      evidence: at(match[0]),
    })
  }
  for (const match of text.matchAll(/\bUse:\s*"([a-z][\w-]{1,30})/g))
    facts.push({ kind: 'command', name: match[1] ?? '', description: null, evidence: at(match[0]) })
  for (const match of text.matchAll(/\bNewTool\(\s*"([\w.-]{1,128})"/g))
    facts.push({ kind: 'tool', name: match[1] ?? '', description: null, evidence: at(match[0]) })
  const library =
    /"github\.com\/(?:mark3labs\/mcp-go|modelcontextprotocol\/go-sdk|metoro-io\/mcp-golang)[^"\n]{0,60}"/.exec(
      text,
    )
  if (library !== null)
    facts.push({ kind: 'signal', signal: 'server_sdk', detail: library[0], evidence: at(library[0]) })
  return facts
}
