import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { RouteInput, RouteOutput } from '../../../../src/contract/index.ts'
import { api } from '../../api/client.ts'
import { settingsQuery } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { Card } from '../../kit/card.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Unloaded } from '../../kit/unloaded.tsx'
import { useCurrent } from './current.ts'
import './access-mode.css'

export type EndpointSettings = RouteOutput<'getSettings'>

/** One way to set something of a deployment. */
export interface Choice {
  readonly label: string
  readonly words: string
  readonly change: RouteInput<'changeSettings'>['body']
  readonly isChosen: (settings: EndpointSettings) => boolean
}

export interface ChoiceCardProps {
  readonly title: string
  readonly choices: (settings: EndpointSettings) => readonly Choice[]
  /** What is said once it is changed. */
  readonly changed: string
}

/** A setting of the deployment that is one of a few choices, changed by choosing another one. */
export function ChoiceCard({ title, choices, changed }: ChoiceCardProps) {
  const { id } = useCurrent()
  const queryClient = useQueryClient()
  const { data: settings, error, refetch } = useQuery(settingsQuery(id))
  const change = useMutation({
    mutationFn: (body: Choice['change']) => api.call('changeSettings', { params: { id }, body }),
    onSuccess: (now) => {
      queryClient.setQueryData(settingsQuery(id).queryKey, now)
      tell({ tone: 'running', text: changed })
    },
  })
  return (
    <Card title={title}>
      <div className="pad stack">
        {settings === undefined ? (
          <Unloaded label={`Loading: ${title}`} error={error} onRetry={() => void refetch()} />
        ) : (
          <fieldset className="modes">
            <legend className="sr">{title}</legend>
            {choices(settings).map((choice) => (
              <label key={choice.label} className="mode">
                <input
                  type="radio"
                  name={title}
                  checked={choice.isChosen(settings)}
                  disabled={change.isPending}
                  onChange={() => change.mutate(choice.change)}
                />
                <b className="strong">{choice.label}</b>
                <span className="dim">{choice.words}</span>
              </label>
            ))}
          </fieldset>
        )}
        {change.error && <ErrorNote error={change.error} />}
      </div>
    </Card>
  )
}
