import { expect, test } from 'vitest'
import { newId } from '../../src/domain/index.ts'
import { evaluate } from '../runtimes/release.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'
import { never, type Bench, type SetUp } from './runtime-bench.ts'

/** What every runtime must do, whoever runs the servers. */
export function everyRuntime(bench: Bench<SetUp>): void {
  const { releaseOf, lockOf, prepared, run } = bench
  const evaluator = () => bench.subject.evaluator

  test('what was prepared is prepared again to the same, with nothing to do', async () => {
    const release = releaseOf(evaluator())
    const first = await prepared(release)
    const again = await bench.runtime.prepare({ ...release.prepare, lockFile: first.lockFile }, never)
    expect(again).toEqual({ ...first, fromStore: true })
  })

  test('what was given up is neither prepared nor started, for the reason of its signal', async () => {
    const release = releaseOf(evaluator())
    const gone = AbortSignal.abort(new Error('changed my mind'))
    await expect(bench.runtime.prepare(release.prepare, gone)).rejects.toThrow('changed my mind')
    const input = release.start(await lockOf(release))
    await expect(bench.runtime.start(input, gone)).rejects.toThrow('changed my mind')
  })

  test('a package of a kind that it does not declare is refused before anything is made', async () => {
    const isDeclared = bench.runtime.supports.packages.includes('remote')
    const url = 'https://mcp.example/mcp'
    const integrity = `sha512-${'A'.repeat(86)}==`
    const other = isDeclared
      ? { kind: 'npm' as const, name: 'x', version: '1.0.0', integrity, executable: 'x' }
      : { kind: 'remote' as const, url }
    const release = releaseOf(other)
    const refused = [
      bench.runtime.prepare(release.prepare, never),
      bench.runtime.start(release.start(''), never),
    ]
    for (const one of refused) expect((await catwalkErrorOf(one)).code).toBe('runtime_unavailable')
  })

  test('a server that was started shows that it is there, which is no use of it', async () => {
    await using instance = await run(releaseOf(evaluator()))
    await instance.check(AbortSignal.timeout(15_000))
    const unused = (): number => instance.idleMs() ?? 0
    await until('it is idle', () => (unused() > 300 ? true : null))
    await instance.check(AbortSignal.timeout(15_000))
    expect(unused()).toBeGreaterThan(150)
  })

  test('a purge of what is not there, or not there any more, is none the worse for it', async () => {
    const release = releaseOf(evaluator())
    const { deploymentId, workspaceId } = release.prepare
    const purge = async () => bench.runtime.purge(deploymentId, never, workspaceId)
    await expect(purge()).resolves.toBeUndefined()
    await using instance = await run(release)
    await instance.stop(500)
    await expect(purge()).resolves.toBeUndefined()
    await expect(purge()).resolves.toBeUndefined()
  })

  test('says that it can be used', async () => {
    expect(await bench.runtime.status(never)).toMatchObject({ ok: true })
  })

  test('a started server answers: its tools are listed and called', async () => {
    await using instance = await run(releaseOf(evaluator()))
    const manifest = await instance.endpoint.probe(AbortSignal.timeout(15_000))
    expect(manifest.tools.map((tool) => tool['name'])).toEqual(['evaluate'])
    expect(await evaluate(instance, 'return 6 * 7')).toBe(42)
  })

  test('stopping ends the server, however often it is asked', async () => {
    await using instance = await run(releaseOf(evaluator()))
    await Promise.all([instance.stop(5_000), instance.stop(5_000)])
    expect(await instance.ended).toMatchObject({ reason: 'stopped' })
    await instance.stop(0)
  })

  test('an instance that can be put to sleep goes on at the next start of the same release, with what was in its memory', async () => {
    const release = releaseOf(evaluator())
    const lockFile = await lockOf(release)
    const first = await bench.runtime.start(release.start(lockFile), never)
    expect(first.suspend !== undefined).toBe(bench.runtime.supports.suspend)
    expect(bench.runtime.discard !== undefined).toBe(bench.runtime.supports.suspend)
    await evaluate(first, 'globalThis.remembered = 42; return 1')
    if (first.suspend === undefined) return first.stop(500)
    await Promise.all([first.suspend(500), first.suspend(500)])
    expect(await first.ended).toMatchObject({ reason: 'stopped' })
    {
      await using second = await run(release, { epoch: 2, era: 'legacy' })
      expect(await evaluate(second, 'return globalThis.remembered')).toBe(42)
      expect(second.idleMs()).toBeLessThan(15_000)
      await second.suspend?.(500)
    }
    await using third = await run(release, { epoch: 3 })
    expect(await evaluate(third, 'return globalThis.remembered ?? null')).toBeNull()
  })

  test('what sleeps is discarded, and what runs is not', async () => {
    if (!bench.runtime.supports.suspend) return
    const release = releaseOf(evaluator())
    const { workspaceId, deploymentId } = release.prepare
    await using instance = await run(release)
    await bench.runtime.discard?.(deploymentId, workspaceId, never)
    expect(await evaluate(instance, 'globalThis.remembered = 1; return 1')).toBe(1)
    await instance.suspend?.(500)
    for (let times = 0; times < 2; times++) await bench.runtime.discard?.(deploymentId, workspaceId, never)
    await using next = await run(release, { epoch: 2 })
    expect(await evaluate(next, 'return globalThis.remembered ?? null')).toBeNull()
  })

  test('a newer holder of the lease removes what the older one started, of the same release only', async () => {
    const release = releaseOf(evaluator())
    await using older = await run(release)
    const lockFile = await lockOf(release)
    const other = await bench.runtime.start(
      release.start(lockFile, { epoch: 1, releaseId: newId('release') }),
      never,
    )
    const newer = await bench.runtime.start(release.start(lockFile, { epoch: 2 }), never)
    expect(await older.ended).toMatchObject({ reason: 'stopped' })
    expect(await evaluate(newer, 'return 1')).toBe(1)
    expect(await evaluate(other, 'return 2')).toBe(2)
  })
}
