import { Link } from '@tanstack/react-router'
import { CircleX, TriangleAlert } from 'lucide-react'
import { Controller, type UseFormReturn } from 'react-hook-form'
import type { Analysis } from '../../api/client.ts'
import { Checkbox } from '../../kit/field.tsx'
import { Note } from '../../kit/note.tsx'
import { Segmented } from '../../kit/segmented.tsx'
import { needsConfirmation, type ReviewValues } from './values.ts'

const TITLES: Readonly<Record<string, string>> = {
  install_scripts: 'It wants to run install scripts',
  deprecated: 'Its authors no longer maintain it',
  recently_published: 'This version is only days old',
  provenance_mismatch: 'The package may come from elsewhere',
  names_another_package: 'It names another package',
}

interface WarningsProps {
  readonly analysis: Analysis
  readonly form: UseFormReturn<ReviewValues>
  /** Whether a decision would lead to anything. */
  readonly isDecidable: boolean
}

/** What the analysis warns of, with the decisions that it asks for. */
export function Warnings({ analysis, form, isDecidable }: WarningsProps) {
  const { verdict, reason, warnings } = analysis
  return (
    <>
      {verdict === 'not_a_server' && (
        <Note tone="failed" icon={CircleX} title="No server found">
          <p>{reason}</p>
          <p className="decision">
            <Link to="/">Choose another source</Link>
          </p>
        </Note>
      )}
      {warnings.map(({ code, message }) => (
        <Note
          key={`${code} ${message}`}
          tone="unhealthy"
          icon={TriangleAlert}
          title={TITLES[code] ?? 'Worth knowing'}
        >
          <p>{message}</p>
          {code === 'install_scripts' && isDecidable && <Scripts form={form} />}
        </Note>
      ))}
      {isDecidable && needsConfirmation(analysis) && (
        <Checkbox label="I know, deploy it all the same" {...form.register('isConfirmed')} />
      )}
    </>
  )
}

function Scripts({ form }: { readonly form: UseFormReturn<ReviewValues> }) {
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
}
