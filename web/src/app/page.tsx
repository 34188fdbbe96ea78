import { ChevronRight, Moon, Sun } from 'lucide-react'
import { Fragment, useEffect, useRef, type ReactNode } from 'react'
import { Link } from '@tanstack/react-router'
import { IconButton } from '../kit/button.tsx'
import { Banners } from './banners.tsx'
import { Mark } from './mark.tsx'
import { useStore } from './store.ts'
import { switchTheme, theme } from './theme.ts'

interface PageProps {
  /** The document's title, and the last crumb. */
  readonly title: string
  /** The rooms above this one. */
  readonly above?: readonly { readonly to: '/' | '/deployments' | '/collections'; readonly label: string }[]
  readonly aurora?: boolean
  readonly children: ReactNode
}

// The room that the page was opened at is left as the browser opens it.
let lastPath = location.pathname

/** A room: its bar, what all of Catwalk has to say, and its content. Takes the focus when it is walked into. */
export function Page({ title, above = [], aurora = false, children }: PageProps) {
  const main = useRef<HTMLElement>(null)
  const isLight = useStore(theme) === 'light'
  useEffect(() => {
    if (location.pathname === lastPath) return
    lastPath = location.pathname
    if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true })
  }, [])
  return (
    <div className={aurora ? 'page aurora' : 'page'}>
      <title>{`${title} · Catwalk`}</title>
      <header className="topbar">
        <Link className="brand only-s" to="/deployments" aria-label="Catwalk">
          <Mark />
        </Link>
        <nav className="crumbs" aria-label="Breadcrumb">
          {above.map(({ to, label }) => (
            <Fragment key={to}>
              <Link to={to} activeOptions={{ exact: true }}>
                {label}
              </Link>
              <ChevronRight className="s" />
            </Fragment>
          ))}
          <span aria-current="page" className="clip">
            {title}
          </span>
        </nav>
        <IconButton
          className="push"
          icon={isLight ? Moon : Sun}
          label={isLight ? 'Switch to the dark theme' : 'Switch to the light theme'}
          onClick={switchTheme}
        />
      </header>
      <Banners />
      <main className="content" id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
    </div>
  )
}
