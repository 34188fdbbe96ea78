import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Check, Download, ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { api, type SignInWays } from '../../api/client.ts'
import { sessionsQuery, signInWaysQuery } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Code } from '../../kit/code.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { download } from '../../kit/download.ts'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input } from '../../kit/field.tsx'
import { QrCode } from '../../kit/qr-code.tsx'
import { ProofDialog } from './proof.tsx'

type Open = 'enrol' | 'renew' | 'remove' | null

/** One-time codes of an app, asked for after the password. */
export function SecondFactor({ ways }: { readonly ways: SignInWays }) {
  const [open, setOpen] = useState<Open>(null)
  const { enabled, recoveryCodesLeft } = ways.secondFactor
  const close = () => setOpen(null)
  return (
    <Card title="One-time codes" beside={enabled && <Badge tone="ok">On</Badge>}>
      <div className="pad stack">
        <p className="dim">
          {enabled
            ? `Signing in asks for a code of your authenticator app. ${recoveryCodesLeft} of your recovery codes are left.`
            : 'With them, signing in asks for a code of an authenticator app as well, so that a stolen password is not enough.'}
        </p>
        <div className="row">
          {enabled ? (
            <>
              <Button onClick={() => setOpen('renew')}>New recovery codes</Button>
              <Button variant="quiet" onClick={() => setOpen('remove')}>
                Turn off
              </Button>
            </>
          ) : (
            <Button icon={ShieldCheck} onClick={() => setOpen('enrol')}>
              Set up one-time codes
            </Button>
          )}
        </div>
      </div>
      {open === 'enrol' && <Enrol hasPassword={ways.hasPassword} onClose={close} />}
      {open === 'renew' && <Renew hasPassword={ways.hasPassword} onClose={close} />}
      {open === 'remove' && <Remove hasPassword={ways.hasPassword} onClose={close} />}
    </Card>
  )
}

interface StepProps {
  readonly hasPassword: boolean
  readonly onClose: () => void
}

const proofOf = (password: string | undefined) => (password === undefined ? {} : { password })

function Enrol({ hasPassword, onClose }: StepProps) {
  const queryClient = useQueryClient()
  const start = useMutation({
    mutationFn: (password: string | undefined) => api.call('startSecondFactor', { body: proofOf(password) }),
  })
  const confirm = useMutation({
    mutationFn: (code: string) => api.call('confirmSecondFactor', { body: { code } }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: signInWaysQuery.queryKey })
      await queryClient.invalidateQueries({ queryKey: sessionsQuery.queryKey })
    },
  })
  if (start.data === undefined) {
    return (
      <ProofDialog
        title="Set up one-time codes"
        action="Go on"
        hasPassword={hasPassword}
        pending={start.isPending}
        error={start.error}
        onProof={(password) => start.mutate(password)}
        onClose={onClose}
      />
    )
  }
  if (confirm.isSuccess) {
    return <RecoveryCodes codes={start.data.recoveryCodes} onClose={onClose} />
  }
  return (
    <Scan
      uri={start.data.uri}
      secret={start.data.secret}
      pending={confirm.isPending}
      error={confirm.error}
      onCode={(code) => confirm.mutate(code)}
      onClose={onClose}
    />
  )
}

interface ScanProps {
  readonly uri: string
  readonly secret: string
  readonly pending: boolean
  readonly error: unknown
  readonly onCode: (code: string) => void
  readonly onClose: () => void
}

function Scan({ uri, secret, pending, error, onCode, onClose }: ScanProps) {
  const { register, handleSubmit, formState } = useForm<{ code: string }>()
  return (
    <Dialog title="Scan this with your app" onClose={onClose}>
      <form
        className="dialog-body"
        noValidate
        onSubmit={(event) => void handleSubmit(({ code }) => onCode(code.trim()))(event)}
      >
        <QrCode text={uri} label="QR code for an authenticator app" />
        <p className="dim">Or type this secret into it:</p>
        <Code text={secret} what="the secret" />
        <Field label="Code that the app shows" error={formState.errors.code?.message}>
          {(control) => (
            <Input
              {...control}
              inputMode="numeric"
              autoComplete="one-time-code"
              {...register('code', {
                required: 'Enter the code.',
                pattern: { value: /^\s*\d{6}\s*$/, message: 'Six digits.' },
              })}
            />
          )}
        </Field>
        {error !== null && error !== undefined && <ErrorNote error={error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" pending={pending}>
            Turn on
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function RecoveryCodes({
  codes,
  onClose,
}: {
  readonly codes: readonly string[]
  readonly onClose: () => void
}) {
  const text = codes.join('\n')
  return (
    <Dialog title="Your recovery codes" onClose={onClose}>
      <div className="dialog-body">
        <p>Each signs you in once without the app. They are shown this once: keep them apart from it.</p>
        <Code text={text} what="the recovery codes" />
        <div className="dialog-actions">
          <Button icon={Download} onClick={() => download('catwalk-recovery-codes.txt', `${text}\n`)}>
            Download
          </Button>
          <Button variant="primary" icon={Check} onClick={onClose}>
            I have saved them
          </Button>
        </div>
      </div>
    </Dialog>
  )
}

function Renew({ hasPassword, onClose }: StepProps) {
  const queryClient = useQueryClient()
  const renew = useMutation({
    mutationFn: (password: string | undefined) => api.call('renewRecoveryCodes', { body: proofOf(password) }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: signInWaysQuery.queryKey }),
  })
  if (renew.data) return <RecoveryCodes codes={renew.data.recoveryCodes} onClose={onClose} />
  return (
    <ProofDialog
      title="New recovery codes"
      action="Make new ones"
      hasPassword={hasPassword}
      pending={renew.isPending}
      error={renew.error}
      onProof={(password) => renew.mutate(password)}
      onClose={onClose}
    >
      <p>Those that you have stop working.</p>
    </ProofDialog>
  )
}

function Remove({ hasPassword, onClose }: StepProps) {
  const queryClient = useQueryClient()
  const remove = useMutation({
    mutationFn: (password: string | undefined) => api.call('removeSecondFactor', { body: proofOf(password) }),
    onSuccess: async () => {
      tell({ tone: 'stopped', text: 'One-time codes are off' })
      onClose()
      await queryClient.invalidateQueries({ queryKey: signInWaysQuery.queryKey })
    },
  })
  return (
    <ProofDialog
      title="Turn one-time codes off"
      action="Turn off"
      danger
      hasPassword={hasPassword}
      pending={remove.isPending}
      error={remove.error}
      onProof={(password) => remove.mutate(password)}
      onClose={onClose}
    >
      <p>Whoever knows your password can then sign in with it alone.</p>
    </ProofDialog>
  )
}
