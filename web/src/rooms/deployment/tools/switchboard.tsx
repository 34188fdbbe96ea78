import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ShieldAlert, Sparkles } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { api, type ToolItem, type ToolListing } from '../../../api/client.ts'
import { toolsQuery } from '../../../api/queries.ts'
import { tell } from '../../../app/toasts.ts'
import { Badge } from '../../../kit/badge.tsx'
import { Button } from '../../../kit/button.tsx'
import { Card } from '../../../kit/card.tsx'
import { Dialog } from '../../../kit/dialog.tsx'
import { ErrorNote } from '../../../kit/error-note.tsx'
import { Field, Input, TextArea } from '../../../kit/field.tsx'
import { Note } from '../../../kit/note.tsx'
import { Segmented } from '../../../kit/segmented.tsx'
import { Unloaded } from '../../../kit/unloaded.tsx'
import { useCurrent } from '../current.ts'
import { DefinitionChanges } from './definition-changes.tsx'

/** A change of the list of tools, which lands in the query cache. */
function useToolChange<T>(act: (given: T) => Promise<ToolListing>, text: string) {
  const { id } = useCurrent()
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: act,
    onSuccess: (changed) => {
      queryClient.setQueryData(toolsQuery(id).queryKey, changed)
      tell({ tone: 'running', text })
    },
  })
}

/** What clients see of each tool, and what a running server changed about them. */
export function Switchboard() {
  const { id } = useCurrent()
  const { data, error, refetch } = useQuery(toolsQuery(id))
  const [editing, edit] = useState<ToolItem | null>(null)
  const pin = useToolChange(
    (pinning: ToolListing['pinning']) => api.call('setToolPinning', { params: { id }, body: { pinning } }),
    'What stops a tool is changed',
  )
  if (data === undefined) {
    return (
      <Unloaded label="Loading what clients see" error={error} onRetry={() => void refetch()} lines={[20]} />
    )
  }
  const changed = data.items.filter(({ change }) => change !== null)
  return (
    <>
      {changed.map((item) => (
        <ChangedTool key={item.name} item={item} />
      ))}
      <Card
        className="cut"
        title="What clients see"
        beside={<span className="faint num">{data.items.length}</span>}
        foot={
          <div className="row wrap">
            <span className="dim">Stop tools that a running server changes</span>
            <Segmented
              label="Stop tools that a running server changes"
              value={data.pinning}
              onChange={(pinning) => pin.mutate(pinning)}
              options={[
                { value: 'off', label: 'Never' },
                { value: 'changed', label: 'Changed' },
                { value: 'strict', label: 'Changed and new' },
              ]}
            />
          </div>
        }
      >
        {pin.error && <ErrorNote error={pin.error} />}
        <ul className="tl switchboard">
          {data.items.map((item) => (
            <SwitchedTool key={item.name} item={item} onEdit={() => edit(item)} />
          ))}
        </ul>
      </Card>
      {editing !== null && <EditTool item={editing} onClose={() => edit(null)} />}
    </>
  )
}

function SwitchedTool({ item, onEdit }: { readonly item: ToolItem; readonly onEdit: () => void }) {
  const { id } = useCurrent()
  const { name, setting, isEnabled, change } = item
  const flip = useToolChange(
    (on: boolean) => api.call('changeTool', { params: { id }, body: { tool: name, isEnabled: on } }),
    isEnabled ? `${name} is switched off` : `${name} is switched on`,
  )
  return (
    <li>
      <label className="row switchline">
        <input
          type="checkbox"
          role="switch"
          className="switch"
          checked={isEnabled}
          aria-checked={isEnabled}
          disabled={flip.isPending}
          onChange={({ target }) => flip.mutate(target.checked)}
        />
        <span className="mono strong clip" title={name}>
          {name}
        </span>
      </label>
      <span className="row wrap">
        {setting.name !== null && <Badge tone="plain">shown as {setting.name}</Badge>}
        {change?.isBlocked === true && <Badge tone="bad">stopped</Badge>}
        {change?.kind === 'new' && <Badge tone="warn">new</Badge>}
        <Button size="sm" variant="quiet" aria-label={`Edit ${name}`} onClick={onEdit}>
          Edit
        </Button>
      </span>
      {flip.error && <ErrorNote error={flip.error} />}
    </li>
  )
}

