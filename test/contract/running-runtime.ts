import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { newId, Secret, type LaunchSpec } from '../../src/domain/index.ts'
import { CALLER, environmentOf, evaluate } from '../runtimes/release.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'
import { never, type Bench } from './runtime-bench.ts'
import type { InstallingSetUp } from './runtime.ts'

const writeNote = (text: string) => `require('node:fs').writeFileSync(process.env.HOME + '/note', '${text}')`

/** What a runtime must do that installs servers and runs them: what it makes of packages, and of processes. */
export function runningRuntime(bench: Bench<InstallingSetUp>): void {
  const { releaseOf, lockOf, prepared, run } = bench
  const evaluator = () => bench.subject.evaluator
  const packageOf: InstallingSetUp['packageOf'] = (...words) => bench.subject.packageOf(...words)

  test('a package is installed with what it depends on, and its lock file says all of it', async () => {
    const { lockFile, packages } = await prepared(releaseOf(evaluator()))
    expect(packages).toBe(2)
    expect(lockFile).toContain('fixture-helper')
  })

  test('a lock file names no registry, so that it can be used where another one is configured', async () => {
    expect(await lockOf(releaseOf(evaluator()))).not.toContain('http')
  })

  test('a package whose content is not what was looked up is refused', async () => {
    const other = { ...evaluator(), integrity: `sha512-${randomBytes(64).toString('base64')}` }
    const error = await catwalkErrorOf(bench.runtime.prepare(releaseOf(other).prepare, never))
    expect(error.code).toBe('install_failed')
    expect(error.message).toContain('its hash differs')
  })

  test('a package that is not in the registry is named as such', async () => {
    const gone = { ...evaluator(), name: '@fixture/never-published' }
    const error = await catwalkErrorOf(bench.runtime.prepare(releaseOf(gone).prepare, never))
    expect(error.code).toBe('package_not_found')
  })

  test.each([
    ['fixture-library', 'fixture-library', 'does not declare it'],
    ['fixture-missing-file', 'fixture-missing-file', 'has no file'],
    ['fixture-shell', 'fixture-shell', 'not a Node script'],
    ['fixture-escape', 'fixture-escape', 'leads out of the package'],
  ])('%s has nothing to run, and the reason is said', async (packageName, executable, reason) => {
    const release = releaseOf(packageOf(packageName, executable))
    const error = await catwalkErrorOf(bench.runtime.prepare(release.prepare, never))
    expect(error.code).toBe('no_executable')
    expect(error.message).toContain(reason)
  })

  test('an installation that is given up ends with the reason of its signal', async () => {
    const stop = new AbortController()
    const release = releaseOf(packageOf('fixture-exits', 'fixture-exits'))
    const preparing = bench.runtime.prepare(release.prepare, stop.signal)
    stop.abort(new Error('changed my mind'))
    await expect(preparing).rejects.toThrow('changed my mind')
  })

  test('the environment is what the release declares and what a program needs, nothing of the platform', async () => {
    const credentials = new Map([['SERVICE_KEY', new Secret('s3cret')]])
    await using instance = await run(releaseOf(evaluator()), { credentials })
    expect(await environmentOf(instance, 'return process.env')).toEqual({
      SERVICE_KEY: 's3cret',
      HOME: '/home/server',
      LANG: 'C.UTF-8',
      PATH: expect.any(String) as unknown,
      TMPDIR: '/tmp',
    })
  })

  test('a server is nobody who may do everything on its machine', async () => {
    await using instance = await run(releaseOf(evaluator()))
    const own = `const fs = require('node:fs'); const status = fs.readFileSync('/proc/self/status', 'utf8')
      fs.writeFileSync('/home/server/own', ''); return [process.getuid(), process.getgid(), /CapEff:\\s*0+$/m.test(status)]`
    const [uid, gid, isBare] = (await evaluate(instance, own)) as [number, number, boolean]
    expect(uid).toBeGreaterThan(0)
    expect(gid).toBeGreaterThan(0)
    expect(isBare).toBe(true)
  })

  test('people of one deployment have homes and processes apart, and those who are not kept lose theirs', async (context) => {
    if (bench.runtime.supports.people !== true) return context.skip()
    const release = releaseOf(evaluator())
    const { deploymentId } = release.prepare
    const read = `return require('node:fs').readdirSync(process.env.HOME)`
    {
      await using ofAll = await run(release)
      const ofAna = await bench.runtime.start(
        release.start(await lockOf(release), {
          person: 'user_ana',
          instanceId: newId('instance'),
          credentials: new Map([['MARK', new Secret('mark-of-ana')]]),
        }),
        never,
      )
      const ofBen = await bench.runtime.start(
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
      await bench.runtime.keepPeople?.(deploymentId, new Set(['user_ben']), never)
      for (const [person, files] of [
        ['user_ana', []],
        ['user_ben', ['note']],
      ] as const) {
        const input = release.start(await lockOf(release), { person, instanceId: newId('instance') })
        const again = await bench.runtime.start(input, never)
        expect(await evaluate(again, read)).toEqual(files)
        await again.stop(500)
      }
    }
  })

  test('arguments arrive to the letter', async () => {
    const args = ['--path=a b', '$HOME', '*', '; exit 1', "it's", '', 'ünï']
    await using instance = await run(releaseOf(evaluator(), { args }))
    expect(await evaluate(instance, 'return process.argv.slice(2)')).toEqual(args)
  })

  test('a secret argument and a credential that is a file reach the server, the file for it alone to read', async () => {
    const release = releaseOf(evaluator(), { args: ['start'] })
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
    const release = releaseOf(packageOf('fixture-exits', 'fixture-exits'))
    await using instance = await run(release)
    expect(await instance.ended).toEqual({ reason: 'exited', exitCode: 3, signal: null })
    const said = release.lines.filter(({ stream }) => stream === 'stderr').map(({ line }) => line)
    expect(said.slice(-2)).toEqual(['API_KEY is missing', 'last words'])
  })

  test('a server that a signal ends is reported with the signal', async () => {
    await using instance = await run(releaseOf(evaluator()))
    const limit = AbortSignal.timeout(15_000)
    const params = { name: 'evaluate', arguments: { code: "process.kill(process.pid, 'SIGKILL')" } }
    const call = catwalkErrorOf(instance.endpoint.request('tools/call', params, CALLER, limit))
    expect((await call).code).toBe('server_exited')
    expect(await instance.ended).toEqual({ reason: 'exited', exitCode: null, signal: 'SIGKILL' })
  })

  test('a server that ignores the end of its input and SIGTERM is ended all the same', async () => {
    const release = releaseOf(packageOf('fixture-stubborn', 'fixture-stubborn'))
    await using instance = await run(release)
    const said = (text: string): boolean => release.lines.some(({ line }) => line === text)
    await until('the server is up', () => (said('ready') ? true : null))
    await instance.stop(100)
    expect(said('got SIGTERM')).toBe(true)
    expect(await instance.ended).toEqual({ reason: 'stopped', exitCode: null, signal: 'SIGKILL' })
  })

  test('20 MB on stderr before the first answer do not stop a server', async () => {
    await using instance = await run(releaseOf(packageOf('fixture-flood', 'fixture-flood')))
    expect(await evaluate(instance, 'return 1')).toBe(1)
  })

  test('what a server writes at home is there for the next instance, and gone after the purge', async () => {
    const release = releaseOf(evaluator())
    const write = "require('fs').writeFileSync('note.txt', 'kept'); return process.cwd()"
    const read = "return require('fs').readFileSync(require('os').homedir() + '/note.txt', 'utf8')"
    {
      const first = await bench.runtime.start(release.start(await lockOf(release)), never)
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

  test('a server can write its logs where its package came with some', async () => {
    const write = `const fs = require('node:fs')
      const path = fs.realpathSync(process.argv[1]).replace('evaluator.cjs', 'logs/own.log')
      fs.appendFileSync(path, 'new'); return fs.readFileSync(path, 'utf8')`
    await using instance = await run(releaseOf(evaluator()))
    expect(await evaluate(instance, write)).toBe('new')
  })

  test('a server that takes more memory than it may have is ended, and the reason is said', async () => {
    await using instance = await run(releaseOf(evaluator(), { memoryMiB: 128 }))
    const hog = 'const all = []; for (;;) all.push(new Array(1e5).fill(Math.random()))'
    const params = { name: 'evaluate', arguments: { code: hog } }
    const call = catwalkErrorOf(
      instance.endpoint.request('tools/call', params, CALLER, AbortSignal.timeout(20_000)),
    )
    expect((await call).code).toBe('server_out_of_memory')
    expect((await instance.ended).reason).toBe('out_of_memory')
  })
}
