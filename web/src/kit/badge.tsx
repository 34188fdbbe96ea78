import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import './badge.css'

interface BadgeProps {
  readonly tone?: 'ok' | 'warn' | 'bad' | 'acc' | 'plain'
  readonly icon?: LucideIcon
  readonly className?: string
  readonly children: ReactNode
}

export function Badge({ tone, icon: Icon, className, children }: BadgeProps) {
  return (
    <span className={['badge', tone, className].filter(Boolean).join(' ')}>
      {Icon && <Icon />}
      {children}
    </span>
  )
}
