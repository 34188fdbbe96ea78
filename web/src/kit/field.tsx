import { ChevronDown, CircleX, Eye, EyeOff, Lock, type LucideIcon } from 'lucide-react'
import { useId, useState, type ComponentProps, type ReactNode } from 'react'
import { IconButton } from './button.tsx'
import './field.css'

interface FieldProps {
  readonly label: ReactNode
  /** "Required", "Optional". */
  readonly mark?: string
  readonly hint?: ReactNode
  readonly error?: string | undefined
  /** Draws the control with what ties it to its label and its help. */
  readonly children: (control: {
    id: string
    'aria-describedby': string | undefined
    'aria-invalid': boolean
  }) => ReactNode
}

export function Field({ label, mark, hint, error, children }: FieldProps) {
  const id = useId()
  const told = error ?? hint
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {mark !== undefined && <span className="req"> {mark}</span>}
      </label>
      {children({
        id,
        'aria-describedby': told === undefined ? undefined : `${id}-told`,
        'aria-invalid': error !== undefined,
      })}
      {error !== undefined && <FieldError id={`${id}-told`}>{error}</FieldError>}
      {error === undefined && hint !== undefined && (
        <p className="hint" id={`${id}-told`}>
          {hint}
        </p>
      )}
    </div>
  )
}

export function FieldError({ id, children }: { readonly id?: string; readonly children: ReactNode }) {
  return (
    <p className="hint row failed" id={id}>
      <CircleX className="s" />
      {children}
    </p>
  )
}

interface InputProps extends ComponentProps<'input'> {
  readonly icon?: LucideIcon
  /** Faint text in front of what is typed. */
  readonly before?: string
  readonly small?: boolean
  readonly after?: ReactNode
}

export function Input({ icon: Icon, before, small, after, className, ...rest }: InputProps) {
  const bad = rest['aria-invalid'] === true
  return (
    <div className={['input', small && 'sm', bad && 'bad', className].filter(Boolean).join(' ')}>
      {Icon && <Icon />}
      {before !== undefined && <span className="faint mono">{before}</span>}
      <input autoComplete="off" spellCheck={false} {...rest} />
      {after}
    </div>
  )
}

/** Hidden as it is typed, with an eye to look at it. */
export function SecretInput({ what, ...rest }: InputProps & { readonly what: string }) {
  const [shown, setShown] = useState(false)
  return (
    <Input
      icon={Lock}
      {...rest}
      type={shown ? 'text' : 'password'}
      after={
        <IconButton
          small
          icon={shown ? EyeOff : Eye}
          label={`${shown ? 'Hide' : 'Show'} ${what}`}
          aria-pressed={shown}
          onClick={() => setShown(!shown)}
        />
      }
    />
  )
}

export function Select({
  small = false,
  className,
  children,
  ...rest
}: ComponentProps<'select'> & { readonly small?: boolean }) {
  const bad = rest['aria-invalid'] === true
  return (
    <div className={['input', small && 'sm', bad && 'bad'].filter(Boolean).join(' ')}>
      <select {...rest} className={className}>
        {children}
      </select>
      <ChevronDown />
    </div>
  )
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  const bad = rest['aria-invalid'] === true
  return (
    <textarea
      spellCheck={false}
      {...rest}
      className={['textarea', bad && 'bad', className].filter(Boolean).join(' ')}
    />
  )
}

export function Checkbox({ label, ...rest }: ComponentProps<'input'> & { readonly label: ReactNode }) {
  return (
    <label className="row top checkline">
      <input {...rest} type="checkbox" className="check" />
      <span>{label}</span>
    </label>
  )
}
