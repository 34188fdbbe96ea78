import { createHash } from 'node:crypto'
import { pagePolicy } from './security-headers.ts'

const STYLE = `
:root{color-scheme:light dark;font:16px/1.6 system-ui,sans-serif}
body{max-width:46rem;margin:0 auto;padding:2rem 1.25rem 6rem}
h1,h2,h3{line-height:1.25;margin:2rem 0 .5rem;scroll-margin-top:1rem}
:target{background:color-mix(in srgb,Highlight 20%,transparent)}
a{color:LinkText}
pre{overflow-x:auto;padding:.75rem 1rem;border-radius:6px;background:color-mix(in srgb,CanvasText 7%,transparent)}
code{font:.9em ui-monospace,monospace}
table{border-collapse:collapse;display:block;overflow-x:auto}
td,th{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid color-mix(in srgb,CanvasText 15%,transparent)}
`

const POLICY = pagePolicy(createHash('sha256').update(STYLE).digest('base64'))

/** A small page of our own, without scripts. `bodyHtml` must be safe; `title` is escaped. */
export function page(title: string, bodyHtml: string, status: number): Response {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${bodyHtml}
</body>
</html>
`
  return new Response(html, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'cache-control': 'no-cache',
    },
  })
}

/** Text as it is written in HTML. */
export function escapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': 'amp',
    '<': 'lt',
    '>': 'gt',
    '"': 'quot',
    "'": '#39',
  }
  return text.replace(/[&<>"']/g, (character) => `&${names[character] ?? ''};`)
}
