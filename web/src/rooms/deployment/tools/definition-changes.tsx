import { textsOf } from './definition-lines.ts'

interface DefinitionChangesProps {
  readonly name: string
  /** Null for a tool that was not there. */
  readonly from: Readonly<Record<string, unknown>> | null
  readonly to: Readonly<Record<string, unknown>>
  /** Members of the definition that differ. */
  readonly members: readonly string[]
}

/** Old and new definition of a tool, member by member. */
export function DefinitionChanges({ name, from, to, members }: DefinitionChangesProps) {
  return (
    <ul className="changes of-definition" aria-label={`What differs in ${name}`}>
      {(from === null ? Object.keys(to) : members).map((member) => (
        <li key={member}>
          <span className="faint">{member}</span>
          {from !== null &&
            textsOf(from[member]).map((line, index) => (
              <code key={`-${index}`} className="failed block">
                − {line}
              </code>
            ))}
          {textsOf(to[member]).map((line, index) => (
            <code key={`+${index}`} className="running block">
              + {line}
            </code>
          ))}
        </li>
      ))}
    </ul>
  )
}
