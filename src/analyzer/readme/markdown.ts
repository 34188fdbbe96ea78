/** A part of a Markdown document, with the headings above it. */
export interface Block {
  readonly kind: 'code' | 'table' | 'item' | 'text'
  /** From 1. */
  readonly line: number
  readonly text: string
  /** The language that a code block names, in lower case. */
  readonly language: string
  /** Rows of a table, each a list of cells; the first is its head. */
  readonly rows: readonly (readonly string[])[]
  /** From the document's title down. */
  readonly headings: readonly string[]
}

const LONGEST_LINE = 4_000
const MOST_BLOCKS = 8_000

/**
 * Cuts a document into the parts that readers look at. It works line by line and never looks back, so its time is
 * linear in the document's length. HTML is dropped except for what it encloses.
 */
export function blocksOf(markdown: string): readonly Block[] {
  const lines = markdown.split(/\r?\n/)
  const blocks: Block[] = []
  const headings: { level: number; text: string }[] = []
  const push = (
    kind: Block['kind'],
    line: number,
    text: string,
    language = '',
    rows: Block['rows'] = [],
  ): void => {
    if (text.trim() === '' || blocks.length >= MOST_BLOCKS) return
    blocks.push({ kind, line, text, language, rows, headings: headings.map((heading) => heading.text) })
  }
  let text: string[] = []
  let textLine = 1
  const flush = (): void => {
    push(/^\s*(?:[-*+]|\d+[.)])\s/.test(text[0] ?? '') ? 'item' : 'text', textLine, text.join('\n'))
    text = []
  }
  for (let i = 0; i < lines.length; i++) {
    const line = (lines[i] ?? '').slice(0, LONGEST_LINE).replace(/^\s*(?:>\s?)+/, '')
    const fence = /^\s*(`{3,}|~{3,})\s*([\w+-]*)/.exec(line)
    if (fence?.[1] !== undefined) {
      flush()
      const close = fence[1].slice(0, 3)
      const from = i + 1
      let end = from
      while (end < lines.length && !(lines[end] ?? '').replace(/^\s*(?:>\s?)*/, '').startsWith(close)) end++
      push(
        'code',
        from + 1,
        lines
          .slice(from, end)
          .map((one) => one.slice(0, LONGEST_LINE).replace(/^\s{0,12}>\s?/, ''))
          .join('\n'),
        (fence[2] ?? '').toLowerCase(),
      )
      i = end
      continue
    }
    const heading =
      /^\s{0,3}(#{1,6})\s+(.{1,300})/.exec(line) ??
      /^\s*<(?:h([1-6])|summary)[^>]{0,200}>(.{0,300})/i.exec(line)
    if (heading !== null) {
      flush()
      const level =
        heading[1] === undefined ? 7 : heading[1].startsWith('#') ? heading[1].length : Number(heading[1])
      while ((headings.at(-1)?.level ?? 0) >= level) headings.pop()
      headings.push({ level, text: plain(heading[2] ?? '') })
      continue
    }
    if (/^\s*<\/details>/i.test(line)) {
      flush()
      if (headings.at(-1)?.level === 7) headings.pop()
      continue
    }
    if (
      /^\s*\|/.test(line) &&
      /^\s*\|?[\s:|-]+$/.test(lines[i + 1] ?? '') &&
      (lines[i + 1] ?? '').includes('-')
    ) {
      flush()
      const rows = [cells(line)]
      const from = i
      i += 2
      while (i < lines.length && /^\s*(?:>\s?)*\|/.test(lines[i] ?? ''))
        rows.push(cells((lines[i++] ?? '').slice(0, LONGEST_LINE)))
      i--
      push('table', from + 1, 'table', '', rows)
      continue
    }
    if (line.trim() === '') {
      flush()
      continue
    }
    if (/^\s*(?:[-*+]|\d+[.)])\s/.test(line)) flush()
    if (text.length === 0) textLine = i + 1
    text.push(line)
  }
  flush()
  return blocks
}

/** Cells of a row; a bar inside backticks or behind a backslash separates nothing. */
function cells(line: string): string[] {
  const found: string[] = []
  let cell = ''
  let code = false
  for (let i = 0; i < line.length; i++) {
    const char = line[i]
    if (char === '\\' && line[i + 1] === '|') {
      cell += '|'
      i++
    } else if (char === '`') {
      code = !code
      cell += char
    } else if (char === '|' && !code) {
      found.push(cell.trim())
      cell = ''
    } else cell += char ?? ''
  }
  if (cell.trim() !== '') found.push(cell.trim())
  return found[0] === '' ? found.slice(1) : found
}

/** Text without the marks of Markdown and HTML, on one line. */
export function plain(text: string): string {
  return text
    .replaceAll(/<[^<>]{0,300}>/g, ' ')
    .replaceAll(/!?\[([^\]]{0,300})\]\([^()\s]{0,500}\)/g, '$1')
    .replaceAll(/[*`]+|__/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** The first address that a text links to, or null. */
export function linkIn(text: string): string | null {
  return /https?:\/\/[^\s)"'<>\]`]{4,500}/.exec(text)?.[0]?.replace(/[.,;:]+$/, '') ?? null
}
