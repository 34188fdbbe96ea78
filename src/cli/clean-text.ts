/**
 * Sequences that a terminal obeys (ECMA-48, 5.4 and 8.3.89): control sequences, strings up to their terminator, and the
 * short escapes. Node's own stripVTControlCharacters takes quadratic time for strings without an end; here a string
 * stops where another begins, so that no character is looked at often.
 */
const SEQUENCES =
  // oxlint-disable-next-line no-control-regex -- control characters are what it is for
  /(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]|(?:\u001B[\]PX^_]|[\u0090\u0098\u009D-\u009F])[^\u0007\u001B\u0090\u0098\u009C-\u009F]*(?:\u0007|\u001B\\|\u009C)|\u001B[ -/]*[0-~]/g

// Control and format characters: escapes that move the cursor, and marks that reverse or hide what follows.
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** Text of unknown origin as one line that a terminal can show without obeying it. */
export function cleanLine(text: string): string {
  return text
    .replaceAll(SEQUENCES, '')
    .replaceAll(/[\t\r\n]+/g, ' ')
    .replaceAll(INVISIBLE, '')
}

/** The same with its line breaks and tabs kept. */
export function cleanText(text: string): string {
  return text
    .replaceAll(SEQUENCES, '')
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(INVISIBLE, (character) => (character === '\n' || character === '\t' ? character : ''))
}

/** A JSON document, indented, in which no control or format character stands raw. */
export function toJson(document: unknown): string {
  // JSON.stringify escapes C0 only; what is left raw stands inside strings, except for the line breaks it adds itself.
  return JSON.stringify(document, null, 2).replaceAll(INVISIBLE, (character) =>
    character === '\n'
      ? character
      : [...Array(character.length).keys()]
          .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
          .join(''),
  )
}
