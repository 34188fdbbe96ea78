import {
  lettersOf,
  membersOf,
  removeMember,
  RPC,
  textOf,
  type Edit,
  type Envelope,
} from '../../protocol/index.ts'
import { isObject } from '../processes/handshake.ts'
import { objectAt } from './input-requests.ts'
import { resultAt } from '../http/tool-headers.ts'

const OPEN_OBJECT = 0x7b

/** Adds the edits by which an answer of a modern server becomes one that a legacy client can read. */
export function toLegacy(method: string, line: Buffer, answer: Envelope, edits: Edit[]): void {
  if (answer.error !== null) return otherCode(method, line, answer.error, edits)
  const { result, structured } = answer
  if (result === null || line[result.start] !== OPEN_OBJECT) return
  if (structured !== null && line[structured.start] !== OPEN_OBJECT) {
    const member = membersOf(line, result).get('structuredContent')
    if (member !== undefined) edits.push(removeMember(line, member))
  }
  if (method === 'tools/list') onlyObjectSchemas(line, answer, edits)
}

/** Errors that the legacy era does not have (2026-07-28, changelog). */
function otherCode(method: string, line: Buffer, error: NonNullable<Envelope['error']>, edits: Edit[]): void {
  if (line[error.start] !== OPEN_OBJECT) return
  const span = membersOf(line, error).get('code')
  if (span === undefined) return
  const code = Number(lettersOf(line, span))
  if (code === RPC.missingCapability) edits.push({ span, letters: String(RPC.invalidRequest) })
  else if (code === RPC.invalidParams && method === 'resources/read' && namesResource(line, error)) {
    edits.push({ span, letters: String(RPC.resourceNotFound) })
  }
}

function namesResource(line: Buffer, error: NonNullable<Envelope['error']>): boolean {
  const { data } = objectAt(line, error)
  return isObject(data) && 'uri' in data
}

/** In the legacy era structured content is an object, and so is what its schema describes. */
function onlyObjectSchemas(line: Buffer, answer: Envelope, edits: Edit[]): void {
  const { tools } = resultAt(line, answer)
  if (answer.result === null || !Array.isArray(tools)) return
  const listed = tools as unknown[]
  if (!listed.some(isStrange)) return
  const span = membersOf(line, answer.result).get('tools')
  if (span === undefined) return
  const fit = listed.map((tool) => {
    if (!isObject(tool) || !isStrange(tool)) return tool
    const { outputSchema: _, ...rest } = tool
    return rest
  })
  edits.push({ span, letters: Buffer.from(JSON.stringify(fit)).toString('latin1') })
}

function isStrange(tool: unknown): boolean {
  const schema = isObject(tool) ? tool['outputSchema'] : undefined
  return schema !== undefined && !(isObject(schema) && schema['type'] === 'object')
}

/** Whether a result asks the client for something before the request can be answered. */
export function asksForInput(line: Buffer, { resultType }: Envelope): boolean {
  return textOf(line, resultType) === 'input_required'
}
