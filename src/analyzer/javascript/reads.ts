import type { Fact } from '../facts.ts'
import { formatOf, VARIABLE_NAME } from '../names.ts'
import type { Origin } from './origins.ts'
import type { Surroundings } from './surroundings.ts'
import type { Node, Program } from './syntax.ts'

interface Read {
  required: boolean | null
  default: string | null
  origin: Origin
  httpOnly: boolean
  program: Program
  offset: number
}

/** Collects what is known of each variable that code reads; what one place demands, no other place loosens. */
export class Reads {
  readonly #reads = new Map<string, Read>()
  readonly #originOf: (program: Program, offset: number) => Origin

  constructor(originOf: (program: Program, offset: number) => Origin) {
    this.#originOf = originOf
  }

  get size(): number {
    return this.#reads.size
  }

  has(name: string): boolean {
    return this.#reads.has(name)
  }

  note(name: string, program: Program, node: Node, more: Partial<Surroundings> = {}): void {
    if (!VARIABLE_NAME.test(name)) return
    const origin = this.#originOf(program, node.start)
    const read = this.#reads.get(name)
    if (read === undefined) {
      const { required = null, default: fallback = null, httpOnly = false } = more
      this.#reads.set(name, { required, default: fallback, origin, httpOnly, program, offset: node.start })
      return
    }
    if (origin === 'own' && read.origin === 'library')
      Object.assign(read, { origin, program, offset: node.start })
    if (more.required === true) read.required = true
    else if (more.required === false) read.required ??= false
    read.default ??= more.default ?? null
    if (more.httpOnly === false) read.httpOnly = false
  }

  facts(): readonly Fact[] {
    return [...this.#reads].map(([name, read]) => ({
      kind: 'variable',
      name,
      role: read.origin === 'own' ? 'read' : 'read_by_library',
      required: read.required,
      format: formatOf(name),
      ...(read.default === null ? {} : { default: read.default }),
      ...(read.httpOnly ? { httpOnly: true } : {}),
      evidence: { file: read.program.path, line: read.program.lineAt(read.offset), reader: 'javascript' },
    }))
  }
}
