import { useQuery, useQueryClient } from '@tanstack/react-query'
import { CloudOff, ShieldAlert, ShieldOff } from 'lucide-react'
import { installationQuery } from '../api/queries.ts'
import { Button } from '../kit/button.tsx'
import { Note } from '../kit/note.tsx'
import { useNow } from '../kit/now.ts'
import { connection, retryNow } from './connection.ts'
import { useStore } from './store.ts'

/** What concerns every room: a lost connection, a machine without a sandbox. */
export function Banners() {
  const { data: installation } = useQuery(installationQuery)
  return (
    <section className="banners" aria-label="About this installation">
      <ConnectionBanner />
      {installation?.unsandboxed === true && (
        <Note tone="failed" icon={ShieldOff} title="Servers run without a sandbox">
          <p>
            Catwalk was started with --allow-unsandboxed: any server can read every secret and file of this
            machine that Catwalk can read.
          </p>
        </Note>
      )}
      {installation?.runtimes.every(({ ok, kind }) => !ok || kind === 'remote') === true && (
        <Note tone="unhealthy" icon={ShieldAlert} title="Servers cannot be started">
          {installation.runtimes.every(({ kind }) => kind === 'remote') && (
            <p>Every runtime is switched off in the configuration.</p>
          )}
          {installation.runtimes
            .filter(({ kind }) => kind !== 'remote')
            .map(({ kind, detail, fix }) => (
              <p key={kind}>
                {detail} {fix}
              </p>
            ))}
        </Note>
      )}
    </section>
  )
}

function ConnectionBanner() {
  const queryClient = useQueryClient()
  const state = useStore(connection)
  const now = useNow(state.kind === 'lost' ? 1000 : null)
  if (state.kind === 'up') return null
  const seconds = Math.max(1, Math.ceil((state.retryAt - now) / 1000))
  const since = new Date(state.since).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
  return (
    <Note
      tone="unhealthy"
      icon={CloudOff}
      role="status"
      title={
        <>
          Connection lost<span aria-hidden="true">, trying again in {seconds} s</span>
        </>
      }
      actions={
        <Button size="sm" onClick={() => retryNow(queryClient)}>
          Try now
        </Button>
      }
    >
      <p>What you see is from {since}. Deployments go on without this page.</p>
    </Note>
  )
}
