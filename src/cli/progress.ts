import { cleanLine } from './clean-text.ts'
import type { FeedItem } from './feed.ts'
import type { CliHost, Output } from './output.ts'
import { addToSteps, elapsedMs, type Step } from './steps.ts'
import { formatSeconds } from './table.ts'

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 100

/** Shows the steps of a release as they pass, on standard error. Disposing it leaves the last picture standing. */
export interface Progress extends Disposable {
  see(item: FeedItem): void
}

/** Steps that repaint themselves on a terminal; elsewhere a plain line when one starts and when it ends. */
export function createProgress(host: CliHost, output: Output, releaseId: string): Progress {
  return host.stderr.isTTY === true
    ? paintSteps(host, output, releaseId)
    : printSteps((line) => output.note(line), releaseId)
}

function printSteps(print: (line: string) => void, releaseId: string): Progress {
  let steps: readonly Step[] = []
  return {
    see(item) {
      const before = steps
      steps = addToSteps(steps, item, releaseId, performance.now())
      for (const [index, step] of steps.entries()) {
        if (before[index] === undefined) print(`${step.name}…`)
        else if (before[index].end === null && step.end !== null) print(describe(step))
      }
    },
    [Symbol.dispose]() {},
  }
}

function paintSteps(host: CliHost, output: Output, releaseId: string): Progress {
  let steps: readonly Step[] = []
  let lastLine: string | null = null
  let frame = 0
  let height = 0

  const paint = (final: boolean) => {
    // One column less than there are: a full line would wrap on some terminals, and the next picture sit too low.
    const width = (host.stderr.columns ?? 80) - 1
    const lines = steps.map((step) => {
      const { mark, colour } = look(step, FRAMES[frame % FRAMES.length] ?? '')
      return output.noteStyle(colour, `${mark} ${describe(step)}`.slice(0, width))
    })
    if (!final && lastLine !== null) lines.push(output.noteStyle('dim', `  ${lastLine}`.slice(0, width)))
    const erase = height === 0 ? '' : `\u001B[${height}A\u001B[J`
    host.stderr.write(`${erase}${lines.map((line) => `${line}\n`).join('')}`)
    height = lines.length
  }
  const timer = setInterval(() => {
    frame += 1
    paint(false)
  }, FRAME_MS)

  return {
    see(item) {
      steps = addToSteps(steps, item, releaseId, performance.now())
      if (item.kind === 'log') lastLine = cleanLine(item.log.line)
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      paint(true)
    },
  }
}

function look(step: Step, frame: string): { mark: string; colour: 'cyan' | 'green' | 'red' } {
  if (step.end === null) return { mark: frame, colour: 'cyan' }
  return step.end.failed ? { mark: '✗', colour: 'red' } : { mark: '✓', colour: 'green' }
}

function describe(step: Step): string {
  const outcome = step.end?.failed === true ? ' (failed)' : ''
  return `${step.name.padEnd(10)}  ${formatSeconds(elapsedMs(step, performance.now()))}${outcome}`
}
