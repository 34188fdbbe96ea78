// What a shell would act on outside quotes. A `$NAME` stays as it is written: it is a placeholder to be filled in.
const OPERATOR = /^(?:[;|&<>`()\n\r]|\$\()/

/**
 * Splits a command line at spaces, as a shell does with quotes and backslashes, without any expansion. A line may go on
 * after a backslash at its end. Null when a quote is left open or an operator of the shell (`;`, `|`, `&&`, `$(`…) is in
 * it.
 */
export function splitWords(line: string): readonly string[] | null {
  const text = line.replaceAll(/\\\r?\n/g, ' ').trim()
  const words: string[] = []
  let word: string | null = null
  let quote: '"' | "'" | null = null
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at)
    if (quote !== null) {
      if (sign === quote) quote = null
      else if (sign === '\\' && quote === '"' && /["\\$`]/.test(text.charAt(at + 1)))
        word += text.charAt(++at)
      else word += sign
    } else if (sign === '"' || sign === "'") {
      quote = sign
      word ??= ''
    } else if (/[ \t]/.test(sign)) {
      if (word !== null) words.push(word)
      word = null
    } else if (OPERATOR.test(text.slice(at, at + 2))) {
      return null
    } else {
      word = (word ?? '') + (sign === '\\' ? text.charAt(++at) : sign)
    }
  }
  if (quote !== null) return null
  return word === null ? words : [...words, word]
}
