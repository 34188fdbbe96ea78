import type { NetworkForm, NetworkKind } from './network-policy.ts'
import { Button } from '../kit/button.tsx'
import { Field, TextArea } from '../kit/field.tsx'
import { Segmented } from '../kit/segmented.tsx'

const WORDS: Readonly<Record<NetworkKind, string>> = {
  internet: 'It reaches the public internet. Your network and this machine stay closed to it.',
  listed: 'It reaches the hosts below and nothing else. What it is refused shows in its log.',
  none: 'It reaches nothing. For servers that work with what they have.',
}

interface NetworkFieldProps {
  readonly value: NetworkForm
  readonly onChange: (value: NetworkForm) => void
  readonly error: string | undefined
  /** Hosts that it is known to want, `host:port`. */
  readonly suggested: readonly string[]
}

/** Where a server may connect to. */
export function NetworkField({ value, onChange, error, suggested }: NetworkFieldProps) {
  return (
    <div className="stack">
      <div className="field">
        <span className="label">Network</span>
        <div>
          <Segmented
            label="Network"
            value={value.kind}
            onChange={(kind) =>
              onChange({ kind, hosts: value.hosts.trim() === '' ? suggested.join('\n') : value.hosts })
            }
            options={[
              { value: 'internet', label: 'Internet' },
              { value: 'listed', label: 'Listed hosts' },
              { value: 'none', label: 'None' },
            ]}
          />
        </div>
        <p className="hint">{WORDS[value.kind]}</p>
      </div>
      {value.kind === 'listed' && (
        <Field
          label="Hosts"
          hint="One a line: api.example.com:443, *.example.org:8443, or db.example.com:* for every port."
          error={error}
        >
          {(attributes) => (
            <TextArea
              {...attributes}
              className="mono"
              rows={3}
              autoCapitalize="off"
              value={value.hosts}
              onChange={(event) => onChange({ ...value, hosts: event.target.value })}
            />
          )}
        </Field>
      )}
      {value.kind === 'listed' && suggested.length > 0 && (
        <div className="stack">
          <p className="hint">When it was tried it wanted to reach {suggested.join(', ')}.</p>
          <div>
            <Button size="sm" onClick={() => onChange({ ...value, hosts: suggested.join('\n') })}>
              Take these hosts
            </Button>
          </div>
        </div>
      )}
    </div>
  )
}
