import type { ArgumentFact, Fact } from '../facts.ts'
import { looksSecret } from '../names.ts'
import { failsHere, failsIn } from './failing.ts'
import type { Origin } from './origins.ts'
import type { Scope } from './scope.ts'
import { constant, oneText, texts } from './strings.ts'
import {
  bare,
  calleeName,
  child,
  children,
  expressionsOf,
  identifier,
  isFunction,
  keyOf,
  memberName,
  type Node,
  type Program,
} from './syntax.ts'
import { walk } from './walk.ts'

type Draft = Omit<ArgumentFact, 'kind' | 'evidence' | 'role'>

/** How the code reads its command line: argument libraries, `util.parseArgs`, minimist, and `process.argv` by hand. */
export function readCommandLine(
  programs: readonly Program[],
  originOf: (program: Program, offset: number) => Origin,
): readonly Fact[] {
  const facts: Fact[] = []
  const seen = new Set<string>()
  for (const program of programs) {
    if (!/argv|parseArgs|\.option\(|commander|yargs/.test(program.text)) continue
    const add = (draft: Draft, node: Node): void => {
      if (originOf(program, node.start) === 'library') return
      const key = [draft.name, draft.position, draft.required, draft.command].join(' ')
      if (seen.has(key) || seen.size > 400) return
      seen.add(key)
      facts.push({
        kind: 'argument',
        role: 'read',
        ...draft,
        evidence: { file: program.path, line: program.lineAt(node.start), reader: 'command-line' },
      })
    }
    const command = (words: string, description: string | null, node: Node): void => {
      if (originOf(program, node.start) === 'library') return
      const [name, ...rest] = words.trim().split(/\s+/)
      if (name === undefined || !/^[a-z$*][a-z0-9:_-]*$/i.test(name)) return
      const isDefault = name === '$0' || name === '*'
      if (!isDefault)
        facts.push({
          kind: 'command',
          name,
          description,
          evidence: { file: program.path, line: program.lineAt(node.start), reader: 'command-line' },
        })
      positionals(rest, isDefault ? 0 : 1, (draft) =>
        add(isDefault ? draft : { ...draft, command: name }, node),
      )
    }
    walk(program, (node, { scope, parents }) => {
      if (node.type === 'CallExpression' || node.type === 'NewExpression') {
        const owner = subCommandOf(node, scope, parents)
        const addHere = (draft: Draft, at: Node): void =>
          add(owner === null ? draft : { ...draft, command: owner }, at)
        readCall(node, scope, addHere, command)
        readSearch(node, scope, add)
      } else if (node.type === 'MemberExpression') readIndex(node, scope, parents, add)
      else if (
        node.type === 'SwitchCase' ||
        (node.type === 'BinaryExpression' && /^={2,3}$/.test(String(node['operator'])))
      ) {
        const sides =
          node.type === 'SwitchCase' ? [child(node, 'test')] : [child(node, 'left'), child(node, 'right')]
        for (const side of sides) {
          const text = side?.type === 'Literal' && typeof side['value'] === 'string' ? side['value'] : ''
          if (/^--[a-zA-Z][\w-]*$/.test(text)) add(flag(text, {}), node)
          else if (/^[a-z][a-z-]{2,20}$/.test(text) && isCommandWord(node, scope, parents))
            command(text, null, node)
        }
      } else if (node.type === 'IfStatement') {
        readCount(node, scope, add)
        if (failsIn(child(node, 'consequent'))) readDemand(child(node, 'test'), true, scope, add)
      } else if (node.type === 'ExpressionStatement') {
        // `schema || (log('…'), process.exit(1))`, as minifiers write an `if`.
        for (const expression of expressionsOf(node)) {
          if (expression.type === 'LogicalExpression' && failsHere(bare(child(expression, 'right'))))
            readDemand(child(expression, 'left'), expression['operator'] === '&&', scope, add)
        }
      }
    })
  }
  return facts
}

/**
 * The sub-command that a call describes, as commander (`.command('x').option(…)`) and yargs (`.command('x', '…', (y) =>
 * y.option(…))`) write it: empty where its name is no constant, null for the program itself and its default command.
 */
function subCommandOf(call: Node, scope: Scope, parents: readonly Node[]): string | null {
  const described = inChain(child(bare(child(call, 'callee')), 'object'), scope)
  if (described !== null) return described.name
  for (let i = parents.length - 2; i >= 0; i--) {
    const outer = parents[i]
    if (outer !== undefined && isFunction(parents[i + 1] ?? null)) {
      const found = commandNamed(outer, scope)
      if (found !== null) return found.name
    }
  }
  return null
}

/** The command that the calls before a method in a chain made, however long the chain and whatever it was named. */
function inChain(object: Node | null, scope: Scope, depth = 0): { readonly name: string | null } | null {
  const value = bare(object)
  if (value === null || depth > 40) return null
  if (value.type === 'CallExpression') {
    return (
      commandNamed(value, scope) ?? inChain(child(bare(child(value, 'callee')), 'object'), scope, depth + 1)
    )
  }
  const found = value.type === 'Identifier' ? scope.find(identifier(value) ?? '') : null
  return found?.kind === 'variable' && found.key === null
    ? inChain(found.value, found.scope, depth + 1)
    : null
}

/** What a call of `.command(…)` makes: a sub-command, or with the name null the default one. */
function commandNamed(call: Node, scope: Scope): { readonly name: string | null } | null {
  if (call.type !== 'CallExpression' || calleeName(call) !== 'command') return null
  const [first = null, ...rest] = children(call, 'arguments')
  const [name = ''] = (oneText(first, scope) ?? '').trim().split(/\s+/)
  const isDefault =
    name === '$0' ||
    name === '*' ||
    rest.some((more) =>
      children(bare(more), 'properties').some(
        (property) => keyOf(property) === 'isDefault' && child(property, 'value')?.['value'] === true,
      ),
    )
  return { name: isDefault ? null : name }
}

function flag(name: string, more: Partial<Draft>): Draft {
  return { name, position: null, required: null, secret: looksSecret(name), ...more }
}

/** `<required> [optional] [rest...]`, as commander and yargs write it. */
function positionals(words: readonly string[], offset: number, add: (draft: Draft) => void): void {
  for (const [index, word] of words.entries()) {
    const match = /^([<[])([\w-]+)(?:\.{3}|…)?(?:\.\.)?[>\]]$/.exec(word)
    if (match?.[2] === undefined) continue
    add({
      name: match[2],
      position: index + offset,
      required: match[1] === '<',
      secret: looksSecret(match[2]),
    })
  }
}

function readCall(
  node: Node,
  scope: Scope,
  add: (draft: Draft, node: Node) => void,
  command: (words: string, description: string | null, node: Node) => void,
): void {
  const name = calleeName(node) ?? ''
  const given = children(node, 'arguments')
  const first = oneText(given[0] ?? null, scope)
  const second = bare(given[1] ?? null)
  switch (name) {
    case 'option':
    case 'requiredOption':
    case 'Option':
    case 'addOption': {
      if (first === null) return
      const written = /(--[a-zA-Z][\w-]*)(?:[ =]([<[])([^>\]]*)[>\]])?/.exec(first)
      if (written?.[1] !== undefined) {
        const description = constant(second, scope)
        const fallback = constant(given[2] ?? null, scope)
        const variable =
          description === null
            ? null
            : /(?:env(?:ironment)?(?: variable)?:? ?)`?([A-Z][A-Z0-9_]{3,})/.exec(description)
        void variable
        add(
          flag(written[1].replace(/^--no-/, '--no-'), {
            required: name === 'requiredOption' ? true : null,
            isBoolean: written[2] === undefined,
            aliases: [...first.matchAll(/(?:^|[ ,|])(-[A-Za-z])\b/g)].map((match) => match[1] ?? ''),
            ...(description === null ? {} : { description }),
            ...(fallback === null ? {} : { default: fallback, required: false }),
          }),
          node,
        )
      } else if (/^[A-Za-z][\w-]*$/.test(first) && second?.type === 'ObjectExpression')
        add(yargsOption(first, second, scope), node)
      return
    }
    case 'options':
      if (given[0]?.type === 'ObjectExpression') {
        for (const property of children(given[0], 'properties')) {
          const option = keyOf(property)
          const value = bare(child(property, 'value'))
          if (option !== null && value?.type === 'ObjectExpression')
            add(yargsOption(option, value, scope), property)
        }
      }
      return
    case 'demandOption':
      for (const option of texts(given[0] ?? null, scope)) add(flag(`--${option}`, { required: true }), node)
      return
    case 'positional':
      if (first !== null && second?.type === 'ObjectExpression') {
        const option = yargsOption(first, second, scope)
        add({ ...option, name: first, position: 0 }, node)
      }
      return
    case 'argument':
    case 'arguments': {
      if (first === null) return
      const description = constant(second, scope)
      const words = first.trim().split(/\s+/)
      positionals(
        words.map((word) => (/^[<[]/.test(word) ? word : `<${word}>`)),
        0,
        (draft) =>
          add(
            {
              ...draft,
              ...(description === null ? {} : { description }),
              ...(given.length > 2 ? { required: false } : {}),
            },
            node,
          ),
      )
      return
    }
    case 'command':
      if (first !== null) command(first, constant(second, scope), node)
      return
    case 'parseArgs': {
      const object = bare(given[0] ?? null)
      const resolved =
        object?.type === 'Identifier' ? bare(scope.find(identifier(object) ?? '')?.value ?? null) : object
      const options = children(resolved, 'properties').find((property) => keyOf(property) === 'options')
      const value = bare(child(options, 'value'))
      const table =
        value?.type === 'Identifier' ? bare(scope.find(identifier(value) ?? '')?.value ?? null) : value
      for (const property of children(table, 'properties')) {
        const option = keyOf(property)
        const details = bare(child(property, 'value'))
        if (option !== null && details?.type === 'ObjectExpression')
          add(yargsOption(option, details, scope), property)
      }
      return
    }
    default:
  }
}

function yargsOption(name: string, details: Node, scope: Scope): Draft {
  let required: boolean | null = null
  let description: string | null = null
  let fallback: string | null = null
  let isBoolean = false
  let choices: readonly string[] = []
  for (const property of children(details, 'properties')) {
    const value = child(property, 'value')
    switch (keyOf(property) ?? '') {
      case 'demandOption':
      case 'required':
      case 'demand':
        required = constant(value, scope) === 'true' || value?.type === 'Literal'
        if (constant(value, scope) === 'false') required = false
        break
      case 'describe':
      case 'description':
      case 'desc':
        description = constant(value, scope)
        break
      case 'default':
        fallback = constant(value, scope)
        required ??= false
        break
      case 'type':
        isBoolean = constant(value, scope) === 'boolean'
        break
      case 'boolean':
        isBoolean = constant(value, scope) === 'true'
        break
      case 'choices':
        choices = texts(value, scope)
        break
      default:
    }
  }
  return flag(`--${name}`, {
    required,
    isBoolean,
    ...(description === null ? {} : { description }),
    ...(fallback === null ? {} : { default: fallback }),
    ...(choices.length === 0 ? {} : { choices }),
  })
}

/** `args.includes('--x')`, `args.indexOf('--x')`, `arg.startsWith('--x=')`, `hasFlag('--x')`. */
function readSearch(node: Node, scope: Scope, add: (draft: Draft, node: Node) => void): void {
  const name = calleeName(node) ?? ''
  const first = children(node, 'arguments')[0] ?? null
  if (
    first === null ||
    !/^(?:includes|indexOf|startsWith|has|find|findIndex|getArg|hasFlag|getFlag|getOption|flag|arg|argValue|getArgValue|parseArg|lastIndexOf)/i.test(
      name,
    )
  )
    return
  const text = oneText(first, scope)
  const match = text === null ? null : /^(--[a-zA-Z][\w-]*)(=?)$/.exec(text)
  if (match?.[1] !== undefined) add(flag(match[1], name === 'includes' ? { isBoolean: true } : {}), node)
}

/** Whether an expression is the list of arguments, and how many of its first words are not the user's. */
function argumentsOffset(node: Node | null, scope: Scope, depth = 0): number | null {
  const value = bare(node)
  if (value === null || depth > 5) return null
  if (value.type === 'MemberExpression' && memberName(value) === 'argv') {
    const host = bare(child(value, 'object'))
    return identifier(host) === 'process' || memberName(host) === 'process' || isProcess(host, scope)
      ? 2
      : null
  }
  if (value.type === 'Identifier') {
    const found = scope.find(identifier(value) ?? '')
    if (found?.kind === 'variable' && found.key === null)
      return argumentsOffset(found.value, found.scope, depth + 1)
    if (found?.kind === 'import' && found.key === 'argv') return 2
    return null
  }
  if (value.type === 'CallExpression' && /^(?:slice|filter)$/.test(calleeName(value) ?? '')) {
    const inner = argumentsOffset(child(bare(child(value, 'callee')), 'object'), scope, depth + 1)
    if (inner === null) return null
    const from = children(value, 'arguments')[0]?.['value']
    return calleeName(value) === 'filter' ? inner : inner - (typeof from === 'number' ? from : 0)
  }
  return null
}

function isProcess(node: Node | null, scope: Scope): boolean {
  const found = scope.find(identifier(node) ?? '')
  return found?.kind === 'import' && (found.from === 'process' || found.from === 'node:process')
}

/** `process.argv[2]`, `args[0]`. */
function readIndex(
  node: Node,
  scope: Scope,
  parents: readonly Node[],
  add: (draft: Draft, node: Node) => void,
): void {
  const index = child(node, 'property')?.['value']
  if (node['computed'] !== true || typeof index !== 'number') return
  const offset = argumentsOffset(child(node, 'object'), scope)
  if (offset === null || index < offset || index > offset + 8) return
  const parent = parents.at(-1)
  // process.argv[2] === 'auth': a word for something else than serving.
  if (parent?.type === 'BinaryExpression' && /^={2,3}$/.test(String(parent['operator']))) {
    const other = child(parent, parent['left'] === node ? 'right' : 'left')
    if (oneText(other, scope) !== null) return
  }
  const holder = parent?.type === 'VariableDeclarator' ? identifier(child(parent, 'id')) : null
  const grand = parents.at(-2)
  const outer =
    holder ??
    (parent?.type === 'LogicalExpression' && grand?.type === 'VariableDeclarator'
      ? identifier(child(grand, 'id'))
      : null)
  const fallback =
    parent?.type === 'LogicalExpression' && parent['operator'] !== '&&' && parent['left'] === node
  const constantFallback = fallback ? constant(child(parent, 'right'), scope) : null
  add(
    {
      name:
        outer !== null && outer.length > 2
          ? outer.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()
          : `argument-${String(index - offset + 1)}`,
      position: index - offset,
      required: fallback ? false : null,
      ...(outer === null ? {} : { secret: looksSecret(outer) }),
      ...(constantFallback === null ? {} : { default: constantFallback }),
    },
    node,
  )
}

/** `if (args.length === 0) { …; process.exit(1) }`: the first ones are required. */
function readCount(node: Node, scope: Scope, add: (draft: Draft, node: Node) => void): void {
  const test = bare(child(node, 'test'))
  if (test === null || !endsProgram(child(node, 'consequent'))) return
  let wanted = 0
  let list: Node | null = null
  if (test.type === 'BinaryExpression') {
    const left = bare(child(test, 'left'))
    const right = child(test, 'right')?.['value']
    if (memberName(left) !== 'length' || typeof right !== 'number') return
    list = child(left, 'object')
    const operator = String(test['operator'])
    wanted =
      operator === '<'
        ? right
        : /^={2,3}$/.test(operator) && right === 0
          ? 1
          : operator === '<='
            ? right + 1
            : /^!={1,2}$/.test(operator)
              ? right
              : 0
  } else if (test.type === 'UnaryExpression' && test['operator'] === '!') {
    const inner = bare(child(test, 'argument'))
    if (memberName(inner) === 'length') {
      list = child(inner, 'object')
      wanted = 1
    } else {
      // const path = process.argv[2]; if (!path) exit
      const index = indexOf(inner, scope)
      if (index !== null)
        add(
          { name: index.name, position: index.position, required: true, secret: looksSecret(index.name) },
          node,
        )
      return
    }
  }
  const offset = argumentsOffset(list, scope)
  if (offset === null) return
  for (let position = 0; position < wanted - offset && position < 5; position++) {
    add({ name: `argument-${String(position + 1)}`, position, required: true }, node)
  }
}

function indexOf(node: Node | null, scope: Scope): { name: string; position: number } | null {
  if (node === null) return null
  const found = node.type === 'Identifier' ? scope.find(identifier(node) ?? '') : null
  const element = /^\[(\d)\]$/.exec(found?.key ?? '')?.[1]
  if (found !== null && element !== undefined) {
    const offset = argumentsOffset(found.value, found.scope)
    return offset === null ? null : { name: found.name, position: Number(element) - offset }
  }
  const value = bare(found === null ? node : found.value)
  const place = found?.scope ?? scope
  if (value?.type !== 'MemberExpression') return null
  const index = child(value, 'property')?.['value']
  const offset = argumentsOffset(child(value, 'object'), place)
  if (typeof index !== 'number' || offset === null || index < offset) return null
  const name =
    found !== null && found.name.length > 2
      ? found.name.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()
      : `argument-${String(index - offset + 1)}`
  return { name, position: index - offset }
}

function endsProgram(node: Node | null): boolean {
  if (node === null) return false
  if (node.type === 'BlockStatement') return children(node, 'body').some((one) => endsProgram(one))
  if (node.type === 'ThrowStatement') return true
  const expression = bare(child(node, 'expression'))
  if (expression?.type === 'CallExpression') {
    const name = calleeName(expression) ?? ''
    return name === 'exit' || /^(?:usage|showUsage|printUsage|fail|die|showHelp)/.test(name)
  }
  return false
}

/**
 * `if (!values.schema) exit`: the flag must be given. What is missing together with something else has alternatives.
 * @param isNegated whether it fails when the test holds
 */
function readDemand(
  test: Node | null,
  isNegated: boolean,
  scope: Scope,
  add: (draft: Draft, node: Node) => void,
): void {
  const value = bare(test)
  if (value === null) return
  if (isNegated && value.type === 'LogicalExpression' && value['operator'] === '||') {
    readDemand(child(value, 'left'), true, scope, add)
    readDemand(child(value, 'right'), true, scope, add)
    return
  }
  if (isNegated && !(value.type === 'UnaryExpression' && value['operator'] === '!')) return
  const name = parsedFlag(isNegated ? bare(child(value, 'argument')) : value, scope)
  if (name !== null) add(flag(`--${name}`, { required: true }), value)
}

/** The name of the flag whose value an expression is, when it comes from a parser of command lines. */
function parsedFlag(value: Node | null, scope: Scope): string | null {
  if (value?.type === 'MemberExpression') {
    return isParsed(child(value, 'object'), scope) ? memberName(value) : null
  }
  const found = scope.find(identifier(value) ?? '')
  if (found?.kind !== 'variable') return null
  return found.key === null
    ? parsedFlag(bare(found.value), found.scope)
    : isParsed(found.value, found.scope)
      ? found.key
      : null
}

/** `parseArgs(…)`, its `values`, `program.opts()`, `yargs(…).argv`, `minimist(…)`, or a name for one of them. */
function isParsed(node: Node | null, scope: Scope, depth = 0): boolean {
  const value = bare(node)
  if (value === null || depth > 4) return false
  if (value.type === 'CallExpression') {
    if (/^(?:opts|parseSync)$/.test(calleeName(value) ?? '')) return true
    const callee = bare(child(value, 'callee'))
    const imported = callee?.type === 'Identifier' ? scope.find(identifier(callee) ?? '') : null
    const name = imported?.kind === 'import' && imported.key !== 'default' ? imported.key : calleeName(value)
    return name === 'parseArgs' || name === 'minimist'
  }
  if (value.type === 'MemberExpression') {
    const name = memberName(value)
    return (
      (name === 'values' && isParsed(child(value, 'object'), scope, depth + 1)) ||
      (name === 'argv' && bare(child(value, 'object'))?.type === 'CallExpression')
    )
  }
  const found = scope.find(identifier(value) ?? '')
  if (found?.kind !== 'variable') return false
  return (found.key === null || found.key === 'values') && isParsed(found.value, found.scope, depth + 1)
}

/** `switch (args[0])`, `command === 'start'` where `command` is the first argument. */
function isCommandWord(node: Node, scope: Scope, parents: readonly Node[]): boolean {
  const subject = node.type === 'SwitchCase' ? child(parents.at(-1), 'discriminant') : child(node, 'left')
  return indexOf(bare(subject), scope)?.position === 0
}
