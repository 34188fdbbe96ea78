import { readdirSync, readFileSync } from 'node:fs'
import type { ConfinedCommand } from '../../confined/index.ts'

type Told = Pick<ConfinedCommand, 'argv' | 'argvIsPublic' | 'environment' | 'files' | 'dial'>

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
/** bubblewrap takes at most 9,000 words; its other ones are a few hundred. */
const MAX_VARIABLES = 2000
const CLOSE_ON_EXEC = 0o2000000

/**
 * Whether a program is started by an init inside its sandbox: a whole Node, which takes longer to start than all the rest
 * of a sandbox. Only an init can open ports there and write files, keep arguments out of the process list, and close what
 * we were started with ourselves. Without any of that bubblewrap becomes the program directly.
 * @param handsDown see {@link hasInheritable}
 */
export function needsInit(
  { argv, argvIsPublic, environment, files, dial }: Told,
  handsDown: boolean,
): boolean {
  if (handsDown || dial !== null || files.length > 0 || argvIsPublic !== true) return true
  // A zero byte would end one of bubblewrap's words and begin another.
  if (argv.some((word) => word.includes('\0')) || environment.size > MAX_VARIABLES) return true
  return [...environment].some(([name, value]) => !PLAIN_NAME.test(name) || value.includes('\0'))
}

/**
 * Whether this process has open descriptors that programs which it starts would inherit. Node's own are all closed when a
 * program starts, so these are what it was started with. True where it cannot be known.
 */
export function hasInheritable(): boolean {
  try {
    return readdirSync('/proc/self/fd').some((name) => Number(name) > 2 && isInheritable(name))
  } catch {
    return true
  }
}

function isInheritable(name: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1]
    return flags === undefined || (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0
  } catch {
    // The listing's own, closed by now.
    return false
  }
}
