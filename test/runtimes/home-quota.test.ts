import { afterAll, beforeAll, expect, test } from 'vitest'
import { catwalkErrorOf } from '../support/errors.ts'
import { CALLER, evaluate, releaseOf } from './release.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from './local-runtime.ts'

const never = new AbortController().signal
const QUOTA_MIB = 16
let subject: LocalRuntimeUnderTest
let lockFile: string
beforeAll(async () => {
  subject = await startLocalRuntime({ homeMiB: QUOTA_MIB })
  ;({ lockFile } = await subject.runtime.prepare(newRelease().prepare, never))
})
afterAll(() => subject[Symbol.asyncDispose]())

const newRelease = () => releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'))

/** Writes files until it is ended; the answer never comes. */
const fill = (mib: number) => `const fs = require('fs'); const block = Buffer.alloc(1 << 20, 1)
  for (let n = 0; n < ${mib}; n += 1) fs.writeFileSync('file-' + n, block)
  return await new Promise(() => {})`

const call = (code: string) => ['tools/call', { name: 'evaluate', arguments: { code } }, CALLER] as const

test('a server whose home takes more than it may is ended, callers hear why, and so does who starts it again', async () => {
  const release = newRelease()
  const instance = await subject.runtime.start(release.start(lockFile), never)
  const error = await catwalkErrorOf(
    instance.endpoint.request(...call(fill(QUOTA_MIB + 8)), AbortSignal.timeout(20_000)),
  )
  expect(error.code).toBe('home_full')
  expect(error.help).toContain('CATWALK_HOME_MIB')
  expect(await instance.ended).toMatchObject({ reason: 'home_full' })

  const again = await subject.runtime.start(release.start(lockFile), never)
  expect(await again.ended).toMatchObject({ reason: 'home_full' })
  await subject.runtime.purge(release.prepare.deploymentId, never)
  const fresh = await subject.runtime.start(release.start(lockFile), never)
  expect(await evaluate(fresh, 'return 1')).toBe(1)
  await fresh.stop(500)
  await subject.runtime.purge(release.prepare.deploymentId, never)
})

test('one file cannot become larger than the home may, and the server lives to hear of it', async () => {
  const release = newRelease()
  const instance = await subject.runtime.start(release.start(lockFile), never)
  const grow = `const fs = require('fs'); const f = fs.openSync('/tmp/big', 'w'); const block = Buffer.alloc(1 << 20, 1)
    for (let n = 0; n < 64; n += 1) { try { fs.writeSync(f, block) } catch (e) { return [e.code, n] } } return ['all', 64]`
  expect(await evaluate(instance, grow)).toEqual(['EFBIG', QUOTA_MIB])
  await instance.stop(500)
  await subject.runtime.purge(release.prepare.deploymentId, never)
})

test('what people of a deployment keep counts together, and ends only servers of that deployment', async () => {
  const release = newRelease()
  const neighbour = await subject.runtime.start(newRelease().start(lockFile), never)
  const ana = await subject.runtime.start(release.start(lockFile, { person: 'ana' }), never)
  const ben = await subject.runtime.start(
    release.start(lockFile, { person: 'ben', instanceId: 'ins_00000000000000000000000ben' }),
    never,
  )
  const half = fill(QUOTA_MIB / 2 + 2)
  const limit = AbortSignal.timeout(20_000)
  await Promise.all([ana, ben].map(async (one) => catwalkErrorOf(one.endpoint.request(...call(half), limit))))
  expect(await ana.ended).toMatchObject({ reason: 'home_full' })
  expect(await ben.ended).toMatchObject({ reason: 'home_full' })
  expect(await evaluate(neighbour, 'return 1')).toBe(1)
  await neighbour.stop(500)
  await subject.runtime.purge(release.prepare.deploymentId, never)
})
