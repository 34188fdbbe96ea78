import { ChoiceCard, type Choice, type EndpointSettings } from './choice-card.tsx'

const ALWAYS: Choice = {
  label: 'Never: always on',
  words: 'No call waits for it to start. Its memory is taken day and night.',
  change: { alwaysOn: true, idleTimeoutS: null },
  isChosen: ({ alwaysOn }) => alwaysOn,
}

const after = (idleTimeoutS: number | null, label: string, words: string): Choice => ({
  label,
  words,
  change: { alwaysOn: false, idleTimeoutS },
  isChosen: (settings) => !settings.alwaysOn && settings.idleTimeoutS === idleTimeoutS,
})

const CHOICES: readonly Choice[] = [
  after(
    null,
    'As the installation is set',
    'After a while without a call it sleeps, and costs no memory. The next call wakes it.',
  ),
  after(300, 'After 5 minutes', 'Sleeps soon.'),
  after(3600, 'After an hour', 'Stays awake over a working session.'),
  ALWAYS,
]

/** When it sleeps. */
export function SleepCard() {
  return <ChoiceCard title="When it sleeps" choices={choicesFor} changed="When it sleeps is changed" />
}

/** A time that was set elsewhere is shown too. */
function choicesFor(settings: EndpointSettings): readonly Choice[] {
  if (CHOICES.some((choice) => choice.isChosen(settings))) return CHOICES
  const { idleTimeoutS } = settings
  const words = 'Set with the command line or the API.'
  return [...CHOICES, after(idleTimeoutS, `After ${idleTimeoutS ?? 0} seconds`, words)]
}
