import { ChevronDown } from 'lucide-react'
import type { Role } from '../../api/client.ts'
import { mayGive, ROLE_WORDS, ROLES } from './roles.ts'

interface RoleSelectProps {
  readonly label?: string
  readonly id?: string
  readonly value: Role
  /** The highest that may be given. */
  readonly upTo: Role
  readonly onChange: (role: Role) => void
}

export function RoleSelect({ label, id, value, upTo, onChange }: RoleSelectProps) {
  return (
    <div className="input sm role">
      <select
        id={id}
        aria-label={label}
        value={value}
        onChange={({ target }) => {
          const chosen = ROLES.find((role) => role === target.value)
          if (chosen !== undefined) onChange(chosen)
        }}
      >
        {ROLES.filter((role) => mayGive(upTo, role)).map((role) => (
          <option key={role} value={role}>
            {ROLE_WORDS[role]}
          </option>
        ))}
      </select>
      <ChevronDown className="s" aria-hidden="true" />
    </div>
  )
}
