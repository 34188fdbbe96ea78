import { parse } from 'yaml'
import type { JsonValue, Snapshot } from '../../domain/index.ts'
import type { Fact } from '../facts.ts'
import { lineOf, recordOf, stringOf, texts } from './json.ts'
import { optional } from './server-json.ts'

/**
 * `smithery.yaml`: a schema of the configuration, and a JavaScript function that turns it into a command. The function
 * is not run; its text says which key becomes which variable or argument.
 */
export function readSmithery(snapshot: Snapshot, path: string): readonly Fact[] {
  const text = snapshot.text(path)
  if (text === null) return []
  let document: JsonValue
  try {
    document = parse(text, { maxAliasCount: 20 }) as JsonValue
  } catch {
    return []
  }
  const start = recordOf(recordOf(document)?.['startCommand'])
  const schema = recordOf(start?.['configSchema'])
  const made = stringOf(start?.['commandFunction']) ?? ''
  const properties = recordOf(schema?.['properties']) ?? {}
  const required = new Set(texts(schema?.['required']))
  const facts: Fact[] = []
  for (const [key, value] of Object.entries(properties)) {
    if (!/^\w{1,100}$/.test(key)) continue
    const field = recordOf(value)
    const name =
      new RegExp(`["']?([A-Za-z_]\\w*)["']?\\s*:\\s*(?:String\\()?config\\.${key}\\b`).exec(made)?.[1] ??
      new RegExp(`env\\.([A-Za-z_]\\w*)\\s*=\\s*config\\.${key}\\b`).exec(made)?.[1] ??
      (/^[A-Z][A-Z0-9_]+$/.test(key) ? key : null)
    if (name === null || name === 'env' || name === 'args') continue
    facts.push({
      kind: 'variable',
      name,
      role: 'declared',
      required: required.has(key),
      ...optional('description', stringOf(field?.['description'])),
      ...optional('default', stringOf(field?.['default'])),
      choices: texts(field?.['enum']),
      evidence: { file: path, line: lineOf(text, key), reader: 'smithery' },
    })
  }
  if (start !== null)
    facts.push({
      kind: 'signal',
      signal: 'server_sdk',
      detail: 'a Smithery configuration',
      evidence: { file: path, line: lineOf(text, 'startCommand'), reader: 'smithery' },
    })
  return facts
}
