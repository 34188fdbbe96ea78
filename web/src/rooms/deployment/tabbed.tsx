import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useMatchRoute } from '@tanstack/react-router'
import {
  CircleX,
  Download,
  Ellipsis,
  LoaderCircle,
  Lock,
  Package,
  PackageCheck,
  Play,
  RotateCw,
  Square,
  Trash2,
} from 'lucide-react'
import { useState } from 'react'
import type { Deployment } from '../../api/client.ts'
import { meQuery } from '../../api/queries.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { CopyButton } from '../../kit/copy-button.tsx'
import { plural } from '../../kit/format.ts'
import { Menu, MenuItem } from '../../kit/menu.tsx'
import { Note } from '../../kit/note.tsx'
import { PageHead } from '../../kit/page-head.tsx'
import { State } from '../../kit/state.tsx'
import { Walk } from '../../kit/walk.tsx'
import { BringNote } from '../own-credentials/own-credentials.tsx'
import { AccountNotes } from './accounts.tsx'
import { useAction, type Action } from './actions.ts'
import { useCurrent } from './current.ts'
import { DeleteDialog } from './delete-dialog.tsx'
import { ExportDialog } from './export-dialog.tsx'
import '../../kit/tabs.css'

/** A deployment that came up at least once: its head, the walk, and a tab for each side of it. */
export function Tabbed() {
  const deployment = useCurrent()
  const { name, slug, state, source, endpoint, release, toolCount } = deployment
  return (
    <>
      <PageHead
        title={name}
        beside={
          <>
            <State state={state} pill />
            <Badge className="num">v{deployment.liveRelease ?? release.number}</Badge>
          </>
        }
        lead={leadOf(deployment)}
        actions={state !== 'deleting' && <Actions deployment={deployment} />}
      />
      <ReleaseNote deployment={deployment} />
      <UpdateNote deployment={deployment} />
      <AccountNotes />
      {release.variables.some(({ personal }) => personal) && (
        <div className="above-walk">
          <BringNote id={deployment.id} />
        </div>
      )}
      <Walk
        sourceIcon={Package}
        source={source}
        line={LINES[state]}
        at={0.7}
        endpoint={endpoint}
        endpointIcon={Lock}
        end={<CopyButton text={endpoint} what="the endpoint" />}
      />
      <nav className="tabs room-tabs" aria-label="Deployment">
        <Tab slug={slug} to="/deployments/$slug" label="Overview" exact />
        <Tab slug={slug} to="/deployments/$slug/tools" label="Tools" count={toolCount} />
        <Tab slug={slug} to="/deployments/$slug/logs" label="Logs" />
        <Tab slug={slug} to="/deployments/$slug/usage" label="Usage" />
        <Tab slug={slug} to="/deployments/$slug/releases" label="Releases" count={release.number} />
        <Tab slug={slug} to="/deployments/$slug/access" label="Access" />
        <Tab slug={slug} to="/deployments/$slug/settings" label="Settings" />
      </nav>
      <Outlet />
    </>
  )
}

const LINES = {
  running: 'up',
  deploying: 'going',
  sleeping: 'asleep',
  unhealthy: 'broken',
  failed: 'broken',
  stopped: 'off',
  deleting: 'off',
} as const satisfies Record<Deployment['state'], string>

function leadOf({ state, stateReason, toolCount }: Deployment): string {
  switch (state) {
    case 'running':
      return toolCount === null ? 'It answers.' : `It answers and offers ${plural(toolCount, 'tool')}.`
    case 'sleeping':
      return 'It sleeps until the next call, which wakes it.'
    case 'stopped':
      return 'It was stopped. Its endpoint refuses calls until it is started.'
    case 'deleting':
      return 'It is being deleted, credentials first.'
    case 'deploying':
      return stateReason ?? 'It is starting.'
    case 'unhealthy':
    case 'failed':
      return stateReason ?? 'It does not answer.'
  }
}

