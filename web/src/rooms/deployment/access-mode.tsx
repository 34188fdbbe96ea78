import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Globe } from 'lucide-react'
import { useState } from 'react'
import { api, type AccessMode } from '../../api/client.ts'
import { settingsQuery } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { Card } from '../../kit/card.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Note } from '../../kit/note.tsx'
import { Unloaded } from '../../kit/unloaded.tsx'
import { useCurrent } from './current.ts'
import './access-mode.css'

const CHOICES = [
  ['token', 'Token', 'Clients send an endpoint token. For Claude Code, Cursor, VS Code and scripts.'],
  [
    'oauth',
    'Sign in',
    'People sign in when they connect. For Claude on the web and phone, and ChatGPT. Tokens do not work.',
  ],
  [
    'both',
    'Token or sign in',
    'Either. Some clients ignore a token that they were given where people can sign in.',
  ],
  ['public', 'Public', 'Everybody who knows the address may call, without showing who they are.'],
] as const satisfies readonly (readonly [AccessMode, string, string])[]

/** How callers of a deployment show who they are. */
export function AccessModeCard() {
  const { id } = useCurrent()
  const queryClient = useQueryClient()
  const { data: settings, error, refetch } = useQuery(settingsQuery(id))
  return (
    <AccessChoice
      access={settings?.access}
      error={error}
      onRetry={() => void refetch()}
      change={async (access) => {
        const changed = await api.call('changeSettings', { params: { id }, body: { access } })
        queryClient.setQueryData(settingsQuery(id).queryKey, changed)
      }}
    />
  )
}

interface AccessChoiceProps {
  /** Undefined while it is not known. */
  readonly access: AccessMode | undefined
  readonly error?: unknown
  readonly onRetry?: () => void
  readonly change: (access: AccessMode) => Promise<void>
}

/** How callers show who they are. */
export function AccessChoice({ access, error, onRetry, change: apply }: AccessChoiceProps) {
  const [isOpening, setOpening] = useState(false)
  const change = useMutation({
    mutationFn: apply,
    onSuccess: () => {
      setOpening(false)
      tell({ tone: 'running', text: 'Who may call is changed' })
    },
  })
  return (
    <Card title="Who may call">
      <div className="pad stack">
        {access === undefined ? (
          <Unloaded label="Loading who may call" error={error} onRetry={onRetry} />
        ) : (
          <fieldset className="modes">
            <legend className="sr">Who may call</legend>
            {CHOICES.map(([value, label, words]) => (
              <label key={value} className="mode">
                <input
                  type="radio"
                  name="access"
                  checked={access === value}
                  disabled={change.isPending}
                  onChange={() => (value === 'public' ? setOpening(true) : change.mutate(value))}
                />
                <b className="strong">{label}</b>
                <span className="dim">{words}</span>
              </label>
            ))}
          </fieldset>
        )}
        {access === 'public' && (
          <Note tone="unhealthy" icon={Globe} title="Everybody may call this endpoint">
            All of its tools, with the credentials that it has. Nobody is named in the record of calls.
          </Note>
        )}
        {change.error && !isOpening && <ErrorNote error={change.error} />}
      </div>
      {isOpening && (
        <Confirm
          title="Let everybody call"
          action="Let everybody call"
          pending={change.isPending}
          error={change.error}
          onConfirm={() => change.mutate('public')}
          onClose={() => {
            change.reset()
            setOpening(false)
          }}
        >
          <p>
            Whoever can reach the endpoint may then call all of its tools, with the credentials that it has,
            and nobody is named in the record of calls.
          </p>
        </Confirm>
      )}
    </Card>
  )
}
