import { useQuery } from '@tanstack/react-query'
import { Pencil, Play, RotateCw, Square, Trash2, type LucideIcon } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { networkWords } from '../../app/network-policy.ts'
import { Breakable } from '../../kit/breakable.tsx'
import { Button } from '../../kit/button.tsx'
import { Card, KeyValues } from '../../kit/card.tsx'
import { releasesQuery } from '../../api/queries.ts'
import { useAction, type Action } from './actions.ts'
import { ChangeDialog } from './change-dialog.tsx'
import { useCurrent } from './current.ts'
import { DeleteDialog } from './delete-dialog.tsx'
import { ProcessesCard } from './processes-card.tsx'
import { SleepCard } from './sleep-card.tsx'
import './settings.css'

export function Settings() {
  const deployment = useCurrent()
  const { id, state, release: newest, liveRelease } = deployment
  const { data: releases } = useQuery(releasesQuery(id))
  // What a change starts from; the newest release is another one while it comes up, and when it failed.
  const release = releases?.find(({ number }) => number === liveRelease) ?? newest
  const [isDeleting, setDeleting] = useState(false)
  const [isChanging, setChanging] = useState(false)
  const { mutate, isPending, variables } = useAction(deployment)
  const act = (action: Action, icon: LucideIcon, label: string) => (
    <Button icon={icon} pending={isPending && variables === action} onClick={() => mutate(action)}>
      {label}
    </Button>
  )
  const isStopped = state === 'stopped'
  return (
    <div className="split tab">
      <div className="stack wide">
        <Card title="Running">
          {isStopped ? (
            <Row title="Start it" action={act('start', Play, 'Start')}>
              Its endpoint opens again at the same address, with the same tokens.
            </Row>
          ) : (
            <>
              <Row title="Restart it" action={act('restart', RotateCw, 'Restart')}>
                A new process takes over. Calls on their way have 10 seconds to end.
              </Row>
              <Row title="Stop it" action={act('stop', Square, 'Stop')}>
                Nothing runs, and the endpoint refuses calls. Everything is kept.
              </Row>
            </>
          )}
        </Card>
        <SleepCard />
        <ProcessesCard />
        <Card title="Delete">
          <Row
            title="Delete it for good"
            action={
              <Button variant="danger" icon={Trash2} onClick={() => setDeleting(true)}>
                Delete
              </Button>
            }
          >
            Credentials first, then everything else. This cannot be undone.
          </Row>
        </Card>
      </div>
      <Card
        title="How it runs"
        foot={
          <Button variant="quiet" className="flush" icon={Pencil} onClick={() => setChanging(true)}>
            Change it
          </Button>
        }
      >
        <KeyValues
          items={{
            Package: <Breakable text={`${release.package.name}@${release.package.version}`} />,
            Arguments: release.args.length === 0 ? 'None' : <code>{release.args.join(' ')}</code>,
            Variables:
              release.variables.length === 0 ? (
                'None'
              ) : (
                <code>{release.variables.map(({ name }) => name).join(', ')}</code>
              ),
            Network: networkWords(release.network),
            Memory: <span className="num">{release.memoryMiB} MiB</span>,
          }}
        />
      </Card>
      {isChanging && <ChangeDialog base={release} onClose={() => setChanging(false)} />}
      {isDeleting && <DeleteDialog deployment={deployment} onClose={() => setDeleting(false)} />}
    </div>
  )
}

function Row({ title, action, children }: { title: string; action: ReactNode; children: ReactNode }) {
  return (
    <div className="setting">
      <div>
        <b className="strong">{title}</b>
        <p className="dim">{children}</p>
      </div>
      {action}
    </div>
  )
}
