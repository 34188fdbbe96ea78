import { Field, Input } from '../../kit/field.tsx'

/** What a token may at most, as it is typed; empty is as every token. */
export interface LimitTexts {
  readonly callsPerMinute: string
  readonly concurrentCalls: string
}

const LABELS = {
  callsPerMinute: 'Calls a minute, at most',
  concurrentCalls: 'Calls at once, at most',
} as const satisfies Record<keyof LimitTexts, string>

const NAMES = ['callsPerMinute', 'concurrentCalls'] as const

const isRight = (text: string) => /^(?:[1-9]\d{0,5})?$/.test(text.trim())
const numberOf = (text: string) => (text.trim() === '' ? null : Number(text.trim()))

/** The numbers that were typed; null while one of them is none. */
export function limitsOf(
  texts: LimitTexts,
): { readonly callsPerMinute: number | null; readonly concurrentCalls: number | null } | null {
  if (!NAMES.every((name) => isRight(texts[name]))) return null
  return {
    callsPerMinute: numberOf(texts.callsPerMinute),
    concurrentCalls: numberOf(texts.concurrentCalls),
  }
}

interface TokenLimitsProps {
  readonly texts: LimitTexts
  readonly onChange: (texts: LimitTexts) => void
}

export function TokenLimits({ texts, onChange }: TokenLimitsProps) {
  return NAMES.map((name) => (
    <Field
      key={name}
      label={LABELS[name]}
      hint="Empty is as every token."
      error={isRight(texts[name]) ? undefined : 'A whole number from 1, or nothing.'}
    >
      {(control) => (
        <Input
          {...control}
          inputMode="numeric"
          value={texts[name]}
          onChange={({ target }) => onChange({ ...texts, [name]: target.value })}
        />
      )}
    </Field>
  ))
}
