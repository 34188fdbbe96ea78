import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { api } from '../../api/client.ts'
import { meQuery } from '../../api/queries.ts'
import { quotasQuery, type Quotas as Shown } from '../../api/usage.ts'
import { tell } from '../../app/toasts.ts'
import { Button } from '../../kit/button.tsx'
import { Card, KeyValues } from '../../kit/card.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input } from '../../kit/field.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'

const NAMES = ['deployments', 'memoryMiB', 'callsPerMinute', 'concurrentCalls'] as const
type Name = (typeof NAMES)[number]

const WORDS = {
  deployments: { label: 'Deployments', unit: '' },
  memoryMiB: { label: 'Memory of all together', unit: ' MiB' },
  callsPerMinute: { label: 'Calls a minute', unit: '' },
  concurrentCalls: { label: 'Calls at once', unit: '' },
} as const satisfies Record<Name, { label: string; unit: string }>

/** What the workspace may use and uses. Administrators of the installation change it. */
export function Quotas() {
  const { data: quotas, error, refetch } = useQuery(quotasQuery)
  const me = useQuery(meQuery)
  const [isChanging, setChanging] = useState(false)
  return (
    <Card
      title="Quotas"
      actions={
        me.data?.isInstallationAdmin === true &&
        quotas !== undefined && (
          <Button size="sm" onClick={() => setChanging(true)}>
            Change
          </Button>
        )
      }
    >
      {quotas === undefined ? (
        <div className="pad stack" role="status" aria-busy={!error} aria-label="Loading quotas">
          {error ? <ErrorNote error={error} onRetry={() => void refetch()} /> : <Skeleton width={20} />}
        </div>
      ) : (
        <KeyValues
          items={Object.fromEntries(NAMES.map((name) => [WORDS[name].label, words(name, quotas)]))}
        />
      )}
      {isChanging && quotas !== undefined && me.data !== undefined && (
        <ChangeQuotas workspaceId={me.data.workspace.id} quotas={quotas} onClose={() => setChanging(false)} />
      )}
    </Card>
  )
}

function words(name: Name, quotas: Shown): string {
  const { limit, used } = quotas[name]
  const { unit } = WORDS[name]
  const most = limit === null ? 'no limit' : `${limit.toLocaleString('en')}${unit}`
  return used === null
    ? most
    : `${used.toLocaleString('en')}${unit} used, ${limit === null ? most : `of ${most}`}`
}

interface ChangeQuotasProps {
  readonly workspaceId: string
  readonly quotas: Shown
  readonly onClose: () => void
}

function ChangeQuotas({ workspaceId, quotas, onClose }: ChangeQuotasProps) {
  const queryClient = useQueryClient()
  const [texts, setTexts] = useState<Readonly<Record<Name, string>>>({
    deployments: textOf(quotas.deployments),
    memoryMiB: textOf(quotas.memoryMiB),
    callsPerMinute: textOf(quotas.callsPerMinute),
    concurrentCalls: textOf(quotas.concurrentCalls),
  })
  const save = useMutation({
    mutationFn: () =>
      api.call('changeQuotas', {
        params: { id: workspaceId },
        body: {
          deployments: numberOf(texts.deployments),
          memoryMiB: numberOf(texts.memoryMiB),
          callsPerMinute: numberOf(texts.callsPerMinute),
          concurrentCalls: numberOf(texts.concurrentCalls),
        },
      }),
    onSuccess: async () => {
      tell({ tone: 'running', text: 'Quotas changed' })
      onClose()
      await queryClient.invalidateQueries({ queryKey: quotasQuery.queryKey })
    },
  })
  const isWrong = Object.values(texts).some((text) => !/^\d{0,9}$/.test(text.trim()))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isWrong) save.mutate()
  }
  return (
    <Dialog title="Quotas of this workspace" onClose={onClose}>
      <form className="dialog-body" noValidate onSubmit={submit}>
        <p>Empty is what every workspace may; 0 is no limit.</p>
        {NAMES.map((name) => (
          <Field
            key={name}
            label={`${WORDS[name].label}${WORDS[name].unit === '' ? '' : ` (${WORDS[name].unit.trim()})`}`}
            error={/^\d{0,9}$/.test(texts[name].trim()) ? undefined : 'A whole number, or nothing.'}
          >
            {(control) => (
              <Input
                {...control}
                inputMode="numeric"
                value={texts[name]}
                onChange={({ target }) => setTexts({ ...texts, [name]: target.value })}
              />
            )}
          </Field>
        ))}
        {save.error && <ErrorNote error={save.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" blocked={isWrong} pending={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function textOf({ limit, own }: Shown[Name]): string {
  return own ? String(limit ?? 0) : ''
}

function numberOf(text: string): number | null {
  return text.trim() === '' ? null : Number(text.trim())
}
