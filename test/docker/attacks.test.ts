import { attackContract } from '../contract/attacks.ts'
import { startDockerRuntime } from './docker-runtime.ts'

// The engine's own filter of system calls lets a container trace what is in it.
attackContract('containers', async (network) => startDockerRuntime({ network }), { ownFilter: false })
