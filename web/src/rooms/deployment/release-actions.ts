import { useMutation, useQueryClient } from '@tanstack/react-query'
import { api, type CreateRelease, type Deployment } from '../../api/client.ts'
import { releasesQuery } from '../../api/queries.ts'
import { storeDeployment } from '../../api/use-feed.ts'
import { tell } from '../../app/toasts.ts'

/** Makes a release; `onMade` is called once it was accepted. */
export function useRelease({ id, name }: Deployment, onMade: () => void) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (body: CreateRelease) => api.call('createRelease', { params: { id }, body }),
    onSuccess: (deployment) => {
      storeDeployment(queryClient, deployment)
      void queryClient.invalidateQueries({ queryKey: releasesQuery(id).queryKey })
      tell({ tone: 'running', text: `${name}: release v${deployment.release.number} is on its way` })
      onMade()
    },
  })
}
