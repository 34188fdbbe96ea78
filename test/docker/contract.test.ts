import { runtimeContract } from '../contract/runtime.ts'
import { startDockerRuntime } from './docker-runtime.ts'

runtimeContract('containers of a Docker engine', () => startDockerRuntime())
