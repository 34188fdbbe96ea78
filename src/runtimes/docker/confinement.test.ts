import Docker from 'dockerode'
import { expect, test } from 'vitest'
import { silentLogger } from '../../../test/support/logger.ts'
import { createContainerConfinement } from './confinement.ts'

test('on another system than Linux an engine cannot be used, and what can is said', async () => {
  const confinement = await createContainerConfinement({
    engine: new Docker({ socketPath: '/nonexistent/docker.sock' }),
    image: 'catwalk/base:1',
    ociRuntime: null,
    dataDir: '/nonexistent/catwalk',
    toolchain: { directory: '/nonexistent/catwalk/toolchain' },
    logger: silentLogger,
    platform: 'darwin',
  })
  expect(await confinement.status(new AbortController().signal)).toMatchObject({
    ok: false,
    reason: expect.stringContaining('Linux'),
    fix: expect.stringContaining('Kubernetes'),
  })
})
