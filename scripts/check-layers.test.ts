import { expect, test } from 'vitest'
import { forbiddenImports } from './check-layers.ts'

test.for([
  ['src/services/x.ts', `import { CatwalkError } from '../domain/index.ts'`],
  ['src/services/deployments/x.ts', `import type { Db } from '../../db/index.ts'`],
  ['src/services/deployments/x.ts', `import { y } from './y.ts'`],
  ['src/runtimes/confined/x.ts', `import { bridge } from '../../bridge/index.ts'`],
  ['src/runtimes/local/x.ts', `import { INSIDE } from '../confined/index.ts'`],
  ['src/program/index.ts', `import { startReconciler } from '../reconciler/index.ts'`],
  ['src/main.ts', `const { serve } = await import('./program/index.ts')`],
  ['web/src/api/client.ts', `import { createApiClient } from '../../../src/contract/index.ts'`],
  ['web/src/main.tsx', `import './styles/base.css'; import logo from './logo.svg?raw'`],
  ['src/domain/x.ts', `import { join } from 'node:path'; import { z } from 'zod'`],
  ['src/db/x.test.ts', `import { fake } from '../../test/fakes/clock.ts'`],
  ['src/domain/x.ts', `const text = "import { a } from '../db/index.ts'" // import '../db/index.ts'`],
] as const)('%s may say %s', ([file, code]) => {
  expect(forbiddenImports(file, code)).toEqual([])
})

test.for([
  ['src/domain/x.ts', `import { sql } from '../db/index.ts'`, 'src/domain may not import src/db'],
  ['src/domain/x.ts', `import type { Sql } from '../db/index.ts'`, 'src/domain may not import src/db'],
  ['src/domain/x.ts', `export * from '../db/index.ts'`, 'src/domain may not import src/db'],
  ['src/domain/x.ts', `export { sql } from '../db/index.ts'`, 'src/domain may not import src/db'],
  ['src/cli/x.ts', `await import('../config/index.ts')`, 'src/cli may not import src/config'],
  [
    'src/api/x.ts',
    `import { a } from '../services/deployments/create.ts'`,
    'only through the door, src/services/index.ts',
  ],
  [
    'src/runtimes/local/x.ts',
    `import { a } from '../docker/index.ts'`,
    'src/runtimes/local may not import src/runtimes/docker',
  ],
  ['src/api/x.ts', `import { serve } from '../program/index.ts'`, 'nothing imports the composition root'],
  ['web/src/x.ts', `import { a } from '../../src/services/index.ts'`, 'web may not import src/services'],
  ['src/services/x.ts', `import { fake } from '../../test/fakes/clock.ts'`, 'it belongs to no room'],
  ['src/db/x.ts', `import { a } from '../stray.ts'`, 'it belongs to no room'],
] as const)('%s may not say %s', ([file, code, reason]) => {
  expect(forbiddenImports(file, code)).toEqual([expect.stringContaining(reason)])
})

test('a file outside every room is refused', () => {
  expect(forbiddenImports('src/helpers/x.ts', '')[0]).toContain('belongs to no room')
  expect(forbiddenImports('src/stray.ts', '')[0]).toContain('belongs to no room')
})
