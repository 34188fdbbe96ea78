import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { UserRoundX } from 'lucide-react'
import { api } from '../api/client.ts'
import { signUpQuery } from '../api/queries.ts'
import { chooseWorkspace } from '../api/workspace.ts'
import { Door } from '../app/door.tsx'
import { ErrorNote } from '../kit/error-note.tsx'
import { Note } from '../kit/note.tsx'
import { Skeleton } from '../kit/skeleton.tsx'
import { ProviderButtons } from './account/providers.tsx'
import { PersonForm, type Person } from './people/person-form.tsx'

/** Where anybody makes an account, if the installation is open. */
export function SignUpRoom() {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const { data: signUp, error } = useQuery(signUpQuery)
  const make = useMutation({
    mutationFn: (person: Person) => api.call('signUp', { body: person }),
    onSuccess: async () => {
      chooseWorkspace(undefined)
      queryClient.clear()
      await navigate({ to: '/' })
    },
  })
  if (signUp?.mode === 'open') {
    return (
      <Door title="Make an account" lead="You get a workspace of your own.">
        <PersonForm
          action="Make the account"
          email={null}
          pending={make.isPending}
          error={make.error}
          onSubmit={(person) => make.mutate(person)}
        />
        <ProviderButtons providers={signUp.providers} back="/" />
        <Link to="/sign-in">I have an account: sign in</Link>
      </Door>
    )
  }
  return (
    <Door title="Make an account">
      {error ? (
        <ErrorNote error={error} />
      ) : signUp === undefined ? (
        <Skeleton height={2.75} />
      ) : (
        <Note tone="stopped" icon={UserRoundX} title="Accounts are not open to all here">
          <p>
            {signUp.mode === 'invitation'
              ? 'Ask somebody who is in a workspace for an invitation, and open its link.'
              : 'No accounts are made here.'}
          </p>
        </Note>
      )}
      <Link to="/sign-in">Sign in</Link>
    </Door>
  )
}
