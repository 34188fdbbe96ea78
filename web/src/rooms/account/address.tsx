import { useMutation, useQuery, useSuspenseQuery } from '@tanstack/react-query'
import { MailCheck } from 'lucide-react'
import { api, type SignInWays } from '../../api/client.ts'
import { meQuery, signUpQuery } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'

/** One's address, and whether it is confirmed. */
export function Address({ ways }: { readonly ways: SignInWays }) {
  const { data: me } = useSuspenseQuery(meQuery)
  const { data: signUp } = useQuery(signUpQuery)
  const send = useMutation({
    mutationFn: () => api.call('sendEmailVerification', {}),
    onSuccess: () => tell({ tone: 'running', text: 'The mail is on its way' }),
  })
  if (me.user === null) return null
  return (
    <Card title="Address" beside={ways.emailVerified && <Badge tone="ok">Confirmed</Badge>}>
      <div className="pad stack">
        <p className="name">{me.user.email}</p>
        {!ways.emailVerified && signUp?.mail === true && (
          <div>
            <Button icon={MailCheck} pending={send.isPending} onClick={() => send.mutate()}>
              Send a mail to confirm it
            </Button>
          </div>
        )}
        {send.error && <ErrorNote error={send.error} />}
      </div>
    </Card>
  )
}
