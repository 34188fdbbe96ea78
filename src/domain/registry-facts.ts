import type { AnalysedArgument, AnalysedVariable, Analysis, Evidence } from './analysis.ts'
import { deployVerdict } from './deploy-checks.ts'
import type { JsonObject, JsonValue } from './manifest.ts'
import type { RegistryPackage } from './registry.ts'

/** Publishers declare for machines, but some declare what their code never reads. */
const CONFIDENCE = 0.9

/**
 * An analysis together with what the registry's entry declares of its package. Where both say something, the entry counts
 * for what is required and for fixed arguments, because its author wrote it for starting just this package; descriptions
 * and defaults only fill what the files leave open.
 * @param address where the entry is
 * @param isStarted whether it is this very package that is started, and not something else of the same source
 */
export function withRegistryFacts(
  analysis: Analysis,
  named: RegistryPackage,
  address: string,
  isStarted: boolean,
): Analysis {
  const evidence: Evidence = { file: address, line: 1, reader: 'registry' }
  const { words, asked } = argumentsOf(named, evidence)
  const merged: Analysis = {
    ...analysis,
    env: mergeVariables(analysis.env, variablesOf(named, evidence)),
    ...(isStarted
      ? {
          arguments: mergeArguments(analysis.arguments, asked),
          launch:
            analysis.launch === null || words.length === 0
              ? analysis.launch
              : { ...analysis.launch, args: words },
        }
      : {}),
  }
  if (merged.verdict !== 'deployable' && merged.verdict !== 'needs_input') return merged
  return { ...merged, ...deployVerdict(merged) }
}

/** An input that says whether it is required overrules what was found; `undefined` does not. */
interface Declared<T> {
  readonly found: T
  readonly isRequired: boolean | undefined
}

function variablesOf(named: RegistryPackage, evidence: Evidence): readonly Declared<AnalysedVariable>[] {
  const listed = objects(named['environmentVariables'])
  // Those of an image often stand in the arguments of `docker run`: `-e NAME={value}`.
  const inside = objects(named['runtimeArguments']).flatMap((argument): JsonObject[] => {
    const [, name] = /^([A-Za-z_]\w*)=/.exec(text(argument, 'value') ?? '') ?? []
    const [inner] = objects(Object.values(object(argument['variables'])))
    return name === undefined ? [] : [{ ...argument, ...inner, name }]
  })
  return [...listed, ...inside].flatMap((input) => {
    const name = text(input, 'name')
    if (name === null) return []
    const found: AnalysedVariable = {
      name,
      required: input['isRequired'] === true,
      secret: input['isSecret'] === true,
      default: text(input, 'default') ?? fixedValue(input),
      description: text(input, 'description'),
      format: FORMATS[text(input, 'format') ?? ''] ?? 'text',
      choices: texts(input['choices']),
      helpUrl: null,
      confidence: CONFIDENCE,
      evidence: [evidence],
    }
    return [{ found, isRequired: flag(input, 'isRequired') }]
  })
}

const FORMATS: Readonly<Record<string, AnalysedVariable['format']>> = {
  number: 'number',
  boolean: 'boolean',
  filepath: 'file',
}

function mergeVariables(
  found: readonly AnalysedVariable[],
  declared: readonly Declared<AnalysedVariable>[],
): readonly AnalysedVariable[] {
  const byName = new Map(found.map((variable) => [variable.name, variable]))
  for (const { found: more, isRequired } of declared) {
    const known = byName.get(more.name)
    byName.set(
      more.name,
      known === undefined
        ? more
        : {
            ...known,
            required: isRequired ?? known.required,
            secret: known.secret || more.secret,
            default: known.default ?? more.default,
            description: known.description ?? more.description,
            format: known.format === 'text' ? more.format : known.format,
            choices: known.choices.length > 0 ? known.choices : more.choices,
            confidence: Math.max(known.confidence, more.confidence),
            evidence: [...known.evidence, ...more.evidence],
          },
    )
  }
  return [...byName.values()]
}

/** Words that it is always started with, and arguments that are asked for. */
function argumentsOf(
  named: RegistryPackage,
  evidence: Evidence,
): { readonly words: readonly string[]; readonly asked: readonly Declared<AnalysedArgument>[] } {
  const words: string[] = []
  const asked: Declared<AnalysedArgument>[] = []
  let position = 0
  for (const input of objects(named['packageArguments'])) {
    const isNamed = input['type'] === 'named'
    const flagName = isNamed ? (text(input, 'name') ?? '') : ''
    const fixed = fixedValue(input)
    const isSwitch = isNamed && text(input, 'format') === 'boolean' && text(input, 'value') === null
    if (fixed !== null || (isSwitch && input['isRequired'] === true)) {
      if (isNamed) words.push(flagName)
      if (fixed !== null) words.push(fixed)
      continue
    }
    const [variable, inner = {}] = Object.entries(object(input['variables']))[0] ?? []
    const isRequired = flag(input, 'isRequired') ?? flag(object(inner), 'isRequired')
    const hint = text(input, 'valueHint') ?? variable ?? `argument-${position + 1}`
    const found: AnalysedArgument = {
      name: isNamed ? (flagName.startsWith('-') ? flagName : `--${flagName}`) : hint,
      position: isNamed ? null : position++,
      // One that has a default starts without.
      required: isRequired === true && text(input, 'default') === null,
      secret: input['isSecret'] === true || object(inner)['isSecret'] === true,
      example: text(input, 'placeholder') ?? text(input, 'default'),
      description: text(input, 'description') ?? text(object(inner), 'description'),
      evidence: [evidence],
    }
    asked.push({ found, isRequired: isRequired === undefined ? undefined : found.required })
  }
  return { words, asked }
}

function mergeArguments(
  found: readonly AnalysedArgument[],
  declared: readonly Declared<AnalysedArgument>[],
): readonly AnalysedArgument[] {
  const merged = [...found]
  for (const { found: more, isRequired } of declared) {
    const at = merged.findIndex(({ name, position }) =>
      more.position === null ? name === more.name : position === more.position,
    )
    const known = merged[at]
    if (known === undefined) merged.push(more)
    else {
      merged[at] = {
        ...known,
        required: isRequired ?? known.required,
        secret: known.secret || more.secret,
        example: known.example ?? more.example,
        description: known.description ?? more.description,
        evidence: [...known.evidence, ...more.evidence],
      }
    }
  }
  return merged
}

/** A value that nothing is to be filled into. */
function fixedValue(input: JsonObject): string | null {
  const value = text(input, 'value')
  return value === null || /[{}]/.test(value) || Object.keys(object(input['variables'])).length > 0
    ? null
    : value
}

function text(of: JsonObject, key: string): string | null {
  const value = of[key]
  return typeof value === 'string' && value !== '' ? value : null
}

function flag(of: JsonObject, key: string): boolean | undefined {
  const value = of[key]
  return typeof value === 'boolean' ? value : undefined
}

function texts(value: JsonValue | undefined): readonly string[] {
  return isList(value) ? value.filter((item) => typeof item === 'string') : []
}

function objects(value: JsonValue | undefined): readonly JsonObject[] {
  return isList(value) ? value.filter(isObject) : []
}

function object(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {}
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value)
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}
