import { useMutation } from '@tanstack/react-query'
import { CircleX, ExternalLink } from 'lucide-react'
import { api, type SignUpFacts } from '../../api/client.ts'
import { Button } from '../../kit/button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Note } from '../../kit/note.tsx'

interface ProviderButtonsProps {
  readonly providers: SignUpFacts['providers']
  /** Path to come back to. */
  readonly back: string
  /** Token of an invitation that was opened. */
  readonly invitation?: string
}

/** A button for each provider that is configured. */
export function ProviderButtons({ providers, back, invitation }: ProviderButtonsProps) {
  const go = useMutation({
    mutationFn: async (provider: string) => {
      const { url } = await api.call('startProviderSignIn', {
        params: { provider },
        body: { back, ...(invitation === undefined ? {} : { invitation }) },
      })
      location.assign(url)
    },
  })
  if (providers.length === 0) return null
  return (
    <>
      {providers.map(({ id, name }) => (
        <Button
          key={id}
          size="lg"
          className="full"
          icon={ExternalLink}
          pending={go.isPending && go.variables === id}
          onClick={() => go.mutate(id)}
        >
          Go on with {name}
        </Button>
      ))}
      {go.error && <ErrorNote error={go.error} />}
    </>
  )
}

const REFUSALS: Readonly<Record<string, string>> = {
  sign_up_closed: 'There is no account for this address, and none is made without an invitation.',
  account_not_linked:
    'There is an account with this address, but it does not know the provider. Sign in with your password and link it under Account.',
  email_not_verified: 'The provider has not verified your address. Verify it there, then try again.',
  access_denied: 'You did not let the provider say who you are.',
  account_already_linked_to_different_user: 'This account is linked to somebody else here.',
  provider_refused: 'The provider did not say who you are. Try again in a moment.',
}

/** Why coming back from a provider did not sign anybody in. */
export function ProviderRefusal({ code }: { readonly code: string }) {
  return (
    <Note tone="failed" icon={CircleX} role="alert" title="The provider signed nobody in">
      <p>{REFUSALS[code.toLowerCase()] ?? 'It took too long, or was begun elsewhere. Try again.'}</p>
      <p className="xs">
        <code>{code}</code>
      </p>
    </Note>
  )
}
