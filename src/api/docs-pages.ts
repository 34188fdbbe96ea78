import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import MarkdownIt from 'markdown-it'
import { page } from './page.ts'

/**
 * The page made from `docs/{name}.md`, or null when there is none. Headings get anchors as `docsPath()` makes them:
 * the heading `invalid_package` is at `#invalid-package`.
 */
export async function docsPage(docsDir: string, name: string): Promise<Response | null> {
  // One flat folder, so a name that could climb out of it is no name.
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) return null
  const markdown = await readFile(join(docsDir, `${name}.md`), 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  })
  if (markdown === null) return null
  const title = /^# (.+)$/m.exec(markdown)?.[1] ?? name
  return page(`${title} · Catwalk`, renderMarkdown(markdown), 200)
}

/** A page that leads to every guide. */
export async function docsIndex(docsDir: string): Promise<Response> {
  const files = await readdir(docsDir)
  const names = files.filter((file) => file.endsWith('.md')).map((file) => file.slice(0, -'.md'.length))
  const links = names.toSorted().map((name) => `- [${name.replaceAll('-', ' ')}](/docs/${name})`)
  return page('Guides · Catwalk', renderMarkdown(`# Guides\n\n${links.join('\n')}\n`), 200)
}

/** HTML that is safe whatever the text says: HTML in it is shown as text, links lead to http, https, mail or here. */
export function renderMarkdown(markdown: string): string {
  const parser = new MarkdownIt({ html: false, linkify: false })
  const taken = new Map<string, number>()
  parser.core.ruler.push('catwalk', (state) => {
    state.tokens.forEach((token, index) => {
      if (token.type === 'heading_open') {
        const text = state.tokens[index + 1]?.content ?? ''
        token.attrSet('id', free(anchor(text), taken))
      }
      for (const child of token.children ?? []) {
        const href = child.type === 'link_open' ? child.attrGet('href') : null
        if (href !== null) child.attrSet('href', toDocsLink(String(href)))
      }
    })
  })
  return parser.render(markdown)
}

/** The anchor of a heading. A heading that starts with code is about that code: `` `invalid_package`: … ``. */
function anchor(heading: string): string {
  const subject = /^`([^`]+)`/.exec(heading)?.[1] ?? heading
  return subject
    .toLowerCase()
    .replace(/[\s_]+/g, '-')
    .replace(/[^a-z0-9-]/g, '')
}

function free(id: string, taken: Map<string, number>): string {
  const count = taken.get(id) ?? 0
  taken.set(id, count + 1)
  return count === 0 ? id : `${id}-${count}`
}

/** Files link to each other as `other.md#part`, which works on a code host; here the pages have no ending. */
function toDocsLink(href: string): string {
  const [, name, fragment] = /^(?:\.\/)?([a-z0-9-]+)\.md(#.*)?$/.exec(href) ?? []
  return name === undefined ? href : `/docs/${name}${fragment ?? ''}`
}
