import { queries } from '../../db/index.ts'
import {
  CatwalkError,
  createTokenBuckets,
  type Logger,
  type LogLine,
  type LogWriter,
} from '../../domain/index.ts'

const FLUSH_MS = 150
const LONGEST_LINE = 8192
// A server that prints without end must fill neither memory nor the database. The last words of a server are worth more
// than those in the middle, so both ends of what came within a flush interval are kept.
const FIRST_KEPT = 400
const LAST_KEPT = 100
const LAST_WORDS = 10
const LINES_PER_MINUTE = 30_000
/** While the database is away so many lines wait, of all deployments together: some 20 MiB where they are long. */
const MOST_WAITING = 20_000
const AGAIN_MS = 1_000

/** A log writer that owns a timer; disposing writes what is left. */
export interface BatchedLogWriter extends LogWriter, AsyncDisposable {
  /** Resolves when every line appended before the call is stored, was given up, or waits for the database to be back. */
  flush(): Promise<void>
}

type Clean = (line: string) => string

interface Entry {
  readonly line: LogLine
  readonly clean: Clean | undefined
}

/** What came from one deployment since the last flush. */
interface Pending {
  /** Any of its lines: what is said of it looks like this one. */
  readonly sample: LogLine
  readonly first: Entry[]
  /** A ring: its oldest entry is at `next`, once it is full. */
  readonly last: Entry[]
  next: number
  leftOut: number
}

/** What is written at once. */
interface Batch {
  readonly lines: readonly LogLine[]
  /** How many lines of each deployment these stand for. */
  readonly told: ReadonlyMap<string, number>
  /** Of the last attempt, which nobody may have heard the end of. */
  transaction: string | null
}

/**
 * Collects lines and writes them in batches, each in one transaction. Of a deployment the first 400 and the last 100
 * lines within a flush interval of 150 ms are kept, up to 30,000 lines a minute; beyond that the last 10 of the interval
 * and about 500 a second. What Catwalk itself says is always kept.
 * How many lines were left out is written where they would have been. While the database is away up to 20,000 lines wait
 * for it; those beyond, and those that it does not take, are counted as well.
 */
export function createLogWriter(db: queries.Handle, logger: Logger): BatchedLogWriter {
  const buckets = createTokenBuckets(LINES_PER_MINUTE)
  let pending = new Map<string, Pending>()
  let lost = new Map<string, number>()
  let timer: NodeJS.Timeout | null = null
  const waiting: Batch[] = []
  let writing: Promise<void> | null = null
  let again: NodeJS.Timeout | null = null

  function take(): Batch {
    const taken = pending
    const lostBefore = lost
    pending = new Map()
    lost = new Map()
    const lines: LogLine[] = []
    const told = new Map<string, number>()
    for (const [deploymentId, { sample, first, last, next, leftOut }] of taken) {
      const ring = [...last.slice(next), ...last.slice(0, next)]
      const missing = lostBefore.get(deploymentId) ?? 0
      told.set(deploymentId, missing + first.length + leftOut + ring.length)
      if (missing > 0) lines.push(note(sample, `… ${counted(missing)} could not be stored.`))
      for (const entry of first) lines.push(stored(entry))
      if (leftOut > 0) {
        const words = `… ${counted(leftOut)} ${leftOut === 1 ? 'was' : 'were'} left out.`
        lines.push(note((ring[0] ?? first.at(-1))?.line ?? sample, words))
      }
      for (const entry of ring) lines.push(stored(entry))
    }
    for (const [deploymentId, count] of lostBefore) {
      if (!taken.has(deploymentId)) lost.set(deploymentId, count)
    }
    return { lines, told, transaction: null }
  }

  function giveUp({ told }: Batch): void {
    for (const [deploymentId, count] of told) lost.set(deploymentId, (lost.get(deploymentId) ?? 0) + count)
  }

  /** Puts what has come behind what waits. */
  function queue(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const batch = take()
    if (batch.lines.length === 0) return
    const before = waiting.reduce((sum, { lines }) => sum + lines.length, 0)
    if (before + batch.lines.length > MOST_WAITING) giveUp(batch)
    else waiting.push(batch)
  }

  async function store(batch: Batch): Promise<void> {
    // Its connection broke as it ended: perhaps it is there.
    if (batch.transaction !== null && (await queries.hasCommitted(db, batch.transaction))) return
    await db.transaction().execute(async (tx) => {
      batch.transaction = await queries.transactionId(tx)
      await queries.insertLogLines(tx, batch.lines)
    })
  }

  async function writeAll(): Promise<void> {
    try {
      for (let batch = waiting[0]; batch !== undefined; batch = waiting[0]) {
        if (!(await settle(batch))) return
        waiting.shift()
      }
    } finally {
      writing = null
    }
  }

  /** Whether it is done with: stored, or given up. */
  async function settle(batch: Batch): Promise<boolean> {
    try {
      await store(batch)
    } catch (error) {
      const isAway = error instanceof CatwalkError && error.code === 'database_unreachable'
      const message = isAway ? 'log lines wait for the database' : 'log lines could not be stored'
      logger.warn({ err: error, lines: batch.lines.length }, message)
      if (!isAway) giveUp(batch)
      else again ??= setTimeout(tryAgain, AGAIN_MS)
      return !isAway
    }
    return true
  }

  function tryAgain(): void {
    again = null
    void write()
  }

  async function write(): Promise<void> {
    if (waiting.length > 0) writing ??= writeAll()
    await writing
  }

  function flush(): Promise<void> {
    queue()
    return write()
  }

  function pendingOf(line: LogLine): Pending {
    const known = pending.get(line.deploymentId)
    if (known !== undefined) return known
    const fresh = { sample: line, first: [], last: [], next: 0, leftOut: 0 }
    pending.set(line.deploymentId, fresh)
    return fresh
  }

  return {
    append(line, clean) {
      const of = pendingOf(line)
      const { first, last, leftOut } = of
      timer ??= setTimeout(() => void flush(), FLUSH_MS)
      const entry = { line, clean }
      const mayStay = (): boolean => buckets.take(line.deploymentId, performance.now()) === 0
      if (line.stream === 'system') first.push(entry)
      else if (leftOut === 0 && last.length === 0 && first.length < FIRST_KEPT && mayStay()) first.push(entry)
      else if (last.length < LAST_WORDS || (last.length < LAST_KEPT && mayStay())) {
        last.push(...last.splice(0, of.next), entry)
        of.next = 0
      } else {
        // The oldest of the last ones gives up its place.
        of.leftOut += 1
        last[of.next] = entry
        of.next = (of.next + 1) % last.length
      }
    },
    flush,
    async [Symbol.asyncDispose]() {
      await flush()
      if (again !== null) clearTimeout(again)
    },
  }
}

function counted(lines: number): string {
  return lines === 1 ? '1 line' : `${lines.toLocaleString('en')} lines`
}

function note(of: LogLine, line: string): LogLine {
  return { ...of, stream: 'system', line }
}

/** PostgreSQL's text takes no NUL, and UTF-8 no lone surrogates. */
function stored({ line: entry, clean }: Entry): LogLine {
  const line = clean === undefined ? entry.line : clean(entry.line)
  const short =
    line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}… (${line.length} characters)` : line
  return { ...entry, line: short.replaceAll('\0', '\u{FFFD}').toWellFormed() }
}
