import { useQuery, useSuspenseQuery } from '@tanstack/react-query'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import {
  ChartSpline,
  History,
  KeyRound,
  Layers,
  Plus,
  Rows3,
  ScrollText,
  Settings2,
  Stethoscope,
  UserRound,
  Users,
} from 'lucide-react'
import { deploymentsQuery, meQuery } from '../api/queries.ts'
import { AccountMenu } from './account-menu.tsx'
import { initials } from './initials.ts'
import { Mark } from './mark.tsx'
import { WorkspaceMenu } from './workspace-menu.tsx'
import './shell.css'

/** What stands around every room: the rail, or the bar at the bottom of a phone. */
export function Shell() {
  const { data: me } = useSuspenseQuery(meQuery)
  const { data: deployments } = useQuery(deploymentsQuery)
  const name = me.user?.name ?? 'API key'
  const isAdmin = me.role === 'owner' || me.role === 'admin'
  const rooms = [
    ...ROOMS,
    ...(isAdmin ? ADMIN_ROOMS : []),
    ...(isAdmin && me.isInstallationAdmin ? INSTALLATION_ROOMS : []),
  ]
  const isReviewing = useLocation({ select: ({ pathname }) => pathname === '/new' })
  const reviewing = isReviewing ? CURRENT : {}
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <nav className="rail" aria-label="Main">
        <Link className="brand" to="/deployments" aria-label="Catwalk">
          <Mark />
          <span>Catwalk</span>
        </Link>
        <WorkspaceMenu me={me} />
        <div className="nav">
          <Link to="/" activeOptions={{ exact: true }} activeProps={CURRENT} inactiveProps={reviewing}>
            <Plus />
            <span className="lbl">New deployment</span>
          </Link>
          <Link to="/deployments" activeProps={CURRENT}>
            <Rows3 />
            <span className="lbl">Deployments</span>
            {deployments !== undefined && <span className="n">{deployments.length}</span>}
          </Link>
          <Link to="/collections" activeProps={CURRENT}>
            <Layers />
            <span className="lbl">Collections</span>
          </Link>
          <span className="nav-part">Workspace</span>
          {rooms.map(({ to, label, icon: Icon }) => (
            <Link key={to} to={to} activeProps={CURRENT}>
              <Icon />
              <span className="lbl">{label}</span>
            </Link>
          ))}
        </div>
        <AccountMenu
          name={name}
          email={me.user?.email ?? ''}
          side="top"
          align="start"
          trigger={
            <button type="button" className="who">
              <span className="avatar" aria-hidden="true">
                {initials(name)}
              </span>
              <span className="clip">
                <b className="clip">{name}</b>
                <small>{ROLE_WORDS[me.role]}</small>
                <span className="sr">Account</span>
              </span>
            </button>
          }
        />
      </nav>
      <Outlet />
      <nav className="bottombar" aria-label="Main">
        <Link to="/deployments" activeProps={CURRENT}>
          <Rows3 />
          Deployments
        </Link>
        <Link
          className="add"
          to="/"
          aria-label="New deployment"
          activeOptions={{ exact: true }}
          activeProps={CURRENT}
          inactiveProps={reviewing}
        >
          <Plus />
        </Link>
        <AccountMenu
          name={name}
          email={me.user?.email ?? ''}
          more={[COLLECTIONS, ...rooms]}
          side="top"
          align="end"
          trigger={
            <button type="button">
              <UserRound />
              Account
            </button>
          }
        />
      </nav>
    </div>
  )
}

const COLLECTIONS = { to: '/collections', label: 'Collections', icon: Layers } as const
const ROOMS = [
  { to: '/usage', label: 'Usage', icon: ChartSpline },
  { to: '/calls', label: 'Calls', icon: History },
  { to: '/members', label: 'Members', icon: Users },
  { to: '/keys', label: 'API keys', icon: KeyRound },
] as const
const ADMIN_ROOMS = [
  { to: '/settings', label: 'Settings', icon: Settings2 },
  { to: '/audit', label: 'Audit log', icon: ScrollText },
] as const
const INSTALLATION_ROOMS = [{ to: '/doctor', label: 'Doctor', icon: Stethoscope }] as const

const CURRENT = { 'aria-current': 'page' } as const

const ROLE_WORDS = { viewer: 'Viewer', member: 'Member', admin: 'Admin', owner: 'Owner' } as const
