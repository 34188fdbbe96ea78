import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { ApiError } from '../api/client.ts'
import { connectionLost } from './connection.ts'
import { isUnreachable } from './explain.ts'

/** @param onSignedOut the session ended while the page was open */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  const onError = (error: unknown) => {
    if (isUnreachable(error)) connectionLost(client)
    if (error instanceof ApiError && error.body.error === 'unauthenticated') onSignedOut()
  }
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        // The program often runs on this very machine, which answers without any network.
        networkMode: 'always',
        retry: (failures, error) => !(error instanceof ApiError) && failures < 2,
        retryDelay: 500,
        staleTime: 2000,
      },
      mutations: { networkMode: 'always' },
    },
  })
  return client
}
