import { CatwalkError } from './errors.ts'
import { quoted } from './quoted.ts'

// npm's own rules for new packages: lower case, URL-safe, no leading dot or underscore, 214 characters.
const NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/
// An exact version or a dist-tag; ranges would make a release depend on the day it was made.
const VERSION_OR_TAG = /^[a-zA-Z0-9][a-zA-Z0-9.+_-]{0,127}$/

/**
 * Splits `name`, `name@version` or `name@tag`.
 * @throws CatwalkError `invalid_package` for anything else, in particular for shell metacharacters and paths
 */
export function parsePackageName(text: string): { name: string; version: string | null } {
  const at = text.indexOf('@', 1)
  const name = at === -1 ? text : text.slice(0, at)
  const version = at === -1 ? null : text.slice(at + 1)
  const valid = name.length <= 214 && NAME.test(name) && name !== 'node_modules' && name !== 'favicon.ico'
  if (!valid || (version !== null && !VERSION_OR_TAG.test(version))) {
    throw new CatwalkError('invalid_package', `Package ${quoted(text)} is not a valid npm name.`, {
      details: { field: 'source' },
    })
  }
  return { name, version }
}
