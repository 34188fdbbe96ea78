import { ArrowUpRight } from 'lucide-react'
import { useQuery } from '@tanstack/react-query'
import { Tabs } from 'radix-ui'
import type { ReactNode } from 'react'
import { Link } from '@tanstack/react-router'
import { Card } from '../../kit/card.tsx'
import { Code, JsonValue } from '../../kit/code.tsx'
import {
  claudeCodeLine,
  cursorLink,
  mcpServersJson,
  SIGN_IN_STEPS,
  TOKEN_PLACEHOLDER,
  vsCodeJson,
  vsCodeLink,
  type AccessMode,
  type ConnectTarget,
} from '../../api/client.ts'
import { settingsQuery } from '../../api/queries.ts'
import { useCurrent } from './current.ts'

/** Ready-made set-up for each client. @param token the endpoint's token while it is known */
export function Connect({ token }: { readonly token: string | null }) {
  const { id, slug, endpoint } = useCurrent()
  const { data: settings } = useQuery(settingsQuery(id))
  return (
    <ConnectTo
      slug={slug}
      endpoint={endpoint}
      access={settings?.access ?? 'token'}
      token={token}
      accessPlace={
        <Link to="/deployments/$slug/access" params={{ slug }}>
          Access
        </Link>
      }
    />
  )
}

interface ConnectToProps {
  readonly slug: string
  readonly endpoint: string
  readonly access: AccessMode
  readonly token: string | null
  /** Where it is changed who may call. */
  readonly accessPlace: ReactNode
}

