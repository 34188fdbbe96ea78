import { createRouter } from '@tanstack/react-router'
import { meQuery } from '../api/queries.ts'
import { ErrorPage } from './error-page.tsx'
import { NotFound } from './not-found.tsx'
import { createQueryClient } from './query-client.ts'
import { routeTree } from './routes.tsx'

export const queryClient = createQueryClient(() => {
  // Someone who was never signed in is led to the door by the router itself.
  if (queryClient.getQueryData(meQuery.queryKey) === undefined) return
  const back = router.state.location.href
  queryClient.removeQueries({ queryKey: meQuery.queryKey })
  void router.navigate({ to: '/sign-in', search: { back } })
})

export const router = createRouter({
  routeTree,
  context: { queryClient },
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultErrorComponent: ErrorPage,
  defaultNotFoundComponent: NotFound,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
