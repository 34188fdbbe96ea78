import { CancelledError, useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Check, CornerDownLeft, FileUp, Info, Package } from 'lucide-react'
import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from 'react'
import { analysisKey, analysisQuery } from '../../api/analyse.ts'
import { AnalysisProgress } from '../../app/analysis-progress.tsx'
import { Page } from '../../app/page.tsx'
import { forgetPasted, keepPasted } from '../../app/pasted.ts'
import { Button } from '../../kit/button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { ImportDialog } from './import-dialog.tsx'
import { EXAMPLES } from './examples.ts'
import { recognise, type Recognised } from './recognise.ts'
import { Registry } from './registry.tsx'
import './start.css'

const MOST_LINES = 12

export function StartRoom() {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [source, setSource] = useState('')
  const [isImporting, setImporting] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const look = useMutation({
    mutationFn: (wanted: string) => queryClient.fetchQuery(analysisQuery(wanted)),
    onSuccess: (analysis, wanted) => {
      // What was typed may hold secrets, such as the variables of a command line; an address is kept in the history.
      const { asked, snippet } = analysis
      if (snippet === null) forgetPasted(asked)
      else keepPasted(asked, wanted)
      const server = snippet !== null && snippet.servers.length > 1 ? snippet.server : undefined
      queryClient.setQueryData(analysisKey(asked, server), analysis)
      return navigate({ to: '/new', search: { source: asked, server } })
    },
  })
  // A keyboard that opens by itself would hide half of a phone.
  useEffect(() => {
    if (matchMedia('(pointer: fine)').matches) field.current?.focus()
  }, [])
  const recognised = recognise(source)
  const fill = (text: string) => {
    setSource(text)
    look.reset()
    field.current?.focus()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const wanted = recognised.kind === 'meant' ? recognised.source : source.trim()
    if (wanted === '') field.current?.focus()
    else if (!look.isPending) look.mutate(wanted)
  }
  const lines = Math.min(source.split('\n').length, MOST_LINES)
  // A link is sent with Enter as in any field; in a snippet it begins a new line.
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    if (recognised.kind === 'snippet' && !event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    event.currentTarget.form?.requestSubmit()
  }
  return (
    <Page title="New deployment" aurora>
      <section className="hero">
        <h1>Paste a link, get an endpoint</h1>
        <p className="md dim">
          A GitHub repository, a package of npm or PyPI, a bundle (.mcpb), or the configuration from a README.
          Catwalk reads it, tries it out and asks for what it needs.
        </p>
        <form className="bigwrap" role="search" onSubmit={submit}>
          <div className={lines > 1 ? 'big tall' : 'big'}>
            {recognised.kind === 'npm' && (
              <span className="rec no-s">
                <Package />
                npm package
              </span>
            )}
            <label className="sr" htmlFor="source">
              Source
            </label>
            <textarea
              id="source"
              ref={field}
              className="mono"
              rows={lines}
              placeholder="https://github.com/owner/repository or npm:name"
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
              value={source}
              aria-describedby="source-told"
              aria-invalid={look.isError}
              onKeyDown={onKeyDown}
              onChange={({ target }) => {
                setSource(target.value)
                look.reset()
              }}
            />
            <Button type="submit" variant="primary" size="lg" pending={look.isPending}>
              {look.isPending ? 'Looking' : 'Look inside'}
              {!look.isPending && <CornerDownLeft className="no-s" />}
            </Button>
          </div>
          <div className="under" id="source-told" role={look.isPending ? undefined : 'status'}>
            {look.isPending ? (
              <>
                <AnalysisProgress source={look.variables} />
                <Button
                  variant="quiet"
                  onClick={() => void queryClient.cancelQueries({ queryKey: analysisKey(look.variables) })}
                >
                  Stop
                </Button>
              </>
            ) : (
              <Told recognised={recognised} onFill={fill} />
            )}
          </div>
          {look.error && !(look.error instanceof CancelledError) && <ErrorNote error={look.error} />}
        </form>
        <Button variant="quiet" size="sm" icon={FileUp} onClick={() => setImporting(true)}>
          Import a file
        </Button>
        {isImporting && <ImportDialog onClose={() => setImporting(false)} />}
      </section>
      <Registry />
      <section className="sect">
        <div className="sect-head">
          <div>
            <h2>Examples</h2>
            <p>Servers that run as they are. Choose one to fill the field.</p>
          </div>
        </div>
        <ul className="grid c4">
          {EXAMPLES.map(({ name, source: filled, description, needs, icon: Icon }) => (
            <li key={filled} className="stretch">
              <button type="button" className="card rcard" onClick={() => fill(filled)}>
                <span className="tile">
                  <Icon />
                </span>
                <span className="clip rcard-name">
                  <b className="clip">{name}</b>
                  <span className="by mono clip">{filled.replace('npm:@modelcontextprotocol/', '')}</span>
                </span>
                <span className="dim desc">{description}</span>
                <span className="by">{needs}</span>
              </button>
            </li>
          ))}
        </ul>
      </section>
    </Page>
  )
}

function Told({ recognised, onFill }: { recognised: Recognised; onFill: (source: string) => void }) {
  switch (recognised.kind) {
    case 'empty':
      return <p>Leave out the version for the latest. It is pinned when you deploy.</p>
    case 'link':
      return (
        <p>
          <Check className="good" />
          Its files are read, and the exact version is pinned.
        </p>
      )
    case 'npm':
      return (
        <p>
          <Check className="good" />
          {recognised.version === null
            ? 'The latest version. Add @1.2.3 for another one.'
            : `Version ${recognised.version}.`}
        </p>
      )
    case 'snippet':
      return (
        <p>
          <Check className="good" />
          {recognised.what} Its values stay in this page until you deploy.
        </p>
      )
    case 'meant':
      return (
        <p>
          <Info />
          <span>
            Taken as{' '}
            <button type="button" className="as-link mono" onClick={() => onFill(recognised.source)}>
              {recognised.source}
            </button>
          </span>
        </p>
      )
    case 'later':
      return (
        <p>
          <Info />
          {recognised.what} come later. For now write npm:name or npm:name@version.
        </p>
      )
    case 'unknown':
      return (
        <p>
          <Info />
          Write npm:name or npm:name@version, or paste a link or a configuration.
        </p>
      )
  }
}
