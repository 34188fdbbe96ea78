/**
 * Reads JSON as people paste it: in a code fence, with comments and trailing commas, without the outermost braces.
 * Takes time in proportion to the text's length. Undefined when it cannot be read even so.
 */
export function readLooseJson(text: string): unknown {
  const tokens = tokensOf(withoutFence(text.trim()))
  if (tokens.at(-1) === ',') tokens.pop()
  const plain = tokens
    .filter((token, index) => token !== ',' || !/^[}\]]$/.test(tokens[index + 1] ?? ''))
    .join('')
  for (const candidate of [plain, `{${plain}}`]) {
    try {
      return JSON.parse(candidate) as unknown
    } catch {
      // The next form.
    }
  }
  return undefined
}

function withoutFence(text: string): string {
  if (!text.startsWith('```')) return text
  const lines = text.split('\n').slice(1)
  return (lines.at(-1)?.trim() === '```' ? lines.slice(0, -1) : lines).join('\n')
}

/** Strings, single signs and words; white space and comments are left out. */
function tokensOf(text: string): string[] {
  const tokens: string[] = []
  for (let at = 0; at < text.length;) {
    const end = tokenEnd(text, at)
    const token = text.slice(at, end)
    if (!/^(?:\s|\/[/*])/.test(token)) tokens.push(token)
    at = end
  }
  return tokens
}

function tokenEnd(text: string, start: number): number {
  switch (text.charAt(start)) {
    case '"':
      return stringEnd(text, start)
    case '/':
      if (text.charAt(start + 1) === '/') return endOf(text, '\n', start)
      return text.charAt(start + 1) === '*' ? endOf(text, '*/', start + 2) : start + 1
    default:
      return /[\w.+-]/.test(text.charAt(start)) ? wordEnd(text, start) : start + 1
  }
}

function stringEnd(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1
  return at + 1
}

function wordEnd(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && /[\w.+-]/.test(text.charAt(at))) at += 1
  return at
}

function endOf(text: string, sign: string, from: number): number {
  const found = text.indexOf(sign, from)
  return found === -1 ? text.length : found + sign.length
}
