import { attackContract } from '../contract/attacks.ts'
import { startLocalRuntime } from './local-runtime.ts'

attackContract('the local sandbox', async (network) => startLocalRuntime({ network }), { ownFilter: true })
