import { useMutation, useQueryClient } from '@tanstack/react-query'
import { api, type Deployment } from '../../api/client.ts'
import { deploymentsQuery } from '../../api/queries.ts'
import { storeDeployment } from '../../api/use-feed.ts'
import { tell, tellFailure } from '../../app/toasts.ts'

export type Action = 'stop' | 'start' | 'restart'

const ROUTES = {
  stop: 'stopDeployment',
  start: 'startDeployment',
  restart: 'restartDeployment',
} as const satisfies Record<Action, string>

const DONE: Readonly<Record<Action, string>> = {
  stop: 'is being stopped',
  start: 'is being started',
  restart: 'is being restarted',
}

/** Stops, starts or restarts a deployment and tells the outcome. */
export function useAction({ id, name }: Deployment) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (action: Action) => api.call(ROUTES[action], { params: { id } }),
    onSuccess: (deployment, action) => {
      storeDeployment(queryClient, deployment)
      tell({ tone: action === 'stop' ? 'stopped' : 'running', text: `${name} ${DONE[action]}` })
    },
    onError: tellFailure,
  })
}

export function useDelete({ id }: Deployment, onAccepted: () => void) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: () => api.call('deleteDeployment', { params: { id } }),
    onSuccess: (deployment) => {
      storeDeployment(queryClient, deployment)
      void queryClient.invalidateQueries({ queryKey: deploymentsQuery.queryKey })
      onAccepted()
    },
  })
}
