import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import {
  BadgeCheck,
  CircleX,
  Clock,
  GitBranch,
  Globe,
  Package,
  Search,
  ShieldCheck,
  TriangleAlert,
} from 'lucide-react'
import { useRef, useState, type KeyboardEvent } from 'react'
import type { RegistryServer, RegistryState } from '../../api/client.ts'
import { registryQuery } from '../../api/queries.ts'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { Breakable } from '../../kit/breakable.tsx'
import { Button } from '../../kit/button.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { plural } from '../../kit/format.ts'
import { SkeletonCard } from '../../kit/skeleton.tsx'
import { useSettled } from '../../kit/use-settled.ts'
import './registry.css'

const NAMES: Readonly<Record<RegistryState['name'], string>> = { official: 'MCP Registry', glama: 'Glama' }
const ICONS = { package: Package, repository: GitBranch, remote: Globe, nothing: Globe } as const
/** From one letter to the next, of somebody who types. */
const TYPING_MS = 250

/** Servers of the public registries, found while one types. */
export function Registry() {
  const [text, setText] = useState('')
  const words = useSettled(text.trim(), TYPING_MS)
  const field = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLUListElement>(null)
  const { data, error, refetch, isPlaceholderData, hasNextPage, fetchNextPage, isFetchingNextPage } =
    useInfiniteQuery({ ...registryQuery(words), placeholderData: keepPreviousData })
  const servers = data?.pages.flatMap(({ items }) => items) ?? []
  const registries = data?.pages.at(-1)?.registries ?? []
  const isOld = isPlaceholderData || words !== text.trim()

  /** Up and down go through the servers, up from the first and Escape go back to the field. */
  const move = (event: KeyboardEvent) => {
    const links = [...(list.current?.querySelectorAll('a') ?? [])]
    const at = links.findIndex((link) => link === document.activeElement)
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    const isBack = event.key === 'Escape' || (step === -1 && at === 0)
    if (event.key === 'Escape' && at === -1) setText('')
    else if (at !== -1 && isBack) field.current?.focus()
    else if (step === 1 || (step === -1 && at > 0)) links[Math.min(at + step, links.length - 1)]?.focus()
    else return
    event.preventDefault()
  }

  if (data !== undefined && registries.length === 0) return null
  return (
    <section className="sect reg" aria-label="Registry">
      <div className="sect-head">
        <div>
          <h2>Registry</h2>
        </div>
        <label className="input sm find">
          <Search />
          <input
            ref={field}
            type="search"
            value={text}
            placeholder={`Search ${known(registries)}`}
            aria-label="Search the registry"
            autoComplete="off"
            spellCheck={false}
            maxLength={500}
            onChange={({ target }) => setText(target.value)}
            onKeyDown={move}
          />
        </label>
      </div>
      <p className="sr" role="status">
        {data === undefined || isOld ? '' : told(servers.length, hasNextPage)}
      </p>
      {error && servers.length === 0 ? (
        <ErrorNote error={error} onRetry={() => void refetch()} />
      ) : data === undefined ? (
        <div className="grid c3" role="status" aria-busy="true">
          <SkeletonCard height={9} />
          <SkeletonCard height={9} />
          <SkeletonCard height={9} />
        </div>
      ) : servers.length === 0 ? (
        <div className="card">
          <Nothing words={words} registries={registries} />
        </div>
      ) : (
        <ul ref={list} className="grid c3" aria-busy={isOld} data-old={isOld || undefined}>
          {servers.map((server) => (
            <li key={`${server.listedBy[0]?.registry} ${server.name}`} className="stretch">
              <Server server={server} onKeyDown={move} />
            </li>
          ))}
        </ul>
      )}
      {hasNextPage && (
        <Button pending={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          Show more
        </Button>
      )}
      {registries.length > 0 && <Freshness registries={registries} />}
    </section>
  )
}

function known(registries: readonly RegistryState[]): string {
  const count = registries.reduce((sum, { servers }) => sum + servers, 0)
  return count === 0 ? 'servers' : `${count.toLocaleString('en-GB')} servers`
}

function told(count: number, isMore: boolean): string {
  if (count === 0) return 'No server fits.'
  return isMore ? `${plural(count, 'server')}, and there are more.` : `${plural(count, 'server')}.`
}

function Nothing({ words, registries }: { words: string; registries: readonly RegistryState[] }) {
  if (words !== '' && registries.some(({ servers }) => servers > 0)) {
    return (
      <Empty title="No server fits">
        Leave a word out, or paste the link of its repository into the field above.
      </Empty>
    )
  }
  return registries.some(({ failure }) => failure !== null) ? (
    <Empty title="No servers are known yet">
      The registries did not answer so far. They are asked again soon.
    </Empty>
  ) : (
    <Empty title="The registries are being read">
      That takes a few minutes once. Servers appear here as they are read.
    </Empty>
  )
}

interface ServerProps {
  readonly server: RegistryServer
  readonly onKeyDown: (event: KeyboardEvent) => void
}

function Server({ server, onKeyDown }: ServerProps) {
  const { name, title, description, source, runsFrom, listedBy, namespace, status, updatedAt } = server
  const Icon = ICONS[runsFrom]
  const shown = (
    <>
      <span className="tile">
        <Icon />
      </span>
      <span className="clip rcard-name">
        <b className="clip">{title ?? name.replace(/^.*\//, '')}</b>
        <span className="by mono clip">{name}</span>
      </span>
      <span className="dim desc">{description === '' ? 'It does not say what it does.' : description}</span>
      <span className="row wrap reg-badges">
        {listedBy[0]?.registry === 'official' && (
          <Badge tone="ok" icon={BadgeCheck}>
            MCP Registry
          </Badge>
        )}
        {namespace !== null && <Badge icon={ShieldCheck}>Verified namespace</Badge>}
        {status === 'deprecated' && (
          <Badge tone="bad" icon={CircleX}>
            Deprecated
          </Badge>
        )}
        {runsFrom === 'remote' && (
          <Badge tone="warn" icon={TriangleAlert}>
            Runs elsewhere only
          </Badge>
        )}
        {source === null && (
          <Badge tone="warn" icon={TriangleAlert}>
            Names nothing to run
          </Badge>
        )}
      </span>
      <span className="row wrap by num reg-foot">
        {updatedAt !== null && (
          <Badge tone="plain" icon={Clock}>
            <span>
              Updated <Ago at={updatedAt} />
            </span>
          </Badge>
        )}
        <Badge tone="plain">{from(server)}</Badge>
      </span>
    </>
  )
  return source === null ? (
    <div className="card rcard">{shown}</div>
  ) : (
    <Link className="card rcard" to="/new" search={{ source }} onKeyDown={onKeyDown}>
      {shown}
    </Link>
  )
}

function from({ runsFrom, packages, license }: RegistryServer): string {
  const where = runsFrom === 'package' ? `From ${packages[0]?.registry ?? 'a package'}` : WHERE[runsFrom]
  return license === null || license === '' ? where : `${where}, ${license}`
}

const WHERE = {
  repository: 'Built from its repository',
  remote: 'At its own address',
  nothing: 'Listed only',
} as const

/** How old what is shown is, and which registry does not answer. */
function Freshness({ registries }: { readonly registries: readonly RegistryState[] }) {
  return (
    <ul className="reg-fresh by">
      {registries.map(({ name, url, syncedAt, syncing, failure }) => (
        <li key={name}>
          {failure !== null && <TriangleAlert />}
          <span>
            {NAMES[name]} (<Breakable text={new URL(url).host} />)
            {syncedAt === null ? ': not read to its end yet' : ', as of '}
            {syncedAt !== null && <Ago at={syncedAt} />}
            {failure !== null && (
              <>
                . It did not answer <Ago at={failure.at} />; what is known is shown
              </>
            )}
            {failure === null && syncing ? '. It is being read' : ''}.
          </span>
        </li>
      ))}
    </ul>
  )
}
