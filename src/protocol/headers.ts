/** Whether `Accept` allows both kinds of answer to a POST. Clients must list both; wildcards are as good. */
export function acceptsAnswers(accept: string | undefined): boolean {
  return accepts(accept, 'application/json') && accepts(accept, 'text/event-stream')
}

/** Whether `Accept` allows an event stream, all that a GET needs. */
export function acceptsEvents(accept: string | undefined): boolean {
  return accepts(accept, 'text/event-stream')
}

function accepts(accept: string | undefined, type: string): boolean {
  if (accept === undefined) return false
  const lower = accept.toLowerCase()
  return (
    lower.includes(type) || lower.includes('*/*') || lower.includes(`${type.slice(0, type.indexOf('/'))}/*`)
  )
}

/** Whether a body's `Content-Type` is JSON, whatever its parameters. */
export function isJsonType(contentType: string | undefined): boolean {
  if (contentType === undefined) return false
  if (contentType === 'application/json') return true
  return contentType.split(';', 1)[0]?.trim().toLowerCase() === 'application/json'
}
