import type { QueryClient } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { createStore } from './store.ts'

const RETRY_MS = 4000

export type Connection =
  | { readonly kind: 'up' }
  /** `since` and `retryAt` are milliseconds since the epoch. */
  | { readonly kind: 'lost'; readonly since: number; readonly retryAt: number }

export const connection = createStore<Connection>({ kind: 'up' })

let timer: ReturnType<typeof setTimeout> | undefined

/** Notes that the program did not answer and asks again until it does, then refreshes everything. */
export function connectionLost(queryClient: QueryClient): void {
  if (connection.get().kind === 'lost') return
  schedule(queryClient, Date.now())
}

/** Asks at once. */
export function retryNow(queryClient: QueryClient): void {
  clearTimeout(timer)
  void check(queryClient)
}

function schedule(queryClient: QueryClient, since: number): void {
  connection.set({ kind: 'lost', since, retryAt: Date.now() + RETRY_MS })
  timer = setTimeout(() => void check(queryClient), RETRY_MS)
}

async function check(queryClient: QueryClient): Promise<void> {
  const before = connection.get()
  if (before.kind === 'up') return
  try {
    await api.call('getSetUp', {}, AbortSignal.timeout(RETRY_MS))
  } catch {
    schedule(queryClient, before.since)
    return
  }
  connection.set({ kind: 'up' })
  await queryClient.invalidateQueries()
}
