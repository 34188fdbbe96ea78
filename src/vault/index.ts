export { parseKeyRing, type KeyRing } from './key-ring.ts'
export {
  checkOf,
  loadKeyRing,
  type KeyCheck,
  type KeyCheckStore,
  type KeyRingOptions,
} from './load-key-ring.ts'
export { createMasterKeys, type MasterKeys } from './master-keys.ts'
export { createSealer, type Sealed, type Sealer } from './sealer.ts'
export { createVault, type Vault } from './vault.ts'
