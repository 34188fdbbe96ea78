import { LoaderCircle, type LucideIcon } from 'lucide-react'
import type { ComponentProps } from 'react'
import './button.css'

interface ButtonProps extends ComponentProps<'button'> {
  readonly variant?: 'primary' | 'quiet' | 'danger'
  readonly size?: 'sm' | 'lg'
  readonly icon?: LucideIcon
  /** Something is under way: shown, and a second press does nothing. */
  readonly pending?: boolean
  /** Not allowed now. It stays focusable; say why in the element that `aria-describedby` names. */
  readonly blocked?: boolean
}

export function Button({
  variant,
  size,
  icon: Icon,
  pending = false,
  blocked = false,
  className,
  type = 'button',
  onClick,
  children,
  ...rest
}: ButtonProps) {
  const inert = pending || blocked
  return (
    <button
      {...rest}
      type={type}
      className={['btn', variant, size, className].filter(Boolean).join(' ')}
      aria-disabled={inert || undefined}
      aria-busy={pending || undefined}
      onClick={(event) => {
        if (inert) event.preventDefault()
        else onClick?.(event)
      }}
    >
      {pending ? <LoaderCircle className="turning" /> : Icon && <Icon />}
      {children}
    </button>
  )
}

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'aria-label'> {
  readonly label: string
  readonly icon: LucideIcon
  readonly small?: boolean
}

export function IconButton({
  label,
  icon: Icon,
  small,
  className,
  type = 'button',
  ...rest
}: IconButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      title={label}
      aria-label={label}
      className={['iconbtn', small && 'sm', className].filter(Boolean).join(' ')}
    >
      <Icon />
    </button>
  )
}
