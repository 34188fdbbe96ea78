import { Check, KeyRound } from 'lucide-react'
import { Button } from '../../kit/button.tsx'
import { CopyButton } from '../../kit/copy-button.tsx'

interface NewTokenProps {
  readonly secret: string
  /** What whoever holds it can do. */
  readonly what?: string
  readonly onSaved: () => void
}

/** A token in the clear, the only time that it is shown. */
export function NewToken({ secret, what = 'call the server', onSaved }: NewTokenProps) {
  return (
    <div className="pad stack">
      <p>Whoever holds it can {what}. It is shown this once; only its hash is stored.</p>
      <div className="copyfield">
        <KeyRound />
        <code className="clip" data-testid="fresh-token">
          {secret}
        </code>
        <CopyButton text={secret} what="the token" />
      </div>
      <div>
        <Button icon={Check} onClick={onSaved}>
          I have saved it
        </Button>
      </div>
    </div>
  )
}
