import { expect, test } from 'vitest'
import { shownSteps } from './analysis-progress.tsx'

const at = (second: number) => new Date(second * 1000).toISOString()

test('steps that have begun are shown with their times, those ahead without', () => {
  const shown = shownSteps(
    [
      { step: 'fetching', detail: 'owner/repo', startedAt: at(0), endedAt: at(2) },
      { step: 'reading', detail: null, startedAt: at(2), endedAt: null },
    ],
    3_500,
  )
  expect(shown).toEqual([
    { label: 'Fetching it', status: 'done', ms: 2_000, detail: 'owner/repo' },
    { label: 'Reading its files', status: 'now', ms: 1_500 },
    { label: 'Looking its package up', status: 'todo' },
    { label: 'Trying it out in the sandbox', status: 'todo' },
  ])
})

test('a step that was left out is not shown as one to come', () => {
  const shown = shownSteps([{ step: 'booting', detail: null, startedAt: at(0), endedAt: null }], 0)
  expect(shown.map(({ label }) => label)).toEqual(['Trying it out in the sandbox'])
})

test('a clock that is behind gives no negative time', () => {
  expect(shownSteps([{ step: 'fetching', detail: null, startedAt: at(9), endedAt: null }], 0)[0]?.ms).toBe(0)
})
