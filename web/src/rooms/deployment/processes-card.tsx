import { ChoiceCard, type Choice } from './choice-card.tsx'

const processes = (
  kind: NonNullable<Choice['change']['processes']>,
  label: string,
  words: string,
): Choice => ({
  label,
  words,
  change: { processes: kind },
  isChosen: (settings) => settings.processes === kind,
})

const CHOICES: readonly Choice[] = [
  processes(
    'auto',
    'Shared where that is safe',
    'Clients that the server can ask something get a process each, the others share one.',
  ),
  processes(
    'shared',
    'One for all',
    'Takes the least memory. The server is told that it can ask its clients nothing.',
  ),
  processes(
    'per-session',
    'One for each session',
    'For servers that mix up their clients. Takes the most memory.',
  ),
]

/** How clients are spread over processes. */
export function ProcessesCard() {
  return (
    <ChoiceCard title="Processes" choices={() => CHOICES} changed="How its processes are shared is changed" />
  )
}
