import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { MailCheck, MailX } from 'lucide-react'
import { api } from '../../api/client.ts'
import { Door } from '../../app/door.tsx'
import { forgetLinkToken, useLinkToken } from '../../app/link-token.ts'
import { Button } from '../../kit/button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Note } from '../../kit/note.tsx'

/** Where the link of a mail leads that confirms an address. */
export function VerifyEmailRoom() {
  const token = useLinkToken('/verify-email')
  const verify = useMutation({
    mutationFn: () => api.call('verifyEmail', { body: { token: token ?? '' } }),
    onSuccess: () => forgetLinkToken('/verify-email'),
  })
  if (verify.isSuccess) {
    return (
      <Door title="Your address">
        <Note tone="running" icon={MailCheck} title="It is confirmed" />
        <Link className="btn primary lg" to="/">
          Go on
        </Link>
      </Door>
    )
  }
  if (token === null) {
    return (
      <Door title="Your address">
        <Note tone="deploying" icon={MailX} title="Open the link of the mail">
          <p>The address of this page alone says nothing.</p>
        </Note>
      </Door>
    )
  }
  return (
    <Door title="Your address" lead="Confirm that the mail came to you.">
      {verify.error && <ErrorNote error={verify.error} />}
      {/* A press, because programs that look through mail open every link. */}
      <Button
        variant="primary"
        size="lg"
        className="full"
        pending={verify.isPending}
        onClick={() => verify.mutate()}
      >
        Confirm it
      </Button>
    </Door>
  )
}
