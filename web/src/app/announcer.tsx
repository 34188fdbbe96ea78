import { createStore, useStore } from './store.ts'

const spoken = createStore({ text: '', turn: 0 })

/** Says something to screen readers, politely. */
export function announce(text: string): void {
  spoken.set({ text, turn: spoken.get().turn + 1 })
}

/** The one live region of the page. The turn makes it speak when the same words come twice. */
export function Announcer() {
  const { text, turn } = useStore(spoken)
  return (
    <div className="sr" role="status">
      <span key={turn}>{text}</span>
    </div>
  )
}
