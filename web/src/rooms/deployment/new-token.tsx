import { Check, KeyRound } from 'lucide-react'
import { Button } from '../../kit/button.tsx'
import { CopyButton } from '../../kit/copy-button.tsx'

/** A token in the clear, the only time that it is shown. */
export function NewToken({ secret, onSaved }: { readonly secret: string; readonly onSaved: () => void }) {
  return (
    <div className="pad stack">
      <p>Whoever holds it can call the server. It is shown this once; only its hash is stored.</p>
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
