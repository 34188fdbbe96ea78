import { createStore } from './store.ts'

/**
 * Snippets and command lines as they were pasted, by the source that they stand for. In memory only: their values may be
 * secrets, which have no place in an address, the history or storage.
 */
const pasted = createStore<Readonly<Record<string, string>>>({})

export function keepPasted(source: string, text: string): void {
  pasted.set({ ...pasted.get(), [source]: text })
}

export function forgetPasted(source: string): void {
  const { [source]: _, ...rest } = pasted.get()
  pasted.set(rest)
}

/** What was pasted for a source; undefined when the source was given as it is, or after the page was loaded anew. */
export function pastedFor(source: string): string | undefined {
  return pasted.get()[source]
}
