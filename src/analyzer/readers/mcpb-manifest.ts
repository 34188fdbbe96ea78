import type { Snapshot } from '../../domain/index.ts'
import type { Fact } from '../facts.ts'
import { lineOf, parseJson, recordOf, records, stringOf, texts } from './json.ts'
import { bool, optional } from './server-json.ts'

/** `manifest.json` of an MCP bundle: how the server starts, and what the user is asked for. */
export function readMcpbManifest(snapshot: Snapshot, path: string): readonly Fact[] {
  const text = snapshot.text(path)
  const document = recordOf(parseJson(text))
  if (text === null || document === null) return []
  if (!('mcpb_version' in document || 'dxt_version' in document || 'manifest_version' in document)) return []
  const config = recordOf(recordOf(document['server'])?.['mcp_config'])
  if (config === null) return []
  const user = recordOf(document['user_config']) ?? {}
  const facts: Fact[] = []
  const at = (word: string) => ({ file: path, line: lineOf(text, word), reader: 'mcpb-manifest' })
  const asked = (value: string) => recordOf(user[/\$\{user_config\.([\w.-]+)\}/.exec(value)?.[1] ?? ''])
  for (const [name, value] of Object.entries(recordOf(config['env']) ?? {})) {
    const field = asked(stringOf(value) ?? '')
    facts.push({
      kind: 'variable',
      name,
      role: 'declared',
      required: field === null ? null : (bool(field['required']) ?? false),
      ...(bool(field?.['sensitive']) === true ? { secret: true } : {}),
      ...optional('description', stringOf(field?.['description']) ?? stringOf(field?.['title'])),
      ...optional('default', field === null ? stringOf(value) : stringOf(field['default'])),
      evidence: at(`"${name}"`),
    })
  }
  const words = texts(config['args'])
  let position = 0
  for (const [index, word] of words.entries()) {
    const field = asked(word)
    if (field === null) continue
    // `--tools=${user_config.tools}`, or in two words.
    const flag = /^(--[\w-]+)=/.exec(word)?.[1] ?? /^--[\w-]+$/.exec(words[index - 1] ?? '')?.[0]
    facts.push({
      kind: 'argument',
      name: flag ?? /user_config\.([\w.-]+)/.exec(word)?.[1] ?? 'argument',
      position: flag === undefined ? position++ : null,
      role: 'declared',
      required: bool(field['required']) ?? false,
      ...(bool(field['sensitive']) === true ? { secret: true } : {}),
      ...optional('description', stringOf(field['description'])),
      evidence: at(word),
    })
  }
  for (const tool of records(document['tools'])) {
    const name = stringOf(tool['name'])
    if (name !== null)
      facts.push({
        kind: 'tool',
        name,
        description: stringOf(tool['description']),
        evidence: at(`"${name}"`),
      })
  }
  facts.push({ kind: 'signal', signal: 'server_sdk', detail: 'an MCP bundle', evidence: at('"server"') })
  return facts
}
