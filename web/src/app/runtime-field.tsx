import { useQuery } from '@tanstack/react-query'
import { ChevronDown } from 'lucide-react'
import type { UseFormRegisterReturn } from 'react-hook-form'
import type { Installation } from '../api/client.ts'
import { installationQuery } from '../api/queries.ts'
import { Field } from '../kit/field.tsx'

type Kind = Installation['runtimes'][number]['kind']

const WORDS: Readonly<Record<Kind, string>> = {
  local: 'This machine, in a sandbox',
  docker: 'A Docker container',
  fly: 'A Fly Machine',
  kubernetes: 'A Kubernetes pod',
  remote: 'Somebody else’s server',
}

/** Where it runs. Nothing to choose, and nothing to see, where there is one runtime. */
export function RuntimeField({ registration }: { readonly registration: UseFormRegisterReturn }) {
  const { data: installation } = useQuery(installationQuery)
  // Whether somebody else runs a server is not a matter of choice.
  const runtimes = (installation?.runtimes ?? []).filter(({ kind }) => kind !== 'remote')
  if (runtimes.length < 2) return null
  return (
    <Field label="Runs on">
      {(attributes) => (
        <div className="input">
          <select {...attributes} {...registration}>
            {runtimes.map(({ kind, ok }) => (
              <option key={kind} value={kind} disabled={!ok}>
                {WORDS[kind]}
                {ok ? '' : ', not available now'}
              </option>
            ))}
          </select>
          <ChevronDown />
        </div>
      )}
    </Field>
  )
}
