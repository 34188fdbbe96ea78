import { inspect, styleText } from 'node:util'

const STYLE = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const

/** One line of the JSON log as a person reads it: `12:03:04 info  deployment is live  slug=everything ms=812`. */
export function prettyLine(json: string, colours: boolean): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colours ? styleText(style, text, { validateStream: false }) : text
  // The logger writes objects only, with these three fields in each.
  const { time, level, msg, ...fields } = JSON.parse(json) as {
    time: string
    level: keyof typeof STYLE
    msg?: string
  } & Record<string, unknown>
  const stack: string[] = []
  const pairs = Object.entries(fields).map(([name, value]) => {
    if (isError(value)) {
      if (value.stack) stack.push(value.stack.replaceAll(/^/gm, '    '))
      return `${paint('gray', `${name}=`)}${oneLine(value.message)}`
    }
    return `${paint('gray', `${name}=`)}${oneLine(value)}`
  })
  const head = `${paint('gray', localTime(time))} ${paint(STYLE[level], level.padEnd(5))} ${visible(msg ?? '')}`
  return `${[head, pairs.join(' ')].filter((part) => part !== '').join('  ')}\n${stack.map((text) => `${visible(text, true)}\n`).join('')}`
}

function localTime(time: string): string {
  return new Date(time).toTimeString().slice(0, 8)
}

function oneLine(value: unknown): string {
  if (typeof value === 'string')
    return /^[^\s"=]+$/.test(value) ? visible(value) : visible(JSON.stringify(value))
  return visible(inspect(value, { breakLength: Infinity, depth: 4 }))
}

/** Text of a server or a caller must not drive the terminal. */
function visible(text: string, lines = false): string {
  return text.replaceAll(/\p{Cc}/gu, (character) =>
    lines && character === '\n' ? character : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

function isError(value: unknown): value is { message: string; stack?: string } {
  return typeof value === 'object' && value !== null && 'stack' in value && 'message' in value
}
