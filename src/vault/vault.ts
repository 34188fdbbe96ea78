import type { Secret } from '../domain/index.ts'
import { deriveBytes } from './key-ring.ts'
import type { Sealer } from './sealer.ts'

export interface Vault extends Sealer {
  /**
   * Bytes that are the same on every node, after every restart and under every master key, made from the installation's
   * root secret: what is sealed with them outlives a rotation.
   */
  derive(purpose: string, bytes: number): Buffer
}

/** @param root random text of the installation, itself kept under the sealer */
export function createVault(sealer: Sealer, root: Secret): Vault {
  const bytesOfRoot = Buffer.from(root.reveal(), 'utf8')
  return { ...sealer, derive: (purpose, bytes) => deriveBytes(bytesOfRoot, `derive ${purpose}`, bytes) }
}
