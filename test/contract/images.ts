import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  Secret,
  type Instance,
  type InstanceInput,
  type LaunchSpec,
  type OciPackage,
  type Runtime,
} from '../../src/domain/index.ts'
import { CALLER, evaluate, releaseOf, type Release } from '../runtimes/release.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'
import { IMAGE_FIXTURES } from './image-fixtures.ts'
import { never } from './runtime-bench.ts'

/** A runtime that runs images, and a way for them to get where it finds them. */
export interface ImagesUnderTest extends AsyncDisposable {
  readonly runtime: Runtime
  /** Makes an image that starts `python3 /app/server.py` in `/app`. */
  publish(name: string, server: string): Promise<OciPackage>
}

const said = (release: Release, words: string): boolean =>
  release.lines.some(({ stream, line }) => stream === 'stderr' && line === words)

/** What a runtime must do that runs servers in images of their own, whatever it runs them on. */
export function imageContract(name: string, create: () => Promise<ImagesUnderTest>): void {
  describe(`the contract for images on ${name}`, () => {
    let subject: ImagesUnderTest
    const images = new Map<string, OciPackage>()
    beforeAll(async () => {
      subject = await create()
      for (const [fixture, server] of Object.entries(IMAGE_FIXTURES))
        images.set(fixture, await subject.publish(`fixture/${fixture}`, server))
    }, 120_000)
    afterAll(async () => {
      await subject[Symbol.asyncDispose]()
    })

    function released(fixture: keyof typeof IMAGE_FIXTURES, spec: Partial<LaunchSpec> = {}): Release {
      const image = images.get(fixture)
      if (image === undefined) throw new Error(`there is no image ${fixture}`)
      const release = releaseOf(image, { network: 'internet' })
      const whole = { ...release.prepare.spec, ...spec }
      return {
        ...release,
        prepare: { ...release.prepare, spec: whole },
        start: (lockFile, changes = {}) => release.start(lockFile, { spec: whole, ...changes }),
      }
    }

    async function started(release: Release, changes: Partial<InstanceInput> = {}): Promise<Instance> {
      const { lockFile } = await subject.runtime.prepare(release.prepare, never)
      return subject.runtime.start(release.start(lockFile, changes), never)
    }

    async function run(
      release: Release,
      changes: Partial<InstanceInput> = {},
    ): Promise<Instance & AsyncDisposable> {
      const instance = await started(release, changes)
      return {
        ...instance,
        async [Symbol.asyncDispose]() {
          await instance.stop(500)
          await subject.runtime.purge(release.prepare.deploymentId, never)
        },
      }
    }

    test('a server starts with its own program in its own directory, and is nobody who may do everything', async () => {
      await using instance = await run(released('evaluator'))
      const code = `(lambda os: [os.getcwd(), os.getuid() > 0, os.access('/app', os.W_OK), os.access('/tmp', os.W_OK), os.access(os.environ['HOME'], os.W_OK), os.environ['HOME']])(import_('os'))`
      expect(await evaluate(instance, code)).toEqual(['/app', true, false, true, true, '/home/server'])
      const capabilities = `[l.split()[1] for l in open('/proc/self/status') if l.startswith('CapEff')]`
      expect(await evaluate(instance, capabilities)).toEqual(['0000000000000000'])
    })

    test('arguments, variables and files arrive to the letter, secret or not', async () => {
      const declared = { description: null, required: true, secret: true, default: null }
      const release = released('evaluator', {
        args: ['start', '--path=a b', '$(HOME)', '$HOME', '$$', "it's", '', 'ünï'],
        userArgs: [{ prefix: '--key=', credential: 'arg:--key' }, '$(PATH)'],
        variables: [
          { ...declared, name: 'arg:--key' },
          { ...declared, name: 'SERVICE_KEY' },
          { ...declared, name: 'KEY_FILE', file: 'key.json' },
        ],
      })
      const credentials = new Map([
        ['arg:--key', new Secret('s3cret$(HOME)')],
        ['SERVICE_KEY', new Secret('two\nlines $(HOME)')],
        ['KEY_FILE', new Secret('{"a":1}')],
      ])
      await using instance = await run(release, { credentials })
      const code = `[import_('sys').argv[1:], import_('os').environ['SERVICE_KEY'], open(import_('os').environ['KEY_FILE']).read()]`
      expect(await evaluate(instance, code)).toEqual([
        [
          'start',
          '--path=a b',
          '$(HOME)',
          '$HOME',
          '$$',
          "it's",
          '',
          'ünï',
          '--key=s3cret$(HOME)',
          '$(PATH)',
        ],
        'two\nlines $(HOME)',
        '{"a":1}',
      ])
      await using plain = await run(released('evaluator', { args: ['$(HOME)', '$$', '$1'] }))
      expect(await evaluate(plain, `import_('sys').argv[1:]`)).toEqual(['$(HOME)', '$$', '$1'])
    })

    test('what it prints on stderr is in the log, also what it says before it exits', async () => {
      const release = released('evaluator')
      {
        await using instance = await run(release)
        await evaluate(instance, `print('a remark', file=import_('sys').stderr, flush=True)`)
        await until('the remark is there', () => (said(release, 'a remark') ? true : null))
      }
      const exits = released('exits')
      await using instance = await run(exits)
      expect(await instance.ended).toEqual({ reason: 'exited', exitCode: 3, signal: null })
      expect(said(exits, 'API_KEY is missing')).toBe(true)
    })

    test('a call in flight when the server dies gets an error, and the end says how it died', async () => {
      await using instance = await run(released('evaluator'))
      await evaluate(instance, '1')
      const call = instance.endpoint.request(
        'tools/call',
        { name: 'evaluate', arguments: { code: `import_('os').kill(import_('os').getpid(), 9)` } },
        CALLER,
        AbortSignal.timeout(15_000),
      )
      expect((await catwalkErrorOf(call)).code).toBe('server_exited')
      expect(await instance.ended).toEqual({ reason: 'exited', exitCode: null, signal: 'SIGKILL' })
    })

    test('at the end of its input a server ends by itself', async () => {
      await using instance = await run(released('evaluator'))
      await evaluate(instance, '1')
      await instance.stop(10_000)
      expect(await instance.ended).toEqual({ reason: 'stopped', exitCode: 0, signal: null })
    })

    test('a server that ignores the end of its input and SIGTERM is ended all the same', async () => {
      const release = released('stubborn')
      await using instance = await run(release)
      await until('the server is up', () => (said(release, 'ready') ? true : null))
      await instance.stop(100)
      expect(await instance.ended).toEqual({ reason: 'stopped', exitCode: null, signal: 'SIGKILL' })
      expect(said(release, 'got SIGTERM')).toBe(true)
    })

    test('10 MB go through in both directions, to the letter', async () => {
      await using instance = await run(released('evaluator'))
      const text = 'x'.repeat(10 * 1024 * 1024)
      expect(await evaluate(instance, `len('${text}')`)).toBe(text.length)
      expect(await evaluate(instance, `'y' * ${text.length}`)).toBe('y'.repeat(text.length))
    })

    test('what it writes at home is there for the next instance, and gone after the purge', async () => {
      const release = released('evaluator')
      const first = await started(release)
      await evaluate(first, `open(import_('os').environ['HOME'] + '/note', 'w').write('kept')`)
      await first.stop(500)
      const read = `open(import_('os').environ['HOME'] + '/note').read() if import_('os').path.exists(import_('os').environ['HOME'] + '/note') else None`
      {
        await using second = await run(release, { epoch: 2 })
        expect(await evaluate(second, read)).toBe('kept')
      }
      await using third = await run(release, { epoch: 3 })
      expect(await evaluate(third, read)).toBeNull()
    })

    test('an image that serves HTTP is reached at its port, and ends when it is told to', async () => {
      const release = released('web', { transport: { kind: 'port', port: 8080, path: '/mcp' } })
      await using instance = await run(release)
      expect(await evaluate(instance, '6 * 7')).toBe(42)
      await until('what it prints is in the log', () =>
        release.lines.some(({ line }) => line === 'listening') ? true : null,
      )
      await instance.stop(500)
      expect((await instance.ended).reason).toBe('stopped')
    })

    test('a newer holder of the lease ends what the older one started', async () => {
      const release = released('evaluator')
      await using older = await run(release)
      await using newer = await run(release, { epoch: 2 })
      expect((await older.ended).reason).toBe('stopped')
      expect(await evaluate(newer, '1')).toBe(1)
    })
  })
}