/** Tells of a newer release that is coming up or failed while an older one serves. */
function ReleaseNote({ deployment: { release, liveRelease, slug } }: { readonly deployment: Deployment }) {
  if (liveRelease === null || liveRelease === release.number) return null
  if (release.state === 'failed') {
    return (
      <div className="above-walk">
        <Note tone="failed" icon={CircleX} title={`Release v${release.number} did not start`}>
          <p>
            {release.error?.message} v{liveRelease} goes on serving.{' '}
            <Link to="/deployments/$slug/releases" params={{ slug }}>
              What happened
            </Link>
          </p>
        </Note>
      </div>
    )
  }
  return (
    <div className="above-walk">
      <Note tone="deploying" icon={LoaderCircle} title={`Release v${release.number} is coming up`}>
        <p>v{liveRelease} serves until it answers.</p>
      </Note>
    </div>
  )
}

/** That there is a newer version, with the way to what it changes. */
function UpdateNote({
  deployment: { update, release, liveRelease, slug },
}: {
  readonly deployment: Deployment
}) {
  const isOnItsWay = liveRelease !== release.number && release.state !== 'failed'
  const isShown = useMatchRoute()({ to: '/deployments/$slug/releases', params: { slug } }) !== false
  if (update === null || isOnItsWay || isShown) return null
  return (
    <div className="above-walk">
      <Note tone="deploying" icon={PackageCheck} title={`Version ${update} is available`}>
        <p>
          <Link to="/deployments/$slug/releases" params={{ slug }}>
            See what it changes, and update
          </Link>
        </p>
      </Note>
    </div>
  )
}

interface TabProps {
  readonly slug: string
  readonly to:
    | '/deployments/$slug'
    | '/deployments/$slug/tools'
    | '/deployments/$slug/logs'
    | '/deployments/$slug/usage'
    | '/deployments/$slug/releases'
    | '/deployments/$slug/access'
    | '/deployments/$slug/settings'
  readonly label: string
  readonly exact?: boolean
  readonly count?: number | null
}

function Tab({ slug, to, label, exact = false, count = null }: TabProps) {
  return (
    <Link
      to={to}
      params={{ slug }}
      resetScroll={false}
      activeOptions={{ exact }}
      activeProps={{ 'aria-current': 'page' }}
    >
      {label}
      {count !== null && <span className="n">{count}</span>}
    </Link>
  )
}

function Actions({ deployment }: { readonly deployment: Deployment }) {
  const [isDeleting, setDeleting] = useState(false)
  const [isExporting, setExporting] = useState(false)
  const me = useQuery(meQuery)
  const { mutate, isPending, variables } = useAction(deployment)
  const isStopped = deployment.state === 'stopped'
  const main: Action = isStopped ? 'start' : 'restart'
  return (
    <>
      <Button
        className="no-s"
        icon={isStopped ? Play : RotateCw}
        pending={isPending && variables === main}
        onClick={() => mutate(main)}
      >
        {isStopped ? 'Start' : 'Restart'}
      </Button>
      <Menu
        trigger={
          <Button aria-label="More actions" className="menu-only">
            <Ellipsis />
          </Button>
        }
      >
        {isStopped ? (
          <MenuItem icon={Play} onSelect={() => mutate('start')}>
            Start
          </MenuItem>
        ) : (
          <>
            <MenuItem icon={RotateCw} onSelect={() => mutate('restart')}>
              Restart
            </MenuItem>
            <MenuItem icon={Square} onSelect={() => mutate('stop')}>
              Stop
            </MenuItem>
          </>
        )}
        <MenuItem icon={Download} onSelect={() => setExporting(true)}>
          Export
        </MenuItem>
        <MenuItem icon={Trash2} danger onSelect={() => setDeleting(true)}>
          Delete
        </MenuItem>
      </Menu>
      {isExporting && (
        <ExportDialog
          deployment={deployment}
          mayTakeSecrets={me.data?.role === 'owner' || me.data?.role === 'admin'}
          onClose={() => setExporting(false)}
        />
      )}
      {isDeleting && <DeleteDialog deployment={deployment} onClose={() => setDeleting(false)} />}
    </>
  )
}
