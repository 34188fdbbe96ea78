import { Link } from '@tanstack/react-router'
import { Pencil, Play, RotateCw, Square, Trash2, type LucideIcon } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { Breakable } from '../../kit/breakable.tsx'
import { Button } from '../../kit/button.tsx'
import { Card, KeyValues } from '../../kit/card.tsx'
import { useAction, type Action } from './actions.ts'
import { useCurrent } from './current.ts'
import { DeleteDialog } from './delete-dialog.tsx'
import './settings.css'

export function Settings() {
  const deployment = useCurrent()
  const { slug, source, state, release } = deployment
  const [isDeleting, setDeleting] = useState(false)
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
                Its process ends and a new one starts. Calls on their way get an error.
              </Row>
              <Row title="Stop it" action={act('stop', Square, 'Stop')}>
                Nothing runs, and the endpoint refuses calls. Everything is kept.
              </Row>
            </>
          )}
        </Card>
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
          <Link className="row" to="/new" search={{ source, from: slug }}>
            <Pencil />
            Deploy again with changes
          </Link>
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
            Network: release.network === 'internet' ? 'Public internet' : 'None',
            Memory: <span className="num">{release.memoryMiB} MiB</span>,
          }}
        />
      </Card>
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
