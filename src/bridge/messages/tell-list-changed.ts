import { META_KEYS, scan } from '../../protocol/index.ts'
import type { BridgeContext } from '../context.ts'
import { announce } from '../translation/legacy-listeners.ts'

const LIST_CHANGED = 'notifications/tools/list_changed'

/** Tells everybody who wants to hear of it that the list of tools is another one. */
export function tellListChanged(context: BridgeContext): void {
  const plain = `{"jsonrpc":"2.0","method":"${LIST_CHANGED}"}`
  for (const session of context.sessions.all()) session.listen.send(plain)
  const line = Buffer.from(plain)
  const found = scan(line, { maxDepth: 10, trusted: true })
  if (!('length' in found)) announce(context, line, found, LIST_CHANGED)
  for (const upstream of context.pool.all()) {
    for (const call of upstream.calls.values()) {
      if (call.watchesTools !== true) continue
      const meta = `{"${META_KEYS.subscription}":${call.id}}`
      call.sink.notify(`{"jsonrpc":"2.0","method":"${LIST_CHANGED}","params":{"_meta":${meta}}}`)
    }
  }
}
