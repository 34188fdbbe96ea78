import { useMutation } from '@tanstack/react-query'
import { ExternalLink } from 'lucide-react'
import { api } from '../../api/client.ts'
import { Button } from '../../kit/button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { rememberWay } from './way-back.ts'

interface ConnectAccountProps {
  readonly deploymentId: string
  /** The credential that it is for. */
  readonly name: string
  /** Of the service. */
  readonly provider: string
  readonly again: boolean
}

/** Leads to the service, which leads back. */
export function ConnectAccount({ deploymentId, name, provider, again }: ConnectAccountProps) {
  const start = useMutation({
    mutationFn: () => api.call('startAccount', { params: { id: deploymentId, name } }),
    onSuccess: ({ url }) => {
      rememberWay()
      location.assign(url)
    },
  })
  return (
    <div className="stack">
      <div>
        <Button
          icon={ExternalLink}
          pending={start.isPending}
          aria-label={`${again ? 'Reconnect' : 'Connect'} ${provider} for ${name}`}
          onClick={() => start.mutate()}
        >
          {again ? 'Reconnect' : 'Connect'} {provider}
        </Button>
      </div>
      {start.error && <ErrorNote error={start.error} />}
    </div>
  )
}
