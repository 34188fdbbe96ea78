import { CatwalkError, quoted } from '../domain/index.ts'

type Sources = Record<string, { provider: string; template?: string }>

/**
 * Reads `NAME=PROVIDER` and `NAME=PROVIDER,TEMPLATE`.
 * @throws CatwalkError `invalid_request`
 */
export function readAccounts(flags: readonly string[]): Sources {
  const sources: Sources = {}
  for (const flag of flags) {
    const [, name = '', provider = '', template] = /^([^=]+)=([^,]+)(?:,(.*))?$/s.exec(flag) ?? []
    if (name === '') {
      throw new CatwalkError('invalid_request', `${quoted(flag)} names no provider of accounts.`, {
        help: 'Give it as NAME=PROVIDER, or NAME=PROVIDER,TEMPLATE with {token} in the template.',
        details: { field: 'account' },
      })
    }
    sources[name] = { provider, ...(template === undefined ? {} : { template }) }
  }
  return sources
}
