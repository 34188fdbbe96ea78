import { CatwalkError } from './errors.ts'
import type { LaunchArgument, LaunchSpec } from './launch-spec.ts'
import type { Secret } from './secret.ts'
import type { Bundle } from './bundle/manifest.ts'
import { startBundle } from './bundle/start.ts'
import type { BundlePlaces } from './bundle/text.ts'

const ARGUMENT = 'arg:'

/** The name under which the value of an argument is kept as a credential. No variable can be called so. */
export function argumentCredential(argument: string): string {
  return `${ARGUMENT}${argument}`
}

/** Whether a credential is the value of an argument and no variable. */
export function isArgumentCredential(name: string): boolean {
  return name.startsWith(ARGUMENT)
}

/** A release's command line with everything filled in. Holds secrets in clear: made only to be handed to a process. */
export interface LaunchCommand {
  /** Program and arguments; nothing is left to a shell. */
  readonly argv: readonly string[]
  /** What the release declares, without what every program is given. */
  readonly environment: ReadonlyMap<string, string>
  /** To be written, mode 0600, before the program starts. Each is directly in the directory that was named. */
  readonly files: readonly { readonly path: string; readonly content: string }[]
}

/**
 * The one place where a launch spec becomes an argument array.
 * @param program how the spec's executable is run: the interpreter with its own flags and the script
 * @param credentials by name; of each variable of the spec, of arguments (`arg:…`)
 * @param fileDirectory where credentials that are files go, absolute
 * @param bundle what is started, when that is a bundle, and where it lies
 * @throws CatwalkError `missing_variable` for an argument or a required variable without a value
 */
export function launchCommand(
  spec: LaunchSpec,
  program: readonly string[],
  credentials: ReadonlyMap<string, Secret>,
  fileDirectory: string,
  bundle?: { readonly manifest: Bundle; readonly places: BundlePlaces },
): LaunchCommand {
  const missing = spec.variables.find(({ name, required }) => required && !credentials.has(name))
  if (missing !== undefined) throw noValue(missing.name)
  const files: { path: string; content: string }[] = []
  const values = new Map<string, string>()
  for (const [name, secret] of credentials) {
    const file = spec.variables.find((declared) => declared.name === name)?.file
    if (file === undefined) {
      values.set(name, secret.reveal())
    } else {
      const path = `${fileDirectory}/${credentialFileName(file, files.length)}`
      files.push({ path, content: secret.reveal() })
      values.set(name, path)
    }
  }
  const own = bundle === undefined ? null : startBundle(bundle.manifest, values, bundle.places)
  const userArgs = (spec.userArgs ?? []).map((argument) => fillIn(argument, values))
  const given = [...values].filter(([name]) => !isArgumentCredential(name) && own?.hidden.has(name) !== true)
  return {
    argv: [...program, ...(own?.args ?? []), ...spec.args, ...userArgs],
    // A field that takes several values comes in the bundle's own form.
    environment: new Map([...given, ...(own?.environment ?? [])]),
    files,
  }
}

function fillIn(argument: LaunchArgument, values: ReadonlyMap<string, string>): string {
  if (typeof argument === 'string') return argument
  const value = values.get(argument.credential)
  if (value === undefined) throw noValue(argument.credential)
  return argument.prefix + value
}

/** Two files may bear the same name; some programs look at the ending, so the number goes in front. */
function credentialFileName(name: string, index: number): string {
  const plain = name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^\.+/, '')
  return `${index + 1}-${plain.slice(-80)}`
}

function noValue(credential: string): CatwalkError {
  const label = credential.startsWith(ARGUMENT)
    ? `argument ${credential.slice(ARGUMENT.length)}`
    : `variable ${credential}`
  return new CatwalkError('missing_variable', `The ${label} has no value.`)
}
