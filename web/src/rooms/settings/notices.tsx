import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { api, type NoticeChannel, type NoticeDelivery, type NoticeKind } from '../../api/client.ts'
import { noticeChannelsQuery, noticesQuery } from '../../api/queries.ts'
import { tell, tellFailure } from '../../app/toasts.ts'
import { Ago } from '../../kit/ago.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { CopyButton } from '../../kit/copy-button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Checkbox, Field, Input } from '../../kit/field.tsx'
import { Segmented } from '../../kit/segmented.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import './notices.css'

const KINDS: Readonly<Record<NoticeKind, string>> = {
  failed: 'A release or server failed',
  unhealthy: 'A server does not answer',
  update_available: 'An update is available',
  key_expiring: 'A token or API key expires within a week',
  tool_changed: 'A running server changed a tool',
  account_broken: 'A connected account is refused',
}
const ALL: NoticeKind[] = [
  'failed',
  'unhealthy',
  'update_available',
  'key_expiring',
  'tool_changed',
  'account_broken',
]

/** Where the workspace is told what happens, and what became of it. */
export function Notices() {
  const { data, error, refetch } = useQuery(noticeChannelsQuery)
  const [isAdding, setAdding] = useState(false)
  const [changing, setChanging] = useState<NoticeChannel | null>(null)
  const [removing, setRemoving] = useState<NoticeChannel | null>(null)
  const add = (
    <Button icon={Plus} onClick={() => setAdding(true)}>
      Add an address
    </Button>
  )
  return (
    <Card className="cut" title="Notices" actions={data && data.length > 0 && add}>
      {data === undefined ? (
        <div className="pad" role="status" aria-busy={!error} aria-label="Loading notices">
          {error ? <ErrorNote error={error} onRetry={() => void refetch()} /> : <Skeleton width={20} />}
        </div>
      ) : data.length === 0 ? (
        <Empty title="Nobody is told anything yet" action={add}>
          By webhook or mail you hear of what failed, does not answer, expires, or has an update.
        </Empty>
      ) : (
        <>
          <table className="table low people">
            <thead>
              <tr>
                <th scope="col">Address</th>
                <th scope="col" className="no-s">
                  Is told
                </th>
                <th scope="col">
                  <span className="sr">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map((channel) => (
                <ChannelRow
                  key={channel.id}
                  channel={channel}
                  onChange={() => setChanging(channel)}
                  onRemove={() => setRemoving(channel)}
                />
              ))}
            </tbody>
          </table>
          <Told />
        </>
      )}
      {isAdding && <AddChannel onClose={() => setAdding(false)} />}
      {changing && <ChangeChannel channel={changing} onClose={() => setChanging(null)} />}
      {removing && <RemoveChannel channel={removing} onClose={() => setRemoving(null)} />}
    </Card>
  )
}

interface ChannelRowProps {
  readonly channel: NoticeChannel
  readonly onChange: () => void
  readonly onRemove: () => void
}

function ChannelRow({ channel: { id, kind, address, notices }, onChange, onRemove }: ChannelRowProps) {
  const queryClient = useQueryClient()
  const test = useMutation({
    mutationFn: () => api.call('testNoticeChannel', { params: { id } }),
    onSuccess: async () => {
      tell({ tone: 'running', text: 'A test notice is on its way' })
      await queryClient.invalidateQueries({ queryKey: noticesQuery.queryKey })
    },
    onError: tellFailure,
  })
  return (
    <tr>
      <td>
        <span className="name">{address}</span>
        <div className="sub">{kind === 'mail' ? 'Mail' : 'Webhook'}</div>
      </td>
      <td className="no-s dim">
        {notices.length === ALL.length ? 'Everything' : notices.map((notice) => KINDS[notice]).join(' · ')}
      </td>
      <td className="n notice-actions">
        <Button
          size="sm"
          variant="quiet"
          aria-label={`Send a test notice to ${address}`}
          pending={test.isPending}
          onClick={() => test.mutate()}
        >
          Send a test
        </Button>
        <Button size="sm" variant="quiet" aria-label={`Change ${address}`} onClick={onChange}>
          Change
        </Button>
        <Button size="sm" variant="quiet" aria-label={`Remove ${address}`} onClick={onRemove}>
          Remove
        </Button>
      </td>
    </tr>
  )
}

/** The last notices, with what became of each. */
function Told() {
  const { data = [] } = useQuery(noticesQuery)
  if (data.length === 0) return null
  return (
    <div className="pad">
      <h3 className="xs faint">Told last</h3>
      <ul className="told" aria-label="Notices that were told last">
        {data.map((item) => (
          <li key={`${item.noticeId} ${item.channelId}`} className="row wrap">
            <span className={TONES[item.state]}>{WORDS[item.state]}</span>
            <span>
              {item.slug !== null && <span className="mono">{item.slug}: </span>}
              {item.message}
            </span>
            <span className="faint xs">
              {item.shown}, <Ago at={item.at} />
            </span>
            {item.error !== null && <span className="dim xs">{item.error}</span>}
          </li>
        ))}
      </ul>
    </div>
  )
}

const TONES = { pending: 'dim', delivered: 'dim', failed: 'strong' } as const satisfies Record<
  NoticeDelivery['state'],
  string
>
const WORDS = {
  pending: 'On its way',
  delivered: 'Delivered',
  failed: 'Not delivered',
} as const satisfies Record<NoticeDelivery['state'], string>

