import { createStore } from './store.ts'

export type Theme = 'dark' | 'light'

const KEY = 'catwalk.theme'

// public/theme.js has set it before the first paint.
const current = (): Theme => (document.documentElement.dataset['theme'] === 'light' ? 'light' : 'dark')

export const theme = createStore<Theme>(current())

/** Switches and remembers; from then on the system's preference no longer decides. */
export function switchTheme(): void {
  const next: Theme = current() === 'light' ? 'dark' : 'light'
  document.documentElement.dataset['theme'] = next
  theme.set(next)
  try {
    localStorage.setItem(KEY, next)
  } catch {
    // Storage is forbidden; the choice lasts as long as the page.
  }
}
