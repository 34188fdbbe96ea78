import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from '../../api/client.ts'
import { settingsQuery } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { Card } from '../../kit/card.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { useCurrent } from './current.ts'
import './access-mode.css'

interface Choice {
  readonly alwaysOn: boolean
  readonly idleTimeoutS: number | null
}

const CHOICES: readonly (Choice & { readonly label: string; readonly words: string })[] = [
  {
    alwaysOn: false,
    idleTimeoutS: null,
    label: 'As the installation is set',
    words: 'After a while without a call it sleeps, and costs no memory. The next call wakes it.',
  },
  { alwaysOn: false, idleTimeoutS: 300, label: 'After 5 minutes', words: 'Sleeps soon.' },
  {
    alwaysOn: false,
    idleTimeoutS: 3600,
    label: 'After an hour',
    words: 'Stays awake over a working session.',
  },
  {
    alwaysOn: true,
    idleTimeoutS: null,
    label: 'Never: always on',
    words: 'No call waits for it to start. Its memory is taken day and night.',
  },
]

/** When it sleeps. */
export function SleepCard() {
  const { id } = useCurrent()
  const queryClient = useQueryClient()
  const { data: settings, error, refetch } = useQuery(settingsQuery(id))
  const change = useMutation({
    mutationFn: ({ alwaysOn, idleTimeoutS }: Choice) =>
      api.call('changeSettings', { params: { id }, body: { alwaysOn, idleTimeoutS } }),
    onSuccess: (changed) => {
      queryClient.setQueryData(settingsQuery(id).queryKey, changed)
      tell({ tone: 'running', text: 'When it sleeps is changed' })
    },
  })
  return (
    <Card title="When it sleeps">
      <div className="pad stack">
        {settings === undefined ? (
          error ? (
            <ErrorNote error={error} onRetry={() => void refetch()} />
          ) : (
            <div className="stack" role="status" aria-busy="true" aria-label="Loading when it sleeps">
              <Skeleton width={20} />
              <Skeleton width={16} />
            </div>
          )
        ) : (
          <fieldset className="modes">
            <legend className="sr">When it sleeps</legend>
            {choicesFor(settings).map((choice) => (
              <label key={choice.label} className="mode">
                <input
                  type="radio"
                  name="sleep"
                  checked={isChosen(choice, settings)}
                  disabled={change.isPending}
                  onChange={() => change.mutate(choice)}
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

function isChosen(choice: Choice, settings: Choice): boolean {
  if (settings.alwaysOn || choice.alwaysOn) return settings.alwaysOn && choice.alwaysOn
  return choice.idleTimeoutS === settings.idleTimeoutS
}

/** A time that was set elsewhere is shown too. */
function choicesFor(settings: Choice): typeof CHOICES {
  const { alwaysOn, idleTimeoutS } = settings
  if (alwaysOn || CHOICES.some((choice) => isChosen(choice, settings))) return CHOICES
  return [
    ...CHOICES,
    {
      alwaysOn,
      idleTimeoutS,
      label: `After ${idleTimeoutS ?? 0} seconds`,
      words: 'Set with the command line or the API.',
    },
  ]
}
