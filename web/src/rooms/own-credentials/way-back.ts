const KEY = 'catwalk.account-way-back'

/** Remembers where somebody was who leaves for a service, in this tab. */
export function rememberWay(): void {
  sessionStorage.setItem(KEY, location.pathname + location.search)
}

/** The page of consent that somebody left, whose question is still open; null when they came from anywhere else. */
export function openConsent(): string | null {
  const way = sessionStorage.getItem(KEY)
  return way?.startsWith('/consent?') === true ? way : null
}
