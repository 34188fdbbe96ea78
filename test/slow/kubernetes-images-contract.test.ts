import { createHash } from 'node:crypto'
import { imageContract } from '../contract/images.ts'
import { startKubernetesRuntime } from './kubernetes-runtime.ts'

imageContract('Kubernetes', async () => {
  const { kubernetes, runtime, ...subject } = await startKubernetesRuntime()
  return {
    runtime,
    async publish(repository, server) {
      const digest = `sha256:${createHash('sha256').update(server).digest('hex')}`
      const program = ['python3', '/app/server.py']
      kubernetes.nodes.images.set(`registry.example/${repository}@${digest}`, {
        files: { 'server.py': server },
        entrypoint: program,
        command: [],
        workingDirectory: '/app',
      })
      return { kind: 'oci', registry: 'registry.example', repository, digest, program }
    },
    [Symbol.asyncDispose]: () => subject[Symbol.asyncDispose](),
  }
})
