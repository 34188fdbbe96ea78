// What every official client does with every server, whatever the two speak.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LOG_LINES, PNG, PROGRESS, SIMPLE_TEXT } from '../conformance/fixtures/content.ts'
import type { Fixture } from '../conformance/vocabulary.ts'
import { until } from '../support/until.ts'
import type { Cuttable } from './cuttable.ts'
import type { Mode } from './modes.ts'
import type { OfficialClient } from './official-client.ts'

export interface Stage {
  readonly server: Fixture
  /** Where all clients connect, and where one does whose connection is never cut. */
  readonly way: () => Cuttable
  readonly direct: () => string
  readonly headers?: () => Record<string, string>
}

const ACCEPTED: Outcome = { text: 'User response: action=accept' }
const REFUSAL = {
  code: -32042,
  data: { elicitations: [{ mode: 'url', url: 'https://example.com/authorise?id=authorise-2' }] },
}
const WATCHED = 'test://watched-resource'
const INVALID_PARAMS = -32602
const RESOURCE_NOT_FOUND = -32002

/** The script as tests, one for each thing that a client does. */
export function playScript(mode: Mode, { server, way, direct, headers = () => ({}) }: Stage): void {
  const connect = (able: boolean) => mode.connect(way().url, able, headers())
  /** Declares nothing, so that it may share a process; declares and answers everything. */
  let plain: OfficialClient
  let able: OfficialClient

  beforeAll(async () => {
    plain = await connect(false)
    able = await connect(true)
  })
  afterAll(async () => {
    await plain[Symbol.asyncDispose]()
    await able[Symbol.asyncDispose]()
  })

  const times = (what: string) => plain.heard.filter((one) => one === what).length
  const heard = (what: string, often = 1) =>
    until(`"${what}" is heard`, () => (times(what) >= often ? true : null))
  const countCancelled = async (): Promise<number> => {
    await using observer = await mode.connect(direct(), false, headers())
    return Number(await observer.call('test_cancelled_calls'))
  }
  const cancelled = (before: number) =>
    until('the server hears of the cancellation', async () =>
      (await countCancelled()) === before + 1 ? true : null,
    )

  test('connecting', async () => {
    expect([plain.era, able.era]).toEqual([mode.era, mode.era])
    // The modern era has none.
    if (mode.era === 'legacy') await plain.ping()
  })

  test('tools', async () => {
    expect(await plain.tools()).toContain('test_simple_text')
    expect(await plain.call('test_simple_text')).toBe(SIMPLE_TEXT)
    expect(await able.call('test_simple_text')).toBe(SIMPLE_TEXT)
    expect(await plain.call('test_x_mcp_header', { region: 'Zürich' })).toBe('region=Zürich')
    // A result that says so, or an error: the server decides.
    expect((await outcomeOf(plain.call('no_such_tool'))).text).toMatch(/not found/i)
  })

  test('resources', async () => {
    expect(await plain.resources()).toContain('test://static-text')
    expect(await plain.templates()).toEqual(['test://template/{id}/data'])
    expect(await plain.read('test://static-binary')).toBe(PNG)
    expect(JSON.parse(await plain.read('test://template/7/data'))).toMatchObject({ id: '7' })
    const { code } = await outcomeOf(plain.read('test://missing'))
    expect(mode.era === 'modern' ? [INVALID_PARAMS] : [INVALID_PARAMS, RESOURCE_NOT_FOUND]).toContain(code)
  })

  test('prompts and completion', async () => {
    expect(await plain.prompts()).toContain('test_simple_prompt')
    expect(await plain.prompt('test_prompt_with_arguments', { arg1: 'a', arg2: 'b' })).toEqual([
      "Prompt with arguments: arg1='a', arg2='b'",
    ])
    expect(await plain.complete('test_prompt_with_arguments', 'arg1', 'par')).toEqual([
      'paris',
      'park',
      'party',
    ])
  })

  test('progress', async () => {
    for (const client of [plain, able]) {
      const progress: number[] = []
      await client.call('test_tool_with_progress', {}, { onProgress: (step) => progress.push(step) })
      const isShort = mode.missesLastStep && progress.length === PROGRESS.length - 1
      expect(progress).toEqual(isShort ? PROGRESS.slice(0, -1) : PROGRESS)
    }
  })

  test('cancelling', async () => {
    const before = await countCancelled()
    const abort = new AbortController()
    const began = Promise.withResolvers<void>()
    const call = outcomeOf(
      plain.call('test_until_cancelled', {}, { signal: abort.signal, onProgress: () => began.resolve() }),
    )
    await began.promise
    abort.abort(new Error('abort'))
    expect((await call).text).toMatch(/abort/i)
    await cancelled(before)
  })

  test('log messages', async () => {
    await plain.wantLogs()
    await plain.call('test_tool_with_logging')
    for (const line of LOG_LINES) await heard(`message ${line}`)
    expect(plain.heard.filter((one) => one.startsWith('message'))).toHaveLength(LOG_LINES.length)
  })

  test('eliciting by form', async () => {
    expect(await able.call('test_elicitation', { message: 'Who?' })).toBe(
      'User response: action=accept, content={"response":"response"}',
    )
    expect(await able.prompt('test_input_required_result_prompt', {})).toEqual(['In the context of context'])
    expect(able.asked).toEqual(['form', 'form'])
  })

  test('eliciting by URL', async () => {
    expect(await able.call('test_url_elicitation')).toBe('User response: action=accept')
    expect(able.asked.slice(2)).toEqual(['url'])
    // An error to both, passed on as it is: the client opens the page, then calls again.
    const refusesFirst = server === 'legacy' && mode.era === 'legacy'
    const first = await outcomeOf(able.call('test_url_required'))
    const last = refusesFirst ? await outcomeOf(able.call('test_url_required')) : first
    expect(first).toMatchObject(refusesFirst ? REFUSAL : ACCEPTED)
    expect(last).toEqual(ACCEPTED)
    expect(able.asked.slice(3)).toEqual(refusesFirst ? [] : ['url'])
  })

  test('sampling and roots', async () => {
    const before = able.asked.length
    expect(await able.call('test_sampling', { prompt: 'Capital?' })).toBe('LLM response: Paris')
    expect(await able.call('test_roots')).toBe('file:///work')
    expect(able.asked.slice(before)).toEqual(['sampling', 'roots'])
  })

  test('being asked several things at once, and one after the other', async () => {
    const before = able.asked.length
    expect(await able.call('test_input_required_result_multiple_inputs')).toBe('Paris name, of 1 roots')
    expect(able.asked.slice(before).toSorted()).toEqual(['form', 'roots', 'sampling'])
    expect(await able.call('test_input_required_result_multi_round')).toBe('name likes color')
  })

  test('not being asked what was not declared', async () => {
    expect((await outcomeOf(plain.call('test_missing_capability'))).text).toMatch(/sampling|capability/i)
    expect(plain.asked).toEqual([])
  })

  test('subscriptions', async () => {
    await plain.subscribe(WATCHED)
    await plain.call('test_trigger_resource_update')
    await heard(`resources/updated ${WATCHED}`)
    await plain.call('test_trigger_tool_change')
    await heard('tools/list_changed')
    await plain.call('test_trigger_prompt_change')
    await heard('prompts/list_changed')
    // Nothing is said twice where it was asked for once.
    expect(times(`resources/updated ${WATCHED}`)).toBe(1)
  })

  test('connections that are cut', async () => {
    const progress: number[] = []
    const cutAtOnce = {
      onProgress(step: number) {
        progress.push(step)
        if (step === 0) way().cut()
      },
    }
    if (mode.resumes) {
      await plain.call('test_tool_with_progress', {}, cutAtOnce)
    } else {
      // A closed stream cancels its call, or ends the session and so all its calls; what was listened to ends too.
      const before = await countCancelled()
      const enough = new AbortController()
      const call = plain.call('test_until_cancelled', {}, { ...cutAtOnce, signal: enough.signal })
      call.catch(() => undefined)
      await cancelled(before)
      if (mode.outlives) enough.abort()
    }
    expect(progress).toEqual(mode.resumes ? PROGRESS : [0])
    if (!mode.outlives) {
      for (const client of [plain, able]) await client[Symbol.asyncDispose]()
      plain = await connect(false)
      able = await connect(true)
    }
    if (!mode.resumes) await plain.subscribe(WATCHED)
    expect(await plain.call('test_simple_text')).toBe(SIMPLE_TEXT)
    const before = times('tools/list_changed')
    await plain.call('test_trigger_tool_change')
    await heard('tools/list_changed', before + 1)
  })
}

interface Outcome {
  /** Of a result, or the message of an error. */
  readonly text: string
  readonly code?: number
  readonly data?: unknown
}

async function outcomeOf(call: Promise<string>): Promise<Outcome> {
  try {
    return { text: await call }
  } catch (error) {
    const { message, code, data } = error as { message: string; code: number; data: unknown }
    return { text: message, code, data }
  }
}
