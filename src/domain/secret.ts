import { inspect } from 'node:util'

/**
 * A value that cannot print itself: templates, JSON, `util.inspect` and thrown objects show `[secret]`.
 * Only {@link Secret.reveal} gives the value, so that `grep reveal\(\)` lists every place that handles one in clear.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
