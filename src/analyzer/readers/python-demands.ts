import type { Fact } from '../facts.ts'

/** Names of Python, `self.x` among them, and the variable that each was given. */
const ASSIGNED =
  /(?:^|\n)[ \t]*((?:self\.|cls\.)?\w{1,60})(?:[ \t]*:[ \t]*[\w[\]|. ]{1,40})?[ \t]*=[ \t]*(?:str\(|\()?[ \t]*(?:os\.)?(?:getenv\(|environ(?:\.get)?[([])[ \t]*["']([A-Za-z_][A-Za-z0-9_]{1,100})["'](?![^\n)]{0,80},[ \t]*["']\w)/g
/** An `if` with what stands below it, a few lines at most. */
const CONDITION =
  /(?:^|\n)([ \t]*)(?:el)?if[ \t]+((?:[^\n:]|\n(?=[^\n]{0,100}\b(?:and|or|not)\b|[ \t]*\))){1,400}):[ \t]*(?:#[^\n]*)?((?:\n(?:\1[ \t]+[^\n]*|[ \t]*(?=\n|$))){1,14})/g
const FAILS = /(?:^|\n)[ \t]*(?:raise\b|(?:sys\.)?exit\(|os\._exit\(|ctx\.fail\(|parser\.error\()/
const READ =
  /^(?:os\.)?(?:getenv\(|environ(?:\.get)?[([])\s*["']([A-Za-z_]\w{1,100})["'](?:\s*,\s*(?:None|["']{2}))?\s*[)\]]$/
/** `[name for name in NAMES if not os.getenv(name)]`, over a list written there or above. */
const MISSING =
  /\[\s*(\w+)\s+for\s+\1\s+in\s+(\w+|[[(][^\])]{1,800}[\])])\s+if\s+(?:not\s+(?:os\.)?(?:getenv\(|environ\.get\()\s*\1\s*\)|\1\s+not\s+in\s+os\.environ)\s*\]/g

/** Which variables a program of Python ends or fails without, and of which it must have one. */
export function pythonDemands(text: string, at: (offset: number) => Fact['evidence']): readonly Fact[] {
  const names = new Map<string, string>()
  for (const [, name = '', variable = ''] of text.matchAll(ASSIGNED)) names.set(name, variable)
  const facts: Fact[] = []
  const demand = (name: string, offset: number): void => {
    facts.push({ kind: 'variable', name, role: 'read', required: true, evidence: at(offset) })
  }
  for (const match of text.matchAll(CONDITION)) {
    const [, , test = '', body = ''] = match
    if (!FAILS.test(body)) continue
    const found = absent(test, names)
    if (found === null) continue
    if (found.all) for (const name of found.names) demand(name, match.index)
    else
      facts.push({
        kind: 'demand',
        alternatives: found.names.map((name) => [name]),
        evidence: at(match.index),
      })
  }
  for (const match of text.matchAll(MISSING)) {
    const [, , list = ''] = match
    const written = /^\w+$/.test(list)
      ? (new RegExp(`\\b${list}\\s*(?::[^=\\n]{1,40})?=\\s*[[(]([^\\])]{1,800})[\\])]`).exec(text)?.[1] ?? '')
      : list
    for (const [, name = ''] of written.matchAll(/["']([A-Z][A-Z0-9_]{2,100})["']/g))
      demand(name, match.index)
  }
  return facts
}

/** What a condition finds missing: all of the names must be given, or one of them. Null when it is about something else. */
function absent(
  test: string,
  names: ReadonlyMap<string, string>,
): { readonly all: boolean; readonly names: readonly string[] } | null {
  const condition = test
    .replaceAll(/\s+/g, ' ')
    .replace(/^\((.*)\)$/, '$1')
    .trim()
  const list = /^not (all|any) ?\( ?[[(]([^\])]*)[\])] ?\)$/.exec(condition)
  const isAnd = /\band\b/.test(condition)
  if (isAnd && /\bor\b/.test(condition)) return null
  const parts =
    list !== null
      ? (list[2] ?? '').split(',').filter((part) => part.trim() !== '')
      : condition.split(isAnd ? /\band\b/ : /\bor\b/)
  const found = parts.map((part) =>
    list !== null ? variableOf(part.trim(), names) : missing(part.trim(), names),
  )
  if (found.length === 0 || found.some((name) => name === null)) return null
  const all = list === null ? !isAnd || found.length === 1 : list[1] === 'all'
  return { all, names: [...new Set(found.filter((name) => name !== null))] }
}

function missing(part: string, names: ReadonlyMap<string, string>): string | null {
  const inside = /^["']([A-Za-z_]\w*)["'] not in (?:os\.)?environ$/.exec(part)?.[1]
  if (inside !== undefined) return inside
  const subject = /^not (.+)$/.exec(part)?.[1] ?? /^(.+?) (?:is None|== (?:None|["']{2}))$/.exec(part)?.[1]
  return subject === undefined ? null : variableOf(subject.replace(/^\((.*)\)$/, '$1').trim(), names)
}

function variableOf(expression: string, names: ReadonlyMap<string, string>): string | null {
  return names.get(expression) ?? READ.exec(expression)?.[1] ?? null
}
