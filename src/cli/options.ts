import { InvalidArgumentError, Option } from 'commander'

/** The programs for which ready-made lines are printed. */
export const CLIENTS = ['claude', 'chatgpt', 'claude-code', 'cursor', 'vscode', 'json'] as const

export type ClientName = (typeof CLIENTS)[number]

export const DEPLOYMENT = 'slug or id of the deployment'

/** For commands that wait. */
export function timeoutOption(seconds = 600): Option {
  return new Option('--timeout <seconds>', 'how long to wait')
    .argParser(wholeNumber(1, 86_400))
    .default(seconds)
}

/** Where a server may connect to; `readNetwork` reads it. */
export function networkOption(): Option {
  return new Option('--network <policy>', 'where it may connect to: none, internet, or hosts')
}

/** For options that may be repeated. */
export function collect(value: string, former: readonly string[] = []): readonly string[] {
  return [...former, value]
}

/** For numbers in a range. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN
    if (!(value >= least && value <= most)) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
    }
    return value
  }
}