function EditTool({ item, onClose }: { readonly item: ToolItem; readonly onClose: () => void }) {
  const { id } = useCurrent()
  const { setting } = item
  const [name, setName] = useState(setting.name ?? '')
  const [title, setTitle] = useState(setting.title ?? '')
  const [description, setDescription] = useState(setting.description ?? '')
  const [isReadOnly, setReadOnly] = useState(setting.annotations['readOnlyHint'] === true)
  const save = useToolChange(
    () =>
      api.call('changeTool', {
        params: { id },
        body: {
          tool: item.name,
          name: name.trim() || null,
          title: title.trim() || null,
          description: description.trim() || null,
          ...(isReadOnly === (setting.annotations['readOnlyHint'] === true)
            ? {}
            : { annotations: { readOnlyHint: isReadOnly } }),
        },
      }),
    `${item.name} is changed`,
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending) save.mutate(undefined, { onSuccess: onClose })
  }
  return (
    <Dialog title={`Edit ${item.name}`} onClose={onClose}>
      <form className="stack" noValidate onSubmit={submit}>
        <Field label="Name" hint="What clients call it. Empty: the server's own.">
          {(control) => (
            <Input
              {...control}
              value={name}
              placeholder={item.name}
              onChange={({ target }) => setName(target.value)}
            />
          )}
        </Field>
        <Field label="Title">
          {(control) => (
            <Input {...control} value={title} onChange={({ target }) => setTitle(target.value)} />
          )}
        </Field>
        <Field label="Description" hint="What clients and models read. Empty: the server's own.">
          {(control) => (
            <TextArea
              {...control}
              rows={4}
              value={description}
              placeholder={item.description ?? ''}
              onChange={({ target }) => setDescription(target.value)}
            />
          )}
        </Field>
        <label className="row switchline">
          <input
            type="checkbox"
            role="switch"
            className="switch"
            checked={isReadOnly}
            aria-checked={isReadOnly}
            onChange={({ target }) => setReadOnly(target.checked)}
          />
          It changes nothing
        </label>
        {save.error && <ErrorNote error={save.error} />}
        <div className="row">
          <Button type="submit" variant="primary" pending={save.isPending}>
            Save
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  )
}

function ChangedTool({ item }: { readonly item: ToolItem }) {
  const { id } = useCurrent()
  const { name, change } = item
  const decide = useToolChange(
    ({ decision, hash }: { decision: 'accept' | 'keep_blocked'; hash: string }) =>
      api.call('decideAboutTool', { params: { id }, body: { tool: name, decision, hash } }),
    `Decided about ${name}`,
  )
  if (change === null) return null
  const { kind, isBlocked, isKept, hash, from, to, members } = change
  const title =
    kind === 'new'
      ? `The running server added ${name}`
      : `The running server changed ${name} without a new release`
  return (
    <section className="card pad stack" aria-label={title}>
      <Note
        tone={isBlocked ? 'failed' : 'unhealthy'}
        icon={kind === 'new' ? Sparkles : ShieldAlert}
        title={title}
        actions={
          <>
            <Button
              size="sm"
              pending={decide.isPending}
              onClick={() => decide.mutate({ decision: 'accept', hash })}
            >
              Accept
            </Button>
            {isBlocked && !isKept && (
              <Button
                size="sm"
                pending={decide.isPending}
                onClick={() => decide.mutate({ decision: 'keep_blocked', hash })}
              >
                Keep blocked
              </Button>
            )}
          </>
        }
      >
        <span>
          {isBlocked
            ? 'It is neither listed nor called until somebody accepts it.'
            : 'Clients see it. Accept it to have it approved.'}
        </span>
      </Note>
      <DefinitionChanges name={name} from={from} to={to} members={members} />
      {decide.error && <ErrorNote error={decide.error} />}
    </section>
  )
}
