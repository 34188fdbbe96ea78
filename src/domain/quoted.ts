/** Shows hostile text in a message: shortened, control characters made visible. */
export function quoted(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text
  return `'${short.replaceAll(/[\p{Cc}\p{Cf}]/gu, '�')}'`
}
