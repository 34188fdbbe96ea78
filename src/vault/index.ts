export { parseKeyRing, type KeyRing } from './key-ring.ts'
export { loadKeyRing, type KeyCheck, type KeyCheckStore, type KeyRingOptions } from './load-key-ring.ts'
export { createVault, type Sealed, type Vault } from './vault.ts'
