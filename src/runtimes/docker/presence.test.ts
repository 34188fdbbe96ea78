import { expect, test } from 'vitest'
import { createPresence } from './presence.ts'

const never = new AbortController().signal

/** An engine that goes and comes, and a clock that stands still. */
function absentee() {
  const state = { answers: true, nowMs: 1_000, away: 0, back: 0 }
  const isBack = Promise.withResolvers<void>()
  const presence = createPresence({
    answers: async () => state.answers,
    onAway: () => {
      state.away++
    },
    onBack: async () => {
      state.back++
      if (state.back === 1) throw new Error('it went away again in the middle')
      isBack.resolve()
    },
    pollMs: 1,
    settledMs: 5_000,
    now: () => state.nowMs,
  })
  return { state, presence, isBack: isBack.promise }
}

test('one that answers is not away', async () => {
  const { presence, state } = absentee()
  expect(await presence.awayMs(never)).toBeNull()
  expect(state.away).toBe(0)
})

test('one that is away is so since it was first missed, until what was left behind is cleared away', async () => {
  const { presence, state, isBack } = absentee()
  state.answers = false
  presence.missed()
  state.nowMs += 700
  expect(await presence.awayMs(never)).toBe(700)
  expect(state).toMatchObject({ away: 1, back: 0 })
  state.answers = true
  await isBack
  expect(state).toMatchObject({ away: 1, back: 2 })
})

test('one that is just back counts as away with what failed of it, and then no more', async () => {
  const { presence, state, isBack } = absentee()
  presence.missed()
  state.nowMs += 700
  await isBack
  await new Promise(setImmediate)
  state.nowMs += 4_999
  expect(await presence.awayMs(never)).toBe(700)
  state.nowMs += 1
  expect(await presence.awayMs(never)).toBeNull()
})

test('one that comes and goes is away all the while', async () => {
  const { presence, state, isBack } = absentee()
  presence.missed()
  await isBack
  await new Promise(setImmediate)
  state.nowMs += 3_000
  state.answers = false
  expect(await presence.awayMs(never)).toBe(3_000)
  expect(state.away).toBe(2)
})
