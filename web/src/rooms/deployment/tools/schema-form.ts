/** One input of a tool, as a form can show it. */
export interface FormField {
  readonly name: string
  readonly label: string
  readonly description: string | undefined
  readonly isRequired: boolean
  readonly kind: FieldKind
  /** What the field holds before anyone typed. */
  readonly initial: string
}

export type FieldKind =
  | { readonly kind: 'text' }
  | { readonly kind: 'number'; readonly isInteger: boolean }
  | { readonly kind: 'switch' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** Anything else is typed as JSON. */
  | { readonly kind: 'json' }

/** The form of a tool from its input schema. null when the schema is none that a form can show. */
export function fieldsOf(inputSchema: unknown): readonly FormField[] | null {
  if (inputSchema === undefined) return []
  if (!isRecord(inputSchema)) return null
  const { properties = {}, required } = inputSchema
  if (!isRecord(properties)) return null
  const requiredNames: readonly unknown[] = Array.isArray(required) ? required : []
  return Object.entries(properties).map(([name, schema]) =>
    fieldOf(name, isRecord(schema) ? schema : {}, requiredNames.includes(name)),
  )
}

function fieldOf(name: string, schema: Readonly<Record<string, unknown>>, isRequired: boolean): FormField {
  const kind = kindOf(schema)
  const { title, description, default: preset } = schema
  return {
    name,
    label: typeof title === 'string' ? title : name,
    description: typeof description === 'string' ? description : undefined,
    isRequired,
    kind,
    initial: initialText(kind, preset),
  }
}

function initialText({ kind }: FieldKind, preset: unknown): string {
  if (preset === undefined) return ''
  return typeof preset === 'string' && kind !== 'json' ? preset : JSON.stringify(preset)
}

function kindOf(schema: Readonly<Record<string, unknown>>): FieldKind {
  const { type, enum: choices } = schema
  if (Array.isArray(choices) && choices.every((choice) => typeof choice === 'string')) {
    return { kind: 'choice', choices }
  }
  if (type === 'string') return { kind: 'text' }
  if (type === 'number' || type === 'integer') return { kind: 'number', isInteger: type === 'integer' }
  if (type === 'boolean') return { kind: 'switch' }
  return { kind: 'json' }
}

export type Arguments = Record<string, unknown>

/** Arguments from what was typed, or a complaint for each field that does not fit. Empty optional fields are left out. */
export function toArguments(
  fields: readonly FormField[],
  typed: Readonly<Record<string, string>>,
):
  | { readonly ok: true; readonly value: Arguments }
  | { readonly ok: false; readonly complaints: Readonly<Record<string, string>> } {
  // Entries and not assignments: a field may be called __proto__.
  const entries: [string, unknown][] = []
  const complaints: Record<string, string> = {}
  for (const field of fields) {
    const text = typed[field.name] ?? field.initial
    if (text === '' && field.kind.kind !== 'switch') {
      if (!field.isRequired) continue
      if (field.kind.kind !== 'text') {
        complaints[field.name] = 'Required.'
        continue
      }
    }
    const read = readValue(field.kind, text)
    if (read.ok) entries.push([field.name, read.value])
    else complaints[field.name] = read.complaint
  }
  if (Object.keys(complaints).length > 0) return { ok: false, complaints }
  return { ok: true, value: Object.fromEntries(entries) }
}

type Read =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly complaint: string }

function readValue(kind: FieldKind, text: string): Read {
  switch (kind.kind) {
    case 'text':
    case 'choice':
      return { ok: true, value: text }
    case 'switch':
      return { ok: true, value: text === 'true' }
    case 'number': {
      const value = Number(text)
      const fits =
        text.trim() !== '' && Number.isFinite(value) && (!kind.isInteger || Number.isInteger(value))
      return fits
        ? { ok: true, value }
        : { ok: false, complaint: kind.isInteger ? 'A whole number.' : 'A number.' }
    }
    case 'json':
      return readJson(text)
  }
}

/** Arguments typed as one JSON object. */
export function readArguments(
  text: string,
): { ok: true; value: Arguments } | { ok: false; complaint: string } {
  const read = readJson(text.trim() === '' ? '{}' : text)
  if (!read.ok) return read
  return isRecord(read.value)
    ? { ok: true, value: read.value }
    : { ok: false, complaint: 'It must be a JSON object, such as {"message": "hello"}.' }
}

function readJson(text: string): Read {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false, complaint: 'This is not valid JSON.' }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
