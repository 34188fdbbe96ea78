import { API_SCOPES, type ApiScope } from '../../api/client.ts'
import { Checkbox } from '../../kit/field.tsx'
import { Segmented } from '../../kit/segmented.tsx'

interface ScopeChoiceProps {
  /** null for all that the role may. */
  readonly chosen: readonly ApiScope[] | null
  readonly onChange: (scopes: readonly ApiScope[] | null) => void
}

const REACH = [
  { value: 'all', label: 'All that the role may' },
  { value: 'some', label: 'Only some things' },
] as const

/** What a key may do of what its role may. */
export function ScopeChoice({ chosen, onChange }: ScopeChoiceProps) {
  return (
    <div className="field">
      <span className="label">May do</span>
      <div>
        <Segmented
          label="May do"
          value={chosen === null ? 'all' : 'some'}
          options={REACH}
          onChange={(reach) => onChange(reach === 'all' ? null : [])}
        />
      </div>
      {chosen !== null && (
        <fieldset className="scopes">
          <legend className="hint">Choose one at least. “write” includes “read” of the same.</legend>
          {API_SCOPES.map((scope) => (
            <Checkbox
              key={scope}
              label={<span className="mono">{scope}</span>}
              checked={chosen.includes(scope)}
              onChange={({ target }) =>
                onChange(
                  API_SCOPES.filter((each) => (each === scope ? target.checked : chosen.includes(each))),
                )
              }
            />
          ))}
        </fieldset>
      )}
    </div>
  )
}
