import { useMutation } from '@tanstack/react-query'
import { Play } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { api, type CallResult, type Tool } from '../../../api/client.ts'
import { announce } from '../../../app/announcer.tsx'
import { Button } from '../../../kit/button.tsx'
import { Json } from '../../../kit/code.tsx'
import { Field, TextArea } from '../../../kit/field.tsx'
import { useCurrent } from '../current.ts'
import { CallOutcome } from './call-outcome.tsx'
import { fieldsOf, readArguments, toArguments, type Arguments } from './schema-form.ts'
import { ToolField } from './tool-field.tsx'

export interface Called {
  readonly result: CallResult
  readonly ms: number
}

/** A tool's description, its form, and what it answered. */
export function TryTool({ tool }: { readonly tool: Tool }) {
  const { id, state } = useCurrent()
  const fields = fieldsOf(tool.inputSchema)
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({})
  const [json, setJson] = useState<string | null>(fields === null ? '{}' : null)
  const [complaints, setComplaints] = useState<Readonly<Record<string, string>>>({})
  const call = useMutation({
    mutationFn: async (given: Arguments): Promise<Called> => {
      const begin = performance.now()
      const result = await api.call('callTool', {
        params: { id },
        body: { tool: tool.name, arguments: given },
      })
      return { result, ms: performance.now() - begin }
    },
    onSuccess: ({ result }) =>
      announce(result.isError === true ? `${tool.name} answered with an error` : `${tool.name} answered`),
  })
  const isStopped = state === 'stopped' || state === 'deleting'

  const read = () => {
    if (json === null) return toArguments(fields ?? [], typed)
    const given = readArguments(json)
    return given.ok ? given : { ok: false as const, complaints: { json: given.complaint } }
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isStopped || call.isPending) return
    const given = read()
    setComplaints(given.ok ? {} : given.complaints)
    if (given.ok) call.mutate(given.value)
  }
  const switchToJson = () => {
    const given = toArguments(fields ?? [], typed)
    setComplaints({})
    setJson(JSON.stringify(given.ok ? given.value : {}, null, 2))
  }

  return (
    <>
      <form className="pad stack" noValidate onSubmit={submit} aria-label={`Try ${tool.name}`}>
        <div>
          <h2 className="mono tool-name">{tool.name}</h2>
          {tool.description !== undefined && <p className="dim">{tool.description}</p>}
        </div>
        {json === null ? (
          fields?.map((field) => (
            <ToolField
              key={field.name}
              field={field}
              value={typed[field.name] ?? field.initial}
              complaint={complaints[field.name]}
              onChange={(value) => setTyped({ ...typed, [field.name]: value })}
            />
          ))
        ) : (
          <Field label="Arguments" hint="One JSON object." error={complaints['json']}>
            {(control) => (
              <TextArea {...control} rows={8} value={json} onChange={({ target }) => setJson(target.value)} />
            )}
          </Field>
        )}
        {json === null && fields?.length === 0 && <p className="faint">It takes no arguments.</p>}
        <div className="row wrap">
          <Button
            type="submit"
            variant="primary"
            icon={Play}
            pending={call.isPending}
            blocked={isStopped}
            {...(isStopped ? { 'aria-describedby': 'call-blocked' } : {})}
          >
            Call tool
          </Button>
          {fields !== null && (
            <Button variant="quiet" onClick={json === null ? switchToJson : () => setJson(null)}>
              {json === null ? 'As JSON' : 'As a form'}
            </Button>
          )}
        </div>
        {isStopped && (
          <p id="call-blocked" className="hint">
            Start the deployment first.
          </p>
        )}
        {tool.inputSchema !== undefined && (
          <details className="schema">
            <summary>Schema</summary>
            <Json value={tool.inputSchema} label={`Input schema of ${tool.name}`} />
          </details>
        )}
      </form>
      <CallOutcome tool={tool.name} called={call.data} error={call.error} isCalling={call.isPending} />
    </>
  )
}
