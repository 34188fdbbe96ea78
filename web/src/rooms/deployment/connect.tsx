import { ArrowUpRight } from 'lucide-react'
import { Tabs } from 'radix-ui'
import type { ReactNode } from 'react'
import { Link } from '@tanstack/react-router'
import { Card } from '../../kit/card.tsx'
import { Code, JsonValue } from '../../kit/code.tsx'
import {
  claudeCodeLine,
  cursorLink,
  mcpServersJson,
  TOKEN_PLACEHOLDER,
  vsCodeJson,
  vsCodeLink,
  type ConnectTarget,
} from '../../api/client.ts'
import { useCurrent } from './current.ts'

/** Ready-made set-up for each client. @param token the endpoint's token while it is known */
export function Connect({ token }: { readonly token: string | null }) {
  const { slug, endpoint } = useCurrent()
  const target: ConnectTarget = { name: slug, endpoint, token }
  return (
    <Card title="Connect">
      <Tabs.Root defaultValue="claude-code">
        <div className="ctabs scroll-s">
          <Tabs.List className="seg" aria-label="Client">
            <Tabs.Trigger value="claude-code">Claude Code</Tabs.Trigger>
            <Tabs.Trigger value="cursor">Cursor</Tabs.Trigger>
            <Tabs.Trigger value="vscode">VS Code</Tabs.Trigger>
            <Tabs.Trigger value="json">JSON</Tabs.Trigger>
          </Tabs.List>
        </div>
        <Tabs.Content className="cp" value="claude-code">
          <HowTo
            steps={[
              ['Copy the line', 'It holds the endpoint and the token.'],
              [
                'Paste it into a terminal',
                'In the folder of your project. Claude Code keeps it for that folder.',
              ],
            ]}
          />
          <Code text={claudeCodeLine(target)} what="the line for Claude Code">
            {claudeCodeLine(target).replace(/ (?='?https?:|--header)/g, ' \\\n  ')}
          </Code>
          <TokenHint token={token} slug={slug} />
        </Tabs.Content>
        <Tabs.Content className="cp" value="cursor">
          <HowTo steps={[['Open Cursor from here', 'It shows what is added and asks before it does.']]} />
          <DeepLink href={cursorLink(target)} token={token}>
            Open in Cursor
          </DeepLink>
          <p className="dim">Or put this into ~/.cursor/mcp.json:</p>
          <JsonCode text={mcpServersJson(target)} what="the configuration for Cursor" />
          <TokenHint token={token} slug={slug} />
        </Tabs.Content>
        <Tabs.Content className="cp" value="vscode">
          <HowTo steps={[['Open VS Code from here', 'It shows what is added and asks before it does.']]} />
          <DeepLink href={vsCodeLink(target)} token={token}>
            Open in VS Code
          </DeepLink>
          <p className="dim">Or put this into .vscode/mcp.json:</p>
          <JsonCode text={vsCodeJson(target)} what="the configuration for VS Code" />
          <TokenHint token={token} slug={slug} />
        </Tabs.Content>
        <Tabs.Content className="cp" value="json">
          <p className="dim">For any client that reads mcpServers and speaks Streamable HTTP.</p>
          <JsonCode text={mcpServersJson(target)} what="the configuration as JSON" />
          <TokenHint token={token} slug={slug} />
        </Tabs.Content>
      </Tabs.Root>
      <p className="to-come xs">
        Claude on the web and phone, and ChatGPT, sign in with OAuth. That is to come; a token does not work
        there.
      </p>
    </Card>
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
function DeepLink({ href, token, children }: { href: string; token: string | null; children: ReactNode }) {
  if (token === null) return null
  return (
    <a className="btn primary" href={href}>
      {children}
      <ArrowUpRight className="s" />
    </a>
  )
}

function TokenHint({ token, slug }: { readonly token: string | null; readonly slug: string }) {
  if (token !== null) return null
  return (
    <p className="dim">
      Put your token in the place of <code>{TOKEN_PLACEHOLDER}</code>. It was shown once; under{' '}
      <Link to="/deployments/$slug/access" params={{ slug }}>
        Access
      </Link>{' '}
      you make another.
    </p>
  )
}
