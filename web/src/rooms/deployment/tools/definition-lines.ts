// What a reader does not see, or what turns the text around.
const UNSEEN = /[^\P{C}\n\t]/u

/** A member of a tool's definition in lines; text that hides characters is shown as JSON with escapes. */
export function textsOf(value: unknown): readonly string[] {
  if (value === undefined) return []
  const isPlain = typeof value === 'string' && !UNSEEN.test(value)
  const text = isPlain ? value : JSON.stringify(value, null, 2)
  return (isPlain ? text : escaped(text)).split('\n')
}

function escaped(text: string): string {
  return text.replaceAll(/\p{Cf}/gu, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}
