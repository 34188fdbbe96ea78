import { useQuery, useSuspenseQuery } from '@tanstack/react-query'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { Plus, Rows3, ScrollText, UserRound } from 'lucide-react'
import { deploymentsQuery, meQuery } from '../api/queries.ts'
import { AccountMenu } from './account-menu.tsx'
import { Mark } from './mark.tsx'
import './shell.css'

/** What stands around every room: the rail, or the bar at the bottom of a phone. */
export function Shell() {
  const { data: me } = useSuspenseQuery(meQuery)
  const { data: deployments } = useQuery(deploymentsQuery)
  const name = me.user?.name ?? 'API key'
  const isAdmin = me.role === 'owner' || me.role === 'admin'
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
        <div className="workspace" title={me.workspace.name}>
          <span className="tile">{initials(me.workspace.name)}</span>
          <span className="clip">
            <b className="clip">{me.workspace.name}</b>
            <small>Workspace</small>
          </span>
        </div>
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
          {isAdmin && (
            <>
              <span className="nav-part">Workspace</span>
              <Link to="/audit" activeProps={CURRENT}>
                <ScrollText />
                <span className="lbl">Audit log</span>
              </Link>
            </>
          )}
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
          more={isAdmin ? ADMIN_ROOMS : []}
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

const ADMIN_ROOMS = [{ to: '/audit', label: 'Audit log', icon: ScrollText }] as const

const CURRENT = { 'aria-current': 'page' } as const

const ROLE_WORDS = { viewer: 'Viewer', member: 'Member', admin: 'Admin', owner: 'Owner' } as const

function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean)
  const letters = words.length > 1 ? `${words[0]?.[0] ?? ''}${words.at(-1)?.[0] ?? ''}` : name.slice(0, 2)
  return letters.toUpperCase()
}
