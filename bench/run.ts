// npm run bench -- [bridge | deploy | analyze | wake] [OPTIONS]: what Catwalk costs, and how much of the world it can run.
// Without a name: bridge. Each bench says in its first lines what its options are.
const BENCHES: ReadonlyMap<string, () => Promise<unknown>> = new Map([
  ['bridge', () => import('./bridge-cost.ts')],
  ['deploy', () => import('./deploy.ts')],
  ['analyze', () => import('./analyze.ts')],
  ['wake', () => import('./wake.ts')],
])

const [name = ''] = process.argv.slice(2)
const named = BENCHES.get(name)
// The bench reads its own options from what is left.
if (named !== undefined) process.argv.splice(2, 1)
await (named ?? (() => import('./bridge-cost.ts')))()
