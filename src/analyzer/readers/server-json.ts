import type { JsonValue, PackageRegistry, Snapshot } from '../../domain/index.ts'
import type { Fact } from '../facts.ts'
import { lineOf, parseJson, recordOf, records, stringOf, type Fields } from './json.ts'

/** `server.json` of the official registry, in the forms of all its schema versions. */
export function readServerJson(snapshot: Snapshot, path: string): readonly Fact[] {
  const text = snapshot.text(path)
  const document = recordOf(parseJson(text))
  if (text === null || document === null) return []
  const facts: Fact[] = []
  const at = (word: string) => ({ file: path, line: lineOf(text, word), reader: 'server-json' })
  for (const entry of records(document['packages'])) {
    const registry = registryOf(
      stringOf(entry['registryType']) ?? stringOf(entry['registry_type']) ?? stringOf(entry['registry_name']),
    )
    const name = stringOf(entry['identifier']) ?? stringOf(entry['name'])
    if (registry === null || name === null) continue
    const transport = recordOf(entry['transport'])
    const isStdio = transport === null || (stringOf(transport['type']) ?? 'stdio') === 'stdio'
    const words: string[] = []
    const declared = records(entry['packageArguments'] ?? entry['package_arguments'])
    let position = 0
    for (const argument of declared) {
      const value = stringOf(argument['value'])
      const isNamed = stringOf(argument['type']) === 'named'
      const flag = stringOf(argument['name'])
      const variables = Object.keys(recordOf(argument['variables']) ?? {})
      const isFixed = value !== null && !/[{}]/.test(value) && variables.length === 0
      if (
        isFixed ||
        (isNamed &&
          flag !== null &&
          value === null &&
          stringOf(argument['format']) === 'boolean' &&
          argument['isRequired'] === true)
      ) {
        if (isNamed && flag !== null) words.push(flag)
        if (value !== null) words.push(value)
        continue
      }
      const named =
        isNamed && flag !== null
          ? flag.startsWith('-')
            ? flag
            : `--${flag}`
          : (stringOf(argument['valueHint']) ??
            stringOf(argument['value_hint']) ??
            variables[0] ??
            `argument-${String(position + 1)}`)
      const inner = recordOf(recordOf(argument['variables'])?.[variables[0] ?? ''] ?? null)
      facts.push({
        kind: 'argument',
        name: named,
        position: isNamed ? null : position++,
        role: 'declared',
        required: bool(argument['isRequired'] ?? argument['is_required'] ?? inner?.['isRequired']) ?? false,
        ...(bool(argument['isSecret'] ?? inner?.['isSecret']) === true ? { secret: true } : {}),
        ...optional('description', stringOf(argument['description']) ?? stringOf(inner?.['description'])),
        ...optional('default', stringOf(argument['default'])),
        evidence: at(named),
      })
    }
    if (isStdio) {
      facts.push({
        kind: 'start',
        role: 'declared',
        registry,
        name: registry === 'oci' ? name.replace(/(?::[\w.-]+)?(?:@sha256:.*)?$/, '') : name,
        version: stringOf(entry['version']),
        command: null,
        args: words,
        variables: [],
        evidence: at(name),
      })
    }
    for (const variable of records(entry['environmentVariables'] ?? entry['environment_variables']))
      facts.push(...variableFact(variable, at, !isStdio))
    // An image's variables are often hidden in the arguments of `docker run`: `-e NAME={value}`.
    for (const argument of records(entry['runtimeArguments'] ?? entry['runtime_arguments'])) {
      const value = stringOf(argument['value']) ?? ''
      const match = /^([A-Za-z_]\w*)=/.exec(value)
      const [variable] = Object.values(recordOf(argument['variables']) ?? {})
      if (match?.[1] !== undefined)
        facts.push(
          ...variableFact({ ...argument, ...recordOf(variable ?? null), name: match[1] }, at, !isStdio),
        )
    }
  }
  for (const remote of records(document['remotes'])) {
    const url = stringOf(remote['url'])
    if (url !== null)
      facts.push({
        kind: 'start',
        role: 'declared',
        registry: 'remote',
        name: url,
        version: null,
        command: null,
        args: [],
        variables: [],
        evidence: at(url),
      })
  }
  return facts
}

function registryOf(type: string | null): PackageRegistry | null {
  if (type === 'npm' || type === 'pypi' || type === 'oci') return type
  return type === 'docker' ? 'oci' : null
}

function variableFact(entry: Fields, at: (word: string) => Fact['evidence'], httpOnly: boolean): Fact[] {
  const name = stringOf(entry['name'])
  if (name === null || !/^[A-Za-z_]\w{0,127}$/.test(name)) return []
  const secret = bool(entry['isSecret'] ?? entry['is_secret'])
  const choices = Array.isArray(entry['choices'])
    ? entry['choices'].flatMap((choice: JsonValue) => (typeof choice === 'string' ? [choice] : []))
    : []
  const format = stringOf(entry['format'])
  return [
    {
      kind: 'variable',
      name,
      role: 'declared',
      required: bool(entry['isRequired'] ?? entry['is_required']),
      // `false` is also what an author leaves who never thought of it, so only `true` counts.
      ...(secret === true ? { secret } : {}),
      ...optional('description', stringOf(entry['description'])),
      ...optional('default', stringOf(entry['default'])),
      ...(choices.length === 0 ? {} : { choices }),
      ...(format === 'number' || format === 'boolean'
        ? { format }
        : format === 'filepath'
          ? { format: 'file' as const }
          : {}),
      ...(httpOnly ? { httpOnly } : {}),
      evidence: at(`"${name}"`),
    },
  ]
}

export function bool(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null
}

export function optional<K extends string>(key: K, value: string | null): { readonly [P in K]?: string } {
  // A computed key widens to string; the value is of the only key there is.
  return value === null ? {} : ({ [key]: value } as { [P in K]: string })
}
