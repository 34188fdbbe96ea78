import { runtimeContract } from '../contract/runtime.ts'
import { startKubernetesRuntime } from './kubernetes-runtime.ts'

runtimeContract('Kubernetes', () => startKubernetesRuntime())
