import { imageContract } from '../contract/images.ts'
import { startDockerRuntime } from './docker-runtime.ts'
import { startImageRegistry } from './image-registry.ts'

imageContract('Docker', async () => {
  await using stack = new AsyncDisposableStack()
  const { engine, runtime } = stack.use(await startDockerRuntime())
  const registry = stack.use(await startImageRegistry(engine))
  const owned = stack.move()
  return {
    runtime,
    async publish(name, server) {
      const program = ['python3', '/app/server.py']
      const digest = await registry.publish(`${name}:1`, { 'server.py': server }, [
        'WORKDIR /app',
        'EXPOSE 8080',
        'COPY server.py /app/server.py',
        `CMD ${JSON.stringify(program)}`,
      ])
      return { kind: 'oci', registry: registry.host, repository: name, digest, program }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
})