export function ConnectTo({ slug, endpoint, access, token, accessPlace }: ConnectToProps) {
  const signIn = access !== 'token'
  // A public endpoint asks nobody.
  const asks = access === 'oauth' || access === 'both'
  const target: ConnectTarget = { name: slug, endpoint, token, signIn }
  return (
    <Card title="Connect">
      <Tabs.Root defaultValue="claude-code">
        <div className="ctabs scroll-s">
          <Tabs.List className="seg" aria-label="Client">
            <Tabs.Trigger value="claude">Claude</Tabs.Trigger>
            <Tabs.Trigger value="chatgpt">ChatGPT</Tabs.Trigger>
            <Tabs.Trigger value="claude-code">Claude Code</Tabs.Trigger>
            <Tabs.Trigger value="cursor">Cursor</Tabs.Trigger>
            <Tabs.Trigger value="vscode">VS Code</Tabs.Trigger>
            <Tabs.Trigger value="json">JSON</Tabs.Trigger>
          </Tabs.List>
        </div>
        <Tabs.Content className="cp" value="claude">
          <Hosted
            accessPlace={accessPlace}
            endpoint={endpoint}
            signIn={signIn}
            steps={[
              ['Open Settings, then Connectors', 'On the web or the desktop; the phone then has it as well.'],
              ['Add a custom connector', 'Paste the address. The OAuth settings under Advanced stay empty.'],
              ['Connect', asks ? SIGN_IN_STEPS.claude : 'Nobody is asked anything.'],
            ]}
          />
        </Tabs.Content>
        <Tabs.Content className="cp" value="chatgpt">
          <Hosted
            accessPlace={accessPlace}
            endpoint={endpoint}
            signIn={signIn}
            steps={[
              ['Turn developer mode on', 'In Settings, Connectors, Advanced.'],
              ['Create a connector', asks ? 'Paste the address and choose OAuth.' : 'Paste the address.'],
              ['Connect', asks ? SIGN_IN_STEPS.chatgpt : 'Nobody is asked anything.'],
            ]}
          />
        </Tabs.Content>
        <Tabs.Content className="cp" value="claude-code">
          <HowTo
            steps={[
              ['Copy the line', signIn ? 'It holds the endpoint.' : 'It holds the endpoint and the token.'],
              [
                'Paste it into a terminal',
                'In the folder of your project. Claude Code keeps it for that folder.',
              ],
              ...(asks ? [['Sign in', SIGN_IN_STEPS['claude-code']] as const] : []),
            ]}
          />
          <Code text={claudeCodeLine(target)} what="the line for Claude Code">
            {claudeCodeLine(target).replace(/ (?='?https?:|--header)/g, ' \\\n  ')}
          </Code>
          {!signIn && <TokenHint token={token} accessPlace={accessPlace} />}
        </Tabs.Content>
        <Tabs.Content className="cp" value="cursor">
          <HowTo
            steps={[
              ['Open Cursor from here', 'It shows what is added and asks before it does.'],
              ...(asks ? [['Sign in', SIGN_IN_STEPS.cursor] as const] : []),
            ]}
          />
          <DeepLink href={cursorLink(target)} usable={signIn || token !== null}>
            Open in Cursor
          </DeepLink>
          <p className="dim">Or put this into ~/.cursor/mcp.json:</p>
          <JsonCode text={mcpServersJson(target)} what="the configuration for Cursor" />
          {!signIn && <TokenHint token={token} accessPlace={accessPlace} />}
        </Tabs.Content>
        <Tabs.Content className="cp" value="vscode">
          <HowTo
            steps={[
              ['Open VS Code from here', 'It shows what is added and asks before it does.'],
              ...(asks ? [['Sign in', SIGN_IN_STEPS.vscode] as const] : []),
            ]}
          />
          <DeepLink href={vsCodeLink(target)} usable={signIn || token !== null}>
            Open in VS Code
          </DeepLink>
          <p className="dim">Or put this into .vscode/mcp.json:</p>
          <JsonCode text={vsCodeJson(target)} what="the configuration for VS Code" />
          {!signIn && <TokenHint token={token} accessPlace={accessPlace} />}
        </Tabs.Content>
        <Tabs.Content className="cp" value="json">
          <p className="dim">For any client that reads mcpServers and speaks Streamable HTTP.</p>
          <JsonCode text={mcpServersJson(target)} what="the configuration as JSON" />
          {!signIn && <TokenHint token={token} accessPlace={accessPlace} />}
        </Tabs.Content>
      </Tabs.Root>
    </Card>
  )
}

interface HostedProps {
  readonly accessPlace: ReactNode
  readonly endpoint: string
  readonly signIn: boolean
  readonly steps: readonly (readonly [string, string])[]
}

/** For clients that take no token. */
function Hosted({ accessPlace, endpoint, signIn, steps }: HostedProps) {
  if (!signIn) {
    return (
      <p className="dim">
        It takes no token: people sign in. Let them under {accessPlace}, then come back here.
      </p>
    )
  }
  return (
    <>
      <HowTo steps={steps} />
      <Code text={endpoint} what="the address">
        {endpoint}
      </Code>
    </>
  )
}

function JsonCode({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <Code text={text} what={what}>
      <JsonValue value={JSON.parse(text)} />
    </Code>
  )
}

function HowTo({ steps }: { readonly steps: readonly (readonly [string, string])[] }) {
  return (
    <ol className="how">
      {steps.map(([what, why], index) => (
        <li key={what}>
          <span>{index + 1}</span>
          <div>
            <b>{what}</b>
            <p>{why}</p>
          </div>
        </li>
      ))}
    </ol>
  )
}

/** A client would store the placeholder as it stands, so without the token the link is not offered. */
function DeepLink({ href, usable, children }: { href: string; usable: boolean; children: ReactNode }) {
  if (!usable) return null
  return (
    <a className="btn primary" href={href}>
      {children}
      <ArrowUpRight className="s" />
    </a>
  )
}

interface TokenHintProps {
  readonly token: string | null
  readonly accessPlace: ReactNode
}

function TokenHint({ token, accessPlace }: TokenHintProps) {
  if (token !== null) return null
  return (
    <p className="dim">
      Put your token in the place of <code>{TOKEN_PLACEHOLDER}</code>. It was shown once; under {accessPlace}
      {' you make another.'}
    </p>
  )
}
