import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { announce } from '../app/announcer.tsx'
import { tell } from '../app/toasts.ts'
import { Button, IconButton } from './button.tsx'

const SHOWN_MS = 2000

interface CopyProps {
  /** A function where the text is made only when it is asked for. */
  readonly text: string | (() => string)
  /** What is copied, for screen readers: "the endpoint". */
  readonly what: string
}

interface CopyButtonProps extends CopyProps {
  readonly label?: string
  readonly quiet?: boolean
  readonly className?: string
}

export function CopyButton({ text, what, label = 'Copy', quiet, className }: CopyButtonProps) {
  const [copied, copy] = useCopy(text, what)
  return (
    <Button
      size="sm"
      className={className}
      {...(quiet ? { variant: 'quiet' as const } : {})}
      icon={copied ? Check : Copy}
      aria-label={`${copied ? 'Copied' : label} ${what}`}
      onClick={copy}
    >
      {copied ? 'Copied' : label}
    </Button>
  )
}

export function CopyIcon({ text, what }: CopyProps) {
  const [copied, copy] = useCopy(text, what)
  return <IconButton small icon={copied ? Check : Copy} label={`Copy ${what}`} onClick={copy} />
}

function useCopy(text: CopyProps['text'], what: string): [boolean, () => void] {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return undefined
    const timer = setTimeout(() => setCopied(false), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = async () => {
    const value = typeof text === 'string' ? text : text()
    if (await writeClipboard(value)) {
      setCopied(true)
      announce(`Copied ${what}`)
    } else {
      tell({ tone: 'failed', text: 'The browser does not allow copying here. Select the text instead.' })
    }
  }
  return [copied, () => void copy()]
}

/** The clipboard API exists only on localhost and HTTPS; the older way works on a plain address in the network. */
async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    area.className = 'sr'
    // Inside an open dialog the rest of the page is inert and cannot be selected.
    const host = document.querySelector('dialog[open]') ?? document.body
    host.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}
