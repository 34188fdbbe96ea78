import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { KeyRound, LogOut, Moon, Sun, UserRound, type LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { signOut } from '../api/auth.ts'
import { Menu, MenuItem, MenuLabel } from '../kit/menu.tsx'
import { useStore } from './store.ts'
import { switchTheme, theme } from './theme.ts'
import { tellFailure } from './toasts.ts'

interface AccountMenuProps {
  readonly name: string
  readonly email: string
  readonly side: 'top' | 'bottom'
  readonly align: 'start' | 'end'
  /** Where else one can go from here, where there is no room for it elsewhere. */
  readonly more?: readonly {
    readonly to:
      '/usage' | '/collections' | '/members' | '/keys' | '/settings' | '/calls' | '/audit' | '/doctor'
    readonly label: string
    readonly icon: LucideIcon
  }[]
  readonly trigger: ReactNode
}

export function AccountMenu({ name, email, side, align, more = [], trigger }: AccountMenuProps) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const isLight = useStore(theme) === 'light'
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: async () => {
      await navigate({ to: '/sign-in' })
      queryClient.clear()
    },
    onError: tellFailure,
  })
  return (
    <Menu side={side} align={align} trigger={trigger}>
      <MenuLabel>{email === '' ? name : email}</MenuLabel>
      {more.map(({ to, label, icon }) => (
        <MenuItem key={to} icon={icon} onSelect={() => void navigate({ to })}>
          {label}
        </MenuItem>
      ))}
      <MenuItem icon={UserRound} onSelect={() => void navigate({ to: '/account' })}>
        Password and sessions
      </MenuItem>
      <MenuItem icon={KeyRound} onSelect={() => void navigate({ to: '/your-credentials' })}>
        Your credentials
      </MenuItem>
      <MenuItem icon={isLight ? Moon : Sun} onSelect={switchTheme}>
        {isLight ? 'Dark theme' : 'Light theme'}
      </MenuItem>
      <MenuItem icon={LogOut} onSelect={() => leave.mutate()}>
        Sign out
      </MenuItem>
    </Menu>
  )
}
