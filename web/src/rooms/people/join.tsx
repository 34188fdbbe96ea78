import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { MailX } from 'lucide-react'
import { api } from '../../api/client.ts'
import { invitationQuery, meQuery, signUpQuery } from '../../api/queries.ts'
import { chooseWorkspace } from '../../api/workspace.ts'
import { Door } from '../../app/door.tsx'
import { forgetLinkToken, useLinkToken } from '../../app/link-token.ts'
import { Button } from '../../kit/button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Note } from '../../kit/note.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { ProviderButtons } from '../account/providers.tsx'
import { PersonForm, type Person } from './person-form.tsx'

/** Where an invitation leads. */
export function JoinRoom() {
  const token = useLinkToken('/join')
  if (token !== null) return <Invited token={token} />
  return (
    <Door title="Join a workspace">
      <Note tone="deploying" icon={MailX} title="Open the link of your invitation">
        <p>The address of this page alone says nothing. Ask whoever invited you for the whole link.</p>
      </Note>
    </Door>
  )
}

function Invited({ token }: { readonly token: string }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const { data: invitation, error } = useQuery(invitationQuery(token))
  const { data: signUp } = useQuery(signUpQuery)
  const { data: me, isPending } = useQuery({ ...meQuery, retry: false })
  const enter = async () => {
    forgetLinkToken('/join')
    queryClient.clear()
    await navigate({ to: '/deployments' })
  }
  const accept = useMutation({
    mutationFn: () => api.call('acceptInvitation', { body: { token } }),
    onSuccess: async ({ workspaceId }) => {
      chooseWorkspace(workspaceId)
      await enter()
    },
  })
  const make = useMutation({
    mutationFn: (person: Person) => api.call('joinByInvitation', { body: { token, ...person } }),
    onSuccess: async () => {
      chooseWorkspace(undefined)
      await enter()
    },
  })
  if (error) {
    return (
      <Door title="Join a workspace">
        <ErrorNote error={error} />
        <Link to="/sign-in">Sign in</Link>
      </Door>
    )
  }
  if (invitation === undefined || isPending) {
    return (
      <Door title="Join a workspace">
        <Skeleton height={2.75} />
        <Skeleton height={2.75} />
      </Door>
    )
  }
  const lead = `You are invited to work there as ${invitation.role}.`
  if (me?.user) {
    return (
      <Door title={`Join ${invitation.workspace}`} lead={lead}>
        {accept.error && <ErrorNote error={accept.error} />}
        <Button
          variant="primary"
          size="lg"
          className="full"
          pending={accept.isPending}
          onClick={() => accept.mutate()}
        >
          Join as {me.user.email}
        </Button>
      </Door>
    )
  }
  return (
    <Door title={`Join ${invitation.workspace}`} lead={lead}>
      {invitation.signUp && (
        <PersonForm
          action="Make an account and join"
          email={invitation.email}
          pending={make.isPending}
          error={make.error}
          onSubmit={(person) => make.mutate(person)}
        />
      )}
      {invitation.signUp && signUp !== undefined && (
        <ProviderButtons providers={signUp.providers} back="/deployments" invitation={token} />
      )}
      <Link to="/sign-in" search={{ back: '/join' }}>
        I have an account: sign in
      </Link>
    </Door>
  )
}
