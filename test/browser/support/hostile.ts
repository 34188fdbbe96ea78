import type { Page } from 'playwright-core'
import { routes, type RouteName } from '../../../src/contract/index.ts'
import type { FakeRequest } from '../../fakes/api.ts'
import { house, type Handlers } from './scenes.ts'

/** What stands in every text; the page is asked for it to see that it was drawn. */
export const HOSTILE = 'pwned-by-a-name'

const MARKUP = `"'><img src="/pwned" onerror="window.pwned=1"><script>window.pwned=1</script><a href="javascript:window.pwned=1">${HOSTILE}</a>`

/** Texts that people, servers and their callers write. */
const WRITTEN = [
  'name',
  'title',
  'description',
  'message',
  'line',
  'label',
  'text',
  'instructions',
  'detail',
  'fix',
  'reason',
  'userAgent',
  'createdBy',
  'helpUrl',
  'email',
]

/** The usual answers with markup in every text that the contract lets be any text. */
export function hostileHouse(answers: Handlers): Handlers {
  const entries = Object.entries({ ...house, ...answers }).map(([name, handler]) => [
    name,
    async (request: FakeRequest) => {
      // Each handler has the answer of its own name.
      const answer: unknown = await (handler as (asked: FakeRequest) => unknown)(request)
      return WRITTEN.reduce((sofar, key) => {
        const worse = poisoned(sofar, key)
        return routes[name as RouteName].response.safeParse(worse).success ? worse : sofar
      }, answer)
    },
  ])
  // The same names with answers of the same shapes.
  return Object.fromEntries(entries) as Handlers
}

function poisoned(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => poisoned(item, key))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]: [string, unknown]) => [
      name,
      name === key && typeof item === 'string' ? poison(key, item) : poisoned(item, key),
    ]),
  )
}

function poison(key: string, text: string): string {
  return key === 'helpUrl' ? `javascript:window.pwned=1//${HOSTILE}` : `${text} ${MARKUP}`
}

/** What of the markup became more than text. */
export async function wasObeyed(page: Page): Promise<readonly string[]> {
  return page.evaluate<string[]>(`[
    ...('pwned' in window ? ['a script ran'] : []),
    ...[...document.querySelectorAll('[onerror], [src*="pwned"], [href^="javascript:"], script:not([src])')]
      .map((element) => element.outerHTML),
  ]`)
}