function KindChoice({
  chosen,
  onChange,
}: {
  readonly chosen: readonly NoticeKind[]
  readonly onChange: (kinds: NoticeKind[]) => void
}) {
  return (
    <fieldset className="notice-kinds">
      <legend className="label">It is told when</legend>
      {ALL.map((kind) => (
        <Checkbox
          key={kind}
          label={KINDS[kind]}
          checked={chosen.includes(kind)}
          onChange={({ target }) =>
            onChange(ALL.filter((one) => (one === kind ? target.checked : chosen.includes(one))))
          }
        />
      ))}
    </fieldset>
  )
}

/** Something that changes the addresses. */
function useChannelChange<T, R>(act: (given: T) => Promise<R>, text: string, onDone: (result: R) => void) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: act,
    onSuccess: async (result) => {
      tell({ tone: 'running', text })
      onDone(result)
      await queryClient.invalidateQueries({ queryKey: noticeChannelsQuery.queryKey })
    },
  })
}

function AddChannel({ onClose }: { readonly onClose: () => void }) {
  const [kind, setKind] = useState<NoticeChannel['kind']>('webhook')
  const [address, setAddress] = useState('')
  const [notices, setNotices] = useState(ALL)
  const [secret, setSecret] = useState<string | null>(null)
  const save = useChannelChange(
    () => api.call('createNoticeChannel', { body: { kind, address, notices } }),
    'The address is there',
    (channel) => (channel.secret === null ? onClose() : setSecret(channel.secret)),
  )
  const isIncomplete = address.trim().length < 3 || notices.length === 0
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isIncomplete) save.mutate(undefined)
  }
  if (secret !== null) return <SecretDialog secret={secret} onClose={onClose} />
  return (
    <Dialog title="Add an address for notices" onClose={onClose}>
      <form className="dialog-body" noValidate onSubmit={submit}>
        <Segmented
          label="How it is told"
          value={kind}
          onChange={setKind}
          options={[
            { value: 'webhook', label: 'Webhook' },
            { value: 'mail', label: 'Mail' },
          ]}
        />
        <Field
          label={kind === 'webhook' ? 'URL' : 'Mail address'}
          hint={
            kind === 'webhook'
              ? 'Is sent JSON, signed as Standard Webhooks has it. It is kept encrypted.'
              : 'Of a member of this workspace.'
          }
        >
          {(control) => (
            <Input
              {...control}
              type={kind === 'webhook' ? 'url' : 'email'}
              value={address}
              placeholder={kind === 'webhook' ? 'https://' : ''}
              onChange={({ target }) => setAddress(target.value)}
            />
          )}
        </Field>
        <KindChoice chosen={notices} onChange={setNotices} />
        {save.error && <ErrorNote error={save.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" blocked={isIncomplete} pending={save.isPending}>
            Add it
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function SecretDialog({ secret, onClose }: { readonly secret: string; readonly onClose: () => void }) {
  return (
    <Dialog title="The secret of the webhook" onClose={onClose}>
      <div className="dialog-body">
        <p>What receives it checks the signature with this secret. It is shown only now.</p>
        <div className="copyfield">
          <KeyRound />
          <code className="clip">{secret}</code>
          <CopyButton text={secret} what="the secret" />
        </div>
        <div className="dialog-actions">
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </div>
    </Dialog>
  )
}

interface ChannelDialogProps {
  readonly channel: NoticeChannel
  readonly onClose: () => void
}

function ChangeChannel({ channel, onClose }: ChannelDialogProps) {
  const params = { id: channel.id }
  const [notices, setNotices] = useState<NoticeKind[]>(channel.notices)
  const [secret, setSecret] = useState<string | null>(null)
  const save = useChannelChange(
    () => api.call('changeNoticeChannel', { params, body: { notices } }),
    'The address is changed',
    onClose,
  )
  const renew = useChannelChange(
    () => api.call('renewNoticeSecret', { params }),
    'It is signed with another secret from now on',
    (changed) => setSecret(changed.secret),
  )
  if (secret !== null) return <SecretDialog secret={secret} onClose={onClose} />
  const error = save.error ?? renew.error
  return (
    <Dialog title={channel.address} onClose={onClose}>
      <div className="dialog-body">
        <KindChoice chosen={notices} onChange={setNotices} />
        {error && <ErrorNote error={error} />}
        <div className="dialog-actions">
          {channel.kind === 'webhook' && (
            <Button variant="quiet" pending={renew.isPending} onClick={() => renew.mutate(undefined)}>
              Renew the secret
            </Button>
          )}
          <Button
            variant="primary"
            blocked={notices.length === 0}
            pending={save.isPending}
            onClick={() => save.mutate(undefined)}
          >
            Save
          </Button>
        </div>
      </div>
    </Dialog>
  )
}

function RemoveChannel({ channel: { id, address }, onClose }: ChannelDialogProps) {
  const remove = useChannelChange(
    () => api.call('deleteNoticeChannel', { params: { id } }),
    `${address} is told nothing any more`,
    onClose,
  )
  return (
    <Confirm
      title={`Remove ${address}`}
      action="Remove"
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate(undefined)}
      onClose={onClose}
    >
      <p>It is told nothing any more, and what is on its way is not delivered.</p>
    </Confirm>
  )
}
