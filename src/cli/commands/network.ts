import { isHostRule, readHosts, type NetworkPolicy } from '../../contract/index.ts'
import { CatwalkError, quoted } from '../../domain/index.ts'

/**
 * Reads the value of `--network`.
 * @throws CatwalkError `invalid_request`
 */
export function readNetwork(text: string): NetworkPolicy {
  if (text === 'none' || text === 'internet') return text
  const hosts = readHosts(text)
  if (hosts.length > 0 && hosts.every(isHostRule)) return hosts
  throw new CatwalkError('invalid_request', `The network policy ${quoted(text)} is invalid.`, {
    help: 'Give none, internet, or hosts such as api.example.com,*.example.org:8443,db.example.com:*.',
  })
}
