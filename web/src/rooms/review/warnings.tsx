import { TriangleAlert } from 'lucide-react'
import { Controller, type UseFormReturn } from 'react-hook-form'
import type { Analysis } from '../../api/client.ts'
import { Checkbox } from '../../kit/field.tsx'
import { Note } from '../../kit/note.tsx'
import { Segmented } from '../../kit/segmented.tsx'
import type { ReviewValues } from './values.ts'

type Warning = Analysis['warnings'][number]

const TITLES: Readonly<Record<Warning['code'], string>> = {
  install_scripts: 'It wants to run install scripts',
  deprecated: 'Its authors no longer maintain it',
  recently_published: 'This version is only days old',
}

interface WarningsProps {
  readonly warnings: readonly Warning[]
  readonly form: UseFormReturn<ReviewValues>
}

/** What the analysis warns of, with the decision that it asks for. */
export function Warnings({ warnings, form }: WarningsProps) {
  return warnings.map((warning) => (
    <Note key={warning.code} tone="unhealthy" icon={TriangleAlert} title={TITLES[warning.code]}>
      <p>{warning.message}</p>
      <Decision code={warning.code} form={form} />
    </Note>
  ))
}

function Decision({ code, form }: { readonly code: Warning['code']; form: UseFormReturn<ReviewValues> }) {
  switch (code) {
    case 'install_scripts':
      return (
        <div className="decision">
          <p>Many servers work without them. They would run in the sandbox.</p>
          <Controller
            control={form.control}
            name="scripts"
            render={({ field }) => (
              <Segmented
                label="Install scripts"
                value={field.value === '' ? undefined : field.value}
                onChange={field.onChange}
                options={[
                  { value: 'leave', label: 'Leave them out' },
                  { value: 'run', label: 'Run them' },
                ]}
              />
            )}
          />
        </div>
      )
    case 'deprecated':
      return (
        <div className="decision">
          <Checkbox label="Deploy it all the same" {...form.register('deprecatedConfirmed')} />
        </div>
      )
    case 'recently_published':
      return null
  }
}
