// Shows what the set-up does: one line a step with the time it took, on stderr, because what follows may print a document.
// Nothing to do means nothing to say.

/** @param {string} text */
export function say(text) {
  process.stdout.write(`${text}\n`)
}

/** @param {string} text */
function tell(text) {
  process.stderr.write(text)
}

/** What went wrong in words, with what to do; shown without a stack. */
export class SetUpError extends Error {}

/**
 * Runs one step and prints its line when it is done. On a terminal the line shows progress meanwhile; otherwise the
 * start of the step and, every ten seconds, how far it is.
 * @template T
 * @param {string} name such as `Installing packages`
 * @param {(progress: (text: string) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(name, work) {
  const startedAt = performance.now()
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
  const live = process.stderr.isTTY
  let progress = ''
  const show = () => {
    if (live) tell(`\r\u001b[2K… ${name}${progress && ` (${progress})`} ${seconds()}`)
    else tell(`… ${name}${progress && ` (${progress})`}\n`)
  }
  show()
  const timer = setInterval(show, live ? 200 : 10_000)
  const clear = live ? '\r\u001b[2K' : ''
  try {
    const result = await work((text) => (progress = text))
    tell(`${clear}✓ ${name} ${seconds()}\n`)
    return result
  } catch (error) {
    tell(`${clear}✗ ${name} ${seconds()}\n`)
    throw error
  } finally {
    clearInterval(timer)
  }
}

/**
 * Runs a script's main function; a {@link SetUpError} ends it with exit code 1 and its message only.
 * @param {() => Promise<void>} main
 */
export async function run(main) {
  try {
    await main()
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error
    process.stderr.write(`\n${error.message}\n`)
    process.exitCode = 1
  }
}
