import { UserLock } from 'lucide-react'
import { Note } from '../../kit/note.tsx'

export type Personal = boolean | 'maybe'

/** Warns that a token stands for its maker, where everybody brings credentials of their own. */
export function PersonalNote({ personal }: { readonly personal: Personal }) {
  if (personal === false) return null
  return (
    <Note tone="unhealthy" icon={UserLock} title="It calls with your own credentials">
      <p>
        {personal === 'maybe'
          ? 'In deployments where each member brings their own, whoever holds it works with what you have brought.'
          : 'Each member brings their own here, and whoever holds this token works with yours.'}{' '}
        Hand it to nobody: let others sign in, or make their own.
      </p>
    </Note>
  )
}
