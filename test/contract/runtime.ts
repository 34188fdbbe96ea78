import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  describePackage,
  newId,
  Secret,
  type Instance,
  type InstanceInput,
  type LaunchSpec,
  type NpmPackage,
  type Runtime,
} from '../../src/domain/index.ts'
import {
  CALLER,
  environmentOf,
  evaluate,
  releaseOf as anyReleaseOf,
  type Release,
} from '../runtimes/release.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'

/** One implementation under test. The packages are those of test/runtimes/fixtures/packages.ts. */
export interface RuntimeUnderTest extends AsyncDisposable {
  readonly runtime: Runtime
  /** The launch spec's package for a fixture, with the hash under which it was published. */
  packageOf(name: string, executable: string): NpmPackage
}

const never = new AbortController().signal
const writeNote = (text: string) => `require('node:fs').writeFileSync(process.env.HOME + '/note', '${text}')`

/** What every runtime must do, whatever it runs servers on. */
export function runtimeContract(name: string, create: () => Promise<RuntimeUnderTest>): void {
  describe(`the runtime contract on ${name}`, () => {
    let subject: RuntimeUnderTest
    let evaluator: NpmPackage
    let runtime: Runtime
    beforeAll(async () => {
      subject = await create()
      ;({ runtime } = subject)
      evaluator = subject.packageOf('@fixture/evaluator', 'evaluator')
    })
    afterAll(async () => {
      await subject[Symbol.asyncDispose]()
    })

    /** A release of the narrowest network policy that the runtime knows. */
    const releaseOf: typeof anyReleaseOf = (packaged, options) =>
      anyReleaseOf(packaged, {
        network: runtime.supports.networkPolicies.includes('none') ? 'none' : 'internet',
        ...options,
      })

    const locks = new Map<string, string>()
    /** The lock file of a release's package; npm runs only the first time. */
    async function lockOf(release: Release): Promise<string> {
      const { name: packageName } = describePackage(release.prepare.spec.package)
      const lockFile = locks.get(packageName) ?? (await runtime.prepare(release.prepare, never)).lockFile
      locks.set(packageName, lockFile)
      return lockFile
    }

    /** Starts a release; the instance is stopped and everything purged when it is disposed. */
    async function run(
      release: Release,
      changes: Partial<InstanceInput> = {},
    ): Promise<Instance & AsyncDisposable> {
      const instance = await runtime.start(release.start(await lockOf(release), changes), never)
      return {
        ...instance,
        [Symbol.asyncDispose]: async () => {
          await instance.stop(500)
          await runtime.purge(release.prepare.deploymentId, never)
        },
      }
    }

    test('says that it can be used', async () => {
      expect(await runtime.status(never)).toMatchObject({ ok: true })
    })

    test('the same lock file gives the same installation, from the store', async () => {
      const release = releaseOf(evaluator)
      const lockFile = await lockOf(release)
      const again = await runtime.prepare({ ...release.prepare, lockFile }, never)
      expect(again).toEqual({ lockFile, packages: 2, fromStore: true })
    })

    test('a lock file names no registry, so that it can be used where another one is configured', async () => {
      expect(await lockOf(releaseOf(evaluator))).not.toContain('http')
    })

    test('a package whose content is not what was looked up is refused', async () => {
      const other = { ...evaluator, integrity: `sha512-${randomBytes(64).toString('base64')}` }
      const error = await catwalkErrorOf(runtime.prepare(releaseOf(other).prepare, never))
      expect(error.code).toBe('install_failed')
      expect(error.message).toContain('its hash differs')
    })

    test('a package that is not in the registry is named as such', async () => {
      const gone = { ...evaluator, name: '@fixture/never-published' }
      const error = await catwalkErrorOf(runtime.prepare(releaseOf(gone).prepare, never))
      expect(error.code).toBe('package_not_found')
    })

    test.each([
      ['fixture-library', 'fixture-library', 'does not declare it'],
      ['fixture-missing-file', 'fixture-missing-file', 'has no file'],
      ['fixture-shell', 'fixture-shell', 'not a Node script'],
      ['fixture-escape', 'fixture-escape', 'leads out of the package'],
    ])('%s has nothing to run, and the reason is said', async (packageName, executable, reason) => {
      const release = releaseOf(subject.packageOf(packageName, executable))
      const error = await catwalkErrorOf(runtime.prepare(release.prepare, never))
      expect(error.code).toBe('no_executable')
      expect(error.message).toContain(reason)
    })

    test('an installation that is given up ends with the reason of its signal', async () => {
      const stop = new AbortController()
      const release = releaseOf(subject.packageOf('fixture-exits', 'fixture-exits'))
      const prepared = runtime.prepare(release.prepare, stop.signal)
      stop.abort(new Error('changed my mind'))
      await expect(prepared).rejects.toThrow('changed my mind')
    })

    test('a started server answers: its tools are listed and called', async () => {
      await using instance = await run(releaseOf(evaluator))
      const manifest = await instance.endpoint.probe(AbortSignal.timeout(15_000))
      expect(manifest.tools.map((tool) => tool['name'])).toEqual(['evaluate'])
      expect(await evaluate(instance, 'return 6 * 7')).toBe(42)
    })

    test('the environment is what the release declares and what a program needs, nothing of the platform', async () => {
      const credentials = new Map([['SERVICE_KEY', new Secret('s3cret')]])
      await using instance = await run(releaseOf(evaluator), { credentials })
      expect(await environmentOf(instance, 'return process.env')).toEqual({
        SERVICE_KEY: 's3cret',
        HOME: '/home/server',
        LANG: 'C.UTF-8',
        PATH: expect.any(String) as unknown,
        TMPDIR: '/tmp',
      })
    })

    test('a server is nobody who may do everything on its machine', async () => {
      await using instance = await run(releaseOf(evaluator))
      const own = `const fs = require('node:fs'); const status = fs.readFileSync('/proc/self/status', 'utf8')
        fs.writeFileSync('/home/server/own', ''); return [process.getuid(), process.getgid(), /CapEff:\\s*0+$/m.test(status)]`
      const [uid, gid, isBare] = (await evaluate(instance, own)) as [number, number, boolean]
      expect(uid).toBeGreaterThan(0)
      expect(gid).toBeGreaterThan(0)
      expect(isBare).toBe(true)
    })

    test('people of one deployment have homes and processes apart, and those who are not kept lose theirs', async (context) => {
      if (runtime.supports.people !== true) return context.skip()
      const release = releaseOf(evaluator)
      const { deploymentId } = release.prepare
      const read = `return require('node:fs').readdirSync(process.env.HOME)`
      {
        await using ofAll = await run(release)
        const ofAna = await runtime.start(
          release.start(await lockOf(release), {
            person: 'user_ana',
            instanceId: newId('instance'),
            credentials: new Map([['MARK', new Secret('mark-of-ana')]]),
          }),
          never,
        )
        const ofBen = await runtime.start(
          release.start(await lockOf(release), {
            person: 'user_ben',
            instanceId: newId('instance'),
            credentials: new Map([['MARK', new Secret('mark-of-ben')]]),
          }),
          never,
        )
        await evaluate(ofAna, writeNote('of ana'))
        await evaluate(ofBen, writeNote('of ben'))
        expect(await evaluate(ofAll, read)).toEqual([])
        const environments = `return require('node:fs').readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))
          .map((pid) => { try { return require('node:fs').readFileSync('/proc/' + pid + '/environ', 'utf8') } catch { return '' } }).join(' ')`
        const seen = await evaluate(ofAna, environments)
        expect(seen).toContain('mark-of-ana')
        expect(seen).not.toContain('mark-of-ben')
        await ofAna.stop(500)
        await ofBen.stop(500)
        await runtime.keepPeople?.(deploymentId, new Set(['user_ben']), never)
        for (const [person, files] of [
          ['user_ana', []],
          ['user_ben', ['note']],
        ] as const) {
          const input = release.start(await lockOf(release), { person, instanceId: newId('instance') })
          const again = await runtime.start(input, never)
          expect(await evaluate(again, read)).toEqual(files)
          await again.stop(500)
        }
      }
    })

    test('arguments arrive to the letter', async () => {
      const args = ['--path=a b', '$HOME', '*', '; exit 1', "it's", '', 'ünï']
      await using instance = await run(releaseOf(evaluator, { args }))
      expect(await evaluate(instance, 'return process.argv.slice(2)')).toEqual(args)
    })

    test('a secret argument and a credential that is a file reach the server, the file for it alone to read', async () => {
      const release = releaseOf(evaluator, { args: ['start'] })
      const declared = { description: null, required: true, secret: true, default: null }
      const spec: LaunchSpec = {
        ...release.prepare.spec,
        userArgs: [{ prefix: '--key=', credential: 'arg:--key' }, '--last'],
        variables: [
          { ...declared, name: 'arg:--key' },
          { ...declared, name: 'KEY_FILE', file: 'key.json' },
        ],
      }
      const credentials = new Map([
        ['arg:--key', new Secret('s3cret')],
        ['KEY_FILE', new Secret('{"a":1}')],
      ])
      await using instance = await run(release, { spec, credentials })
      const code = `const fs = require('fs'); const path = process.env.KEY_FILE
        return [process.argv.slice(2), fs.readFileSync(path, 'utf8'), fs.statSync(path).mode & 0o777, path.endsWith('key.json')]`
      expect(await evaluate(instance, code)).toEqual([
        ['start', '--key=s3cret', '--last'],
        '{"a":1}',
        0o600,
        true,
      ])
    })

    test('what a server says before it exits is there when its end is known', async () => {
      const release = releaseOf(subject.packageOf('fixture-exits', 'fixture-exits'))
      await using instance = await run(release)
      expect(await instance.ended).toEqual({ reason: 'exited', exitCode: 3, signal: null })
      const said = release.lines.filter(({ stream }) => stream === 'stderr').map(({ line }) => line)
      expect(said.slice(-2)).toEqual(['API_KEY is missing', 'last words'])
    })

    test('a server that a signal ends is reported with the signal', async () => {
      await using instance = await run(releaseOf(evaluator))
      const limit = AbortSignal.timeout(15_000)
      const params = { name: 'evaluate', arguments: { code: "process.kill(process.pid, 'SIGKILL')" } }
      const call = catwalkErrorOf(instance.endpoint.request('tools/call', params, CALLER, limit))
      expect((await call).code).toBe('server_exited')
      expect(await instance.ended).toEqual({ reason: 'exited', exitCode: null, signal: 'SIGKILL' })
    })

    test('stopping ends the server, however often it is asked', async () => {
      await using instance = await run(releaseOf(evaluator))
      await Promise.all([instance.stop(5_000), instance.stop(5_000)])
      expect(await instance.ended).toMatchObject({ reason: 'stopped' })
      await instance.stop(0)
    })

    test('a server that ignores the end of its input and SIGTERM is ended all the same', async () => {
      const release = releaseOf(subject.packageOf('fixture-stubborn', 'fixture-stubborn'))
      await using instance = await run(release)
      const said = (text: string): boolean => release.lines.some(({ line }) => line === text)
      await until('the server is up', () => (said('ready') ? true : null))
      await instance.stop(100)
      expect(said('got SIGTERM')).toBe(true)
      expect(await instance.ended).toEqual({ reason: 'stopped', exitCode: null, signal: 'SIGKILL' })
    })

    test('20 MB on stderr before the first answer do not stop a server', async () => {
      await using instance = await run(releaseOf(subject.packageOf('fixture-flood', 'fixture-flood')))
      expect(await evaluate(instance, 'return 1')).toBe(1)
    })

    test('what a server writes at home is there for the next instance, and gone after the purge', async () => {
      const release = releaseOf(evaluator)
      const write = "require('fs').writeFileSync('note.txt', 'kept'); return process.cwd()"
      const read = "return require('fs').readFileSync(require('os').homedir() + '/note.txt', 'utf8')"
      {
        const first = await runtime.start(release.start(await lockOf(release)), never)
        expect(await evaluate(first, write)).toBe('/home/server')
        await first.stop(500)
      }
      {
        await using second = await run(release)
        expect(await evaluate(second, read)).toBe('kept')
      }
      await using third = await run(release)
      expect(await evaluate(third, read)).toBe('error: ENOENT')
    })

    test('a server that takes more memory than it may have is ended, and the reason is said', async () => {
      await using instance = await run(releaseOf(evaluator, { memoryMiB: 128 }))
      const hog = 'const all = []; for (;;) all.push(new Array(1e5).fill(Math.random()))'
      const params = { name: 'evaluate', arguments: { code: hog } }
      const call = catwalkErrorOf(
        instance.endpoint.request('tools/call', params, CALLER, AbortSignal.timeout(20_000)),
      )
      expect((await call).code).toBe('server_out_of_memory')
      expect((await instance.ended).reason).toBe('out_of_memory')
    })

    test('an instance that can be put to sleep goes on at the next start of the same release, with what was in its memory', async () => {
      const release = releaseOf(evaluator)
      const lockFile = await lockOf(release)
      const first = await runtime.start(release.start(lockFile), never)
      expect(first.suspend !== undefined).toBe(runtime.supports.suspend)
      expect(runtime.discard !== undefined).toBe(runtime.supports.suspend)
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
      if (!runtime.supports.suspend) return
      const release = releaseOf(evaluator)
      const { workspaceId, deploymentId } = release.prepare
      await using instance = await run(release)
      await runtime.discard?.(deploymentId, workspaceId, never)
      expect(await evaluate(instance, 'globalThis.remembered = 1; return 1')).toBe(1)
      await instance.suspend?.(500)
      for (let times = 0; times < 2; times++) await runtime.discard?.(deploymentId, workspaceId, never)
      await using next = await run(release, { epoch: 2 })
      expect(await evaluate(next, 'return globalThis.remembered ?? null')).toBeNull()
    })

    test('a newer holder of the lease removes what the older one started, of the same release only', async () => {
      const release = releaseOf(evaluator)
      await using older = await run(release)
      const lockFile = await lockOf(release)
      const other = await runtime.start(
        release.start(lockFile, { epoch: 1, releaseId: newId('release') }),
        never,
      )
      const newer = await runtime.start(release.start(lockFile, { epoch: 2 }), never)
      expect(await older.ended).toMatchObject({ reason: 'stopped' })
      expect(await evaluate(newer, 'return 1')).toBe(1)
      expect(await evaluate(other, 'return 2')).toBe(2)
    })
  })
}
