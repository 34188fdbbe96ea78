import {
  lettersOf,
  membersOf,
  RPC,
  splice,
  textOf,
  type Bytes,
  type Edit,
  type Envelope,
} from '../../protocol/index.ts'
import type { BridgeContext } from '../context.ts'
import { resultAt } from '../http/tool-headers.ts'
import type { ModernRequest } from '../http/modern-request.ts'
import type { Translate } from '../processes/call.ts'
import { isObject } from '../processes/handshake.ts'
import type { TaskOwner } from '../processes/task-owners.ts'
import { offersTasks } from '../processes/task-watch.ts'
import type { Upstream } from '../processes/upstream.ts'
import type { Session } from '../sessions/session.ts'
import { serverAt } from '../translation/capabilities.ts'

/** Why a request about tasks is not sent on. */
export interface TaskRefusal {
  readonly code: number
  readonly message: string
}

const OPEN_OBJECT = 0x7b
const NO_METHOD: TaskRefusal = { code: RPC.methodNotFound, message: 'Method not found' }
const NO_TASK: TaskRefusal = { code: RPC.invalidParams, message: 'Task not found' }

/**
 * Whether a session's request about tasks may reach a process that others use as well: only for tasks of its own
 * subject, and where they are offered to it. Null when it may.
 */
export function refusedTask(
  upstream: Upstream,
  { version, claims }: Session,
  body: Buffer,
  envelope: Envelope,
): TaskRefusal | null {
  const offered = upstream.handshake?.result['capabilities']
  if (!isObject(offered) || !('tasks' in serverAt(version, offered))) return NO_METHOD
  if (textOf(body, envelope.method) === 'tasks/list') return null
  return foreignTask(upstream, claims.subject, body, envelope)
}

/** The same for a request of a modern client to a modern server. */
export function refusedModernTask(
  upstream: Upstream,
  subject: string,
  { body, envelope, method }: ModernRequest,
): TaskRefusal | null {
  if (!method.startsWith('tasks/') || !offersTasks(upstream.discovered)) return null
  // This era has no list: whoever lost the id of a task has lost the task.
  return envelope.taskId === null ? NO_METHOD : foreignTask(upstream, subject, body, envelope)
}

/** A task that there is not and one of somebody else look the same. */
function foreignTask(
  { owners }: Upstream,
  subject: string,
  body: Buffer,
  { taskId }: Envelope,
): TaskRefusal | null {
  const owner = owners.find(textOf(body, taskId) ?? '')
  return owner?.subject === subject ? null : NO_TASK
}

/**
 * Looks at the answer to a legacy session's request, if that may make a task or lists them; undefined for any other.
 * @param numberOf the number that the request has at the server
 */
export function watchTasks(
  upstream: Upstream,
  { claims }: Session,
  body: Buffer,
  envelope: Envelope,
  numberOf: () => number,
): Translate | undefined {
  if (!offersTasks(upstream.handshake?.result ?? null)) return undefined
  if (upstream.shared && textOf(body, envelope.method) === 'tasks/list')
    return onlyOwn(upstream, claims.subject)
  const { params, progressToken } = envelope
  if (params === null || body[params.start] !== OPEN_OBJECT || !membersOf(body, params).has('task'))
    return undefined
  const token = progressToken === null ? null : lettersOf(body, progressToken)
  return (line, answer) => {
    const { task } = resultAt(line, answer)
    if (isObject(task) && typeof task['taskId'] === 'string') {
      upstream.owners.bind(task['taskId'], {
        subject: claims.subject,
        session: claims.id,
        progress: token === null ? null : { number: numberOf(), token },
      })
    }
    return false
  }
}

/** Notes whose a task of a modern server is, if an answer is one (tasks extension, polymorphic results). */
export function noteModernTask(upstream: Upstream, subject: string): Translate {
  return (line, answer) => {
    if (textOf(line, answer.resultType) !== 'task') return false
    const { taskId } = resultAt(line, answer)
    if (typeof taskId === 'string') upstream.owners.bind(taskId, { subject, session: null, progress: null })
    return false
  }
}

/** Leaves out the tasks of others. */
function onlyOwn({ owners }: Upstream, subject: string): Translate {
  return (line, answer, edits) => {
    const { tasks } = resultAt(line, answer)
    if (answer.result === null || !Array.isArray(tasks)) return false
    const own = (tasks as unknown[]).filter(
      (task) =>
        isObject(task) &&
        typeof task['taskId'] === 'string' &&
        owners.find(task['taskId'])?.subject === subject,
    )
    const span = membersOf(line, answer.result).get('tasks')
    if (span !== undefined && own.length < tasks.length)
      edits.push({ span, letters: Buffer.from(JSON.stringify(own)).toString('latin1') })
    return false
  }
}

/** The edit that takes the tasks of others out of a modern client's subscription; null when there are none. */
export function withoutForeignTasks(
  { owners }: Upstream,
  subject: string,
  { body, envelope: { params } }: ModernRequest,
): Edit | null {
  const notifications = params === null ? undefined : membersOf(body, params).get('notifications')
  if (notifications === undefined || body[notifications.start] !== OPEN_OBJECT) return null
  const span = membersOf(body, notifications).get('taskIds')
  if (span === undefined) return null
  const wanted: unknown = JSON.parse(body.toString('utf8', span.start, span.end))
  if (!Array.isArray(wanted)) return null
  const own = (wanted as unknown[]).filter(
    (taskId) => typeof taskId === 'string' && owners.find(taskId)?.subject === subject,
  )
  if (own.length === wanted.length) return null
  return { span, letters: Buffer.from(JSON.stringify(own)).toString('latin1') }
}

/** Tells the session that made a task how it stands. Nobody else hears of it. */
export function taskStatus(
  context: BridgeContext,
  upstream: Upstream,
  line: Buffer,
  envelope: Envelope,
): void {
  const owner = upstream.owners.find(textOf(line, envelope.taskId) ?? '')
  if (owner !== undefined) tellOwner(context, owner, splice(line, envelope, []))
}

/** Progress of a request that was answered with a task goes on until the task ends (2025-11-25, tasks, progress). */
export function taskProgress(
  context: BridgeContext,
  upstream: Upstream,
  line: Buffer,
  envelope: Envelope,
  number: number,
): void {
  const owner = upstream.owners.reporting(number)
  const { reportToken } = envelope
  if (owner === undefined || owner.progress === null || reportToken === null) return
  tellOwner(context, owner, splice(line, envelope, [{ span: reportToken, letters: owner.progress.token }]))
}

function tellOwner(context: BridgeContext, owner: TaskOwner, message: Bytes): void {
  for (const session of context.sessions.all()) {
    if (session.claims.id === owner.session) return session.listen.send(message)
  }
}
