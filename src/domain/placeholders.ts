import type { AnalysedArgument, AnalysedVariable } from './analysis.ts'

/** A declared value of a server, whether it comes as a variable or as an argument. */
export interface Wanted {
  readonly name: string
  readonly format: AnalysedVariable['format']
  readonly secret: boolean
  /** A value that the documentation gives, if it gives one. */
  readonly example: string | null
  readonly choices: readonly string[]
}

/** What a server's own words have told of a value's form. */
export interface FormHint {
  readonly prefix?: string
  readonly format?: AnalysedVariable['format'] | 'uuid' | 'email'
}

/** A folder that a server finds in its home during a trial. */
export const PLACEHOLDER_FOLDER = 'data'
/** A host that can never be reached; connections to it say nothing of a server. */
export const PLACEHOLDER_HOST = 'placeholder.example'

const TOKEN = 'placeholder00000000000000000000000000000'

export function wantedVariable(variable: AnalysedVariable): Wanted {
  const { name, format, secret, choices } = variable
  return { name, format, secret, choices, example: secret ? null : variable.default }
}

export function wantedArgument({ name, secret, example }: AnalysedArgument): Wanted {
  return { name, format: 'text', secret, choices: [], example: secret ? null : example }
}

/**
 * A value of the right form that opens nothing. `home` is the server's home as it sees it.
 */
export function placeholderFor(wanted: Wanted, hint: FormHint, home: string): string {
  if (hint.prefix !== undefined) return `${hint.prefix}${TOKEN}`
  const [choice] = wanted.choices
  if (choice !== undefined) return choice
  const form = hint.format ?? (wanted.format === 'text' ? guessForm(wanted) : wanted.format)
  switch (form) {
    case 'uuid':
      return '00000000-0000-4000-8000-000000000000'
    case 'email':
      return `user@${PLACEHOLDER_HOST}`
    case 'url':
      return urlFor(wanted.name)
    case 'path':
      return `${home}/${PLACEHOLDER_FOLDER}`
    case 'file':
      return KEY_FILE
    case 'json':
      return '{}'
    case 'number':
      return /port/i.test(wanted.name) ? '8080' : '1'
    case 'boolean':
      return 'true'
    case 'text':
      return wanted.example ?? (wanted.secret ? TOKEN : 'placeholder')
    default:
      return form satisfies never
  }
}

function guessForm({ name, example }: Wanted): NonNullable<FormHint['format']> {
  const value = example ?? ''
  if (/^[a-z][a-z0-9+]*:\/\//.test(value)) return value.startsWith('file:') ? 'text' : 'url'
  // Somebody else's folder; ours is there.
  if (/^(?:[~.]?\/|[A-Z]:\\)/.test(value)) return 'path'
  const words = name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()
  if (/E?MAIL(?:_ADDRESS)?$/.test(words)) return 'email'
  if (/(?:URL|URI|ENDPOINT|DSN)$|CONNECTION_?STRING|DATABASE_?URL/.test(words)) return 'url'
  if (/(?:^|[^A-Z])(?:PATH|DIR|DIRS|DIRECTORY|DIRECTORIES|FOLDER|ROOT|VAULT)$/.test(words)) return 'path'
  if (/UUID|GUID/.test(words)) return 'uuid'
  return 'text'
}

const DATABASES: readonly (readonly [RegExp, string])[] = [
  [/POSTGRES|PG(?![A-Z])/i, 'postgresql://user:placeholder@127.0.0.1:5432/placeholder'],
  [/MYSQL|MARIADB/i, 'mysql://user:placeholder@127.0.0.1:3306/placeholder'],
  [/MONGO|MDB/i, 'mongodb://127.0.0.1:27017/placeholder'],
  [/REDIS/i, 'redis://127.0.0.1:6379'],
]

function urlFor(name: string): string {
  return DATABASES.find(([pattern]) => pattern.test(name))?.[1] ?? `https://${PLACEHOLDER_HOST}`
}

/** The forms of key file that services hand out, in one: a client of OAuth, and a service account. */
const KEY_FILE = JSON.stringify({
  type: 'service_account',
  project_id: 'placeholder',
  client_email: `placeholder@${PLACEHOLDER_HOST}`,
  ...Object.fromEntries(
    ['installed', 'web'].map((kind) => [
      kind,
      {
        client_id: 'placeholder',
        client_secret: 'placeholder',
        redirect_uris: ['http://localhost:3000/oauth2callback'],
      },
    ]),
  ),
})

/** Reads from a server's last output what form it wants a value to have; null when it does not say. */
export function formHint(lines: readonly string[]): FormHint | null {
  const text = lines.join('\n')
  const prefix =
    /\b(?:starts?|begins?|starting|beginning|prefixed) with:? ?["'`“]?([\w./:-]{2,24})/i.exec(text)?.[1] ??
    // `Expected sk_* (secret key)`
    /\bexpected ["'`“]?([a-z][a-z0-9]{1,9}[_-])\*/i.exec(text)?.[1]
  if (prefix !== undefined) return { prefix: prefix.replace(/[.:]$/, '') }
  if (/\buuid\b|\bguid\b/i.test(text)) return { format: 'uuid' }
  if (/invalid[ _-]?url|valid (?:https? )?url|must be an? url/i.test(text)) return { format: 'url' }
  if (/valid e-?mail|invalid e-?mail/i.test(text)) return { format: 'email' }
  if (/valid json|invalid json|unexpected token .* json|is not valid JSON/i.test(text)) {
    return { format: 'json' }
  }
  if (/(?:must be|valid|expected) (?:an? )?(?:positive )?(?:number|integer)|\bNaN\b/i.test(text)) {
    return { format: 'number' }
  }
  return null
}
