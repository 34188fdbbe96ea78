import { randomUUID } from 'node:crypto'
import { fieldsOf, type Json } from './validate.ts'

export interface Metadata {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  readonly creationTimestamp: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly { readonly uid: string }[]
  readonly deletionTimestamp?: string
}

export type Stored = Json & { readonly metadata: Metadata }

export interface StoreEvent {
  readonly version: number
  readonly resource: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: Stored
}

/** Objects by resource and name, with one count of versions over all of them, as etcd has. */
export interface Store {
  /** Of the latest change. */
  readonly version: number
  get(resource: string, name: string): Stored | null
  list(resource: string): readonly Stored[]
  add(resource: string, object: Json, name: string): Stored
  /** Status and metadata are changed by nobody but us here, so a change of the specification is told by its caller. */
  change(resource: string, name: string, change: Json, isNewSpec?: boolean): Stored | null
  remove(resource: string, name: string): void
  /** Changes since a version; null when they are forgotten. */
  since(version: number): readonly StoreEvent[] | null
  /** Forgets all changes so far. */
  compact(): void
  onChange(listener: (event: StoreEvent) => void): Disposable
}

export function createStore(): Store {
  const all = new Map<string, Map<string, Stored>>()
  let events: StoreEvent[] = []
  let version = 1_000
  let forgotten = 0
  const listeners = new Set<(event: StoreEvent) => void>()
  const kind = (resource: string): Map<string, Stored> => {
    const found = all.get(resource) ?? new Map<string, Stored>()
    all.set(resource, found)
    return found
  }
  function tell(resource: string, type: StoreEvent['type'], object: Stored): Stored {
    const event = { version, resource, type, object }
    events.push(event)
    for (const listener of listeners) listener(event)
    return object
  }
  return {
    get version() {
      return version
    },
    get: (resource, name) => kind(resource).get(name) ?? null,
    list: (resource) => [...kind(resource).values()],
    add(resource, object, name) {
      version++
      const metadata = {
        ...fieldsOf(object['metadata']),
        name,
        uid: randomUUID(),
        resourceVersion: String(version),
        generation: 1,
        creationTimestamp: new Date().toISOString(),
      }
      const stored = { ...object, metadata }
      kind(resource).set(name, stored)
      return tell(resource, 'ADDED', stored)
    },
    change(resource, name, change, isNewSpec = false) {
      const former = kind(resource).get(name)
      if (former === undefined) return null
      version++
      const metadata = {
        ...former.metadata,
        ...fieldsOf(change['metadata']),
        uid: former.metadata.uid,
        resourceVersion: String(version),
        generation: former.metadata.generation + (isNewSpec ? 1 : 0),
      }
      const stored = { ...former, ...change, metadata }
      kind(resource).set(name, stored)
      return tell(resource, 'MODIFIED', stored)
    },
    remove(resource, name) {
      const former = kind(resource).get(name)
      if (former === undefined) return
      version++
      kind(resource).delete(name)
      tell(resource, 'DELETED', {
        ...former,
        metadata: { ...former.metadata, resourceVersion: String(version) },
      })
    },
    since: (from) => (from < forgotten ? null : events.filter((event) => event.version > from)),
    compact() {
      forgotten = version
      events = []
    },
    onChange(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
  }
}

/** Whether labels fit a selector of equalities, the only kind that is used. */
export function fits(labels: Readonly<Record<string, string>> | undefined, selector: string): boolean {
  return selector
    .split(',')
    .filter((term) => term !== '')
    .every((term) => {
      const [name = '', value] = term.split('=')
      return labels?.[name] === value
    })
}
