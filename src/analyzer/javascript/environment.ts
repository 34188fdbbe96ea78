import type { Fact, SignalFact } from '../facts.ts'
import { looksSecret, VARIABLE_NAME } from '../names.ts'
import { needed, presenceOf, type Knowledge } from './conditions.ts'
import { isEnvironment } from './environment-object.ts'
import { failsHere, failsIn, throwsWithout } from './failing.ts'
import { functionOf, nameOfHelper, shapeOf, type Helper } from './helpers.ts'
import type { Origin } from './origins.ts'
import { always, either, implies, type Presence } from './presence.ts'
import { Reads } from './reads.ts'
import { askedIn, presenceOfResult, Results, textsIn } from './results.ts'
import type { Scope } from './scope.ts'
import { constant, oneText, texts } from './strings.ts'
import { surroundingsOf, type Surroundings } from './surroundings.ts'
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
import { walk, type Place } from './walk.ts'

interface Call {
  readonly node: Node
  readonly scope: Scope
  readonly program: Program
  readonly around: Surroundings
}

interface Condition {
  readonly test: Node
  readonly scope: Scope
  readonly program: Program
  /** What fails stands in the `else`, or on the right of `||`. */
  readonly isElse: boolean
  /** What fails. */
  readonly failing: Node | null
  readonly parents: readonly Node[]
}

/** A message that says for which part something is needed. */
const OF_A_PART =
  /\brequired for (?:the )?(?!(?:all|any|api|every|mcp|most|other|these|this|those)\b)[\w-]+(?: [\w-]+)? (?:tools?|features?|operations?|commands?)\b|^\s*--[\w-]+ (?:requires|needs)\b/i
const SWITCH = /^(?:is|use|has|should|with)[A-Z]|enabled?$|^(?:on|active)$/i
const METHODS_OF_LISTS = /^(?:filter|forEach|some|every|map|find|flatMap|reduce)$/
const MOST_VALUES = 6

/** Which variables the code of one program reads, what it does without them, and which of several it must have. */
export function readEnvironment(
  programs: readonly Program[],
  originOf: (program: Program, offset: number) => Origin,
): readonly Fact[] {
  const reader = new EnvironmentReader(originOf)
  for (const program of programs) walk(program, (node, place) => reader.prepare(node, place))
  for (const program of programs) walk(program, (node, place) => reader.read(node, place))
  return reader.conclude()
}

class EnvironmentReader {
  readonly #originOf: (program: Program, offset: number) => Origin
  /** Functions that are handed the environment, and as which parameters. */
  readonly #parameters = new Map<Node, Set<number>>()
  readonly #helpers = new Map<Node, Helper>()
  /** Helpers as other files know them. */
  readonly #helpersByName = new Map<string, Helper>()
  readonly #properties = new Map<string, { node: Node; scope: Scope }[]>()
  readonly #calls: Call[] = []
  readonly #conditions: Condition[] = []
  readonly #handedOn: Pick<Condition, 'test' | 'scope' | 'program'>[] = []
  readonly #prefixes: { prefix: string; program: Program; node: Node }[] = []
  readonly #facts: Fact[] = []
  readonly #reads: Reads
  readonly #results = new Results()
  readonly #presenceOfResults = new Map<Node, Presence | null>()
  readonly #knowledge: Knowledge
  #iterates = false

  constructor(originOf: (program: Program, offset: number) => Origin) {
    this.#originOf = originOf
    this.#reads = new Reads(originOf)
    this.#knowledge = {
      isEnvironment: (node, scope) => isEnvironment(node, scope, this.#parameters),
      namesRead: (node, scope) => this.#namesRead(node, scope),
      helperOf: (call, scope) => this.#helperOf(call, scope),
      presenceOfCall: (call, scope) => this.#presenceOfCall(call, scope),
      properties: this.#properties,
    }
  }

  /** First pass: which functions are handed the environment, and which properties hold what. */
  prepare(node: Node, { scope, program, parents }: Place): void {
    switch (node.type) {
      case 'FunctionDeclaration':
        this.#results.name(node)
        break
      case 'ReturnStatement':
        this.#results.note(node, scope, parents)
        break
      case 'CallExpression':
      case 'NewExpression':
        for (const [index, argument] of children(node, 'arguments').entries()) {
          if (!this.#knowledge.isEnvironment(argument, scope)) continue
          const called = functionOf(child(node, 'callee'), scope)
          if (called === null)
            this.#signal('hands_environment_on', calleeName(node) ?? 'a function', program, node)
          else this.#parameters.set(called, (this.#parameters.get(called) ?? new Set()).add(index))
        }
        break
      case 'Property':
      case 'PropertyDefinition':
        this.#remember(keyOf(node), child(node, 'value'), scope)
        break
      case 'MethodDefinition':
        if (node['kind'] === 'get') this.#remember(keyOf(node), onlyResult(child(node, 'value')), scope)
        break
      case 'AssignmentExpression':
        this.#remember(memberName(bare(child(node, 'left'))), child(node, 'right'), scope)
        break
      default:
    }
  }

  #remember(name: string | null, node: Node | null, scope: Scope): void {
    const value = bare(node)
    if (name === null || value === null) return
    if (!/^(?:MemberExpression|LogicalExpression|CallExpression|Identifier)$/.test(value.type)) return
    const known = this.#properties.get(name) ?? []
    if (known.length < MOST_VALUES) this.#properties.set(name, [...known, { node: value, scope }])
  }

  /** Second pass: reads, helpers and conditions. */
  read(node: Node, place: Place): void {
    const { scope, parents, program } = place
    switch (node.type) {
      case 'MemberExpression':
        this.#readMember(node, place)
        break
      case 'VariableDeclarator':
        this.#readPattern(child(node, 'id'), child(node, 'init'), place)
        break
      case 'AssignmentExpression':
        this.#readPattern(child(node, 'left'), child(node, 'right'), place)
        break
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        for (const [index, parameter] of children(node, 'params').entries()) {
          if (this.#parameters.get(node)?.has(index) !== true) continue
          const pattern = parameter.type === 'AssignmentPattern' ? child(parameter, 'left') : parameter
          if (pattern?.type === 'ObjectPattern') this.#notePattern(pattern, place)
        }
        break
      case 'CallExpression':
        this.#readCall(node, place)
        break
      case 'IfStatement': {
        const test = child(node, 'test')
        if (test === null) break
        if (isHandedOn(node)) this.#handedOn.push({ test, scope, program })
        const isElse = !failsIn(child(node, 'consequent'))
        const failing = child(node, isElse ? 'alternate' : 'consequent')
        if (isElse && !failsIn(failing)) break
        this.#conditions.push({ test, scope, program, isElse, failing, parents: [...parents, node] })
        break
      }
      case 'ExpressionStatement': {
        // `key || (log('…'), process.exit(1))`, as minifiers write an `if`.
        for (const expression of expressionsOf(node)) {
          const test = child(expression, 'left')
          const failing = child(expression, 'right')
          if (expression.type !== 'LogicalExpression' || test === null || !failsHere(bare(failing))) continue
          const isElse = expression['operator'] !== '&&'
          this.#conditions.push({ test, scope, program, isElse, failing, parents: [...parents, node] })
        }
        break
      }
      case 'ThrowStatement':
        this.#readGuards(node, place)
        break
      default:
    }
  }

  #readMember(node: Node, place: Place): void {
    const { scope, parents, program } = place
    if (!this.#knowledge.isEnvironment(child(node, 'object'), scope)) return
    const parent = parents.at(-1)
    // A write, such as process.env.X = …, says nothing about who else sets it.
    if (parent?.type === 'AssignmentExpression' && parent['left'] === node && parent['operator'] === '=')
      return
    const names = this.#namesRead(node, scope) ?? []
    if (names.length === 0) {
      if (node['computed'] === true) this.#learnHelper(child(node, 'property'), place, node)
      return
    }
    this.#signal('reads_environment', names[0] ?? '', program, node)
    const around = surroundingsOf(node, place)
    for (const name of names) this.#reads.note(name, program, node, around)
  }

  #readPattern(pattern: Node | null, value: Node | null, place: Place): void {
    if (pattern?.type !== 'ObjectPattern' || !this.#knowledge.isEnvironment(value, place.scope)) return
    this.#notePattern(pattern, place)
  }

  #notePattern(pattern: Node, { scope, program }: Place): void {
    for (const property of children(pattern, 'properties')) {
      const name = keyOf(property)
      if (name === null) continue
      const value = child(property, 'value')
      const fallback = value?.type === 'AssignmentPattern' ? constant(child(value, 'right'), scope) : null
      this.#reads.note(
        name,
        program,
        property,
        fallback === null ? {} : { default: fallback, required: false },
      )
    }
    this.#signal('reads_environment', 'destructured', program, pattern)
  }

  #readCall(node: Node, place: Place): void {
    const { scope, program } = place
    const names = this.#namesRead(node, scope) ?? []
    for (const name of names) this.#reads.note(name, program, node, surroundingsOf(node, place))
    const all = children(node, 'arguments')
    const [first = null] = all
    const called = calleeName(node)
    if (called === 'startsWith') {
      const prefix = oneText(first, scope)
      if (prefix !== null && /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_$/.test(prefix))
        this.#prefixes.push({ prefix, program, node })
    }
    if ((called === 'keys' || called === 'entries') && this.#knowledge.isEnvironment(first, scope))
      this.#iterates = true
    if (all.some((argument) => canBeName(argument))) {
      this.#calls.push({ node, scope, program, around: surroundingsOf(node, place) })
    }
  }

  /** Names that `process.env[…]` or `Deno.env.get(…)` reads; null when it is no read, empty when the key varies. */
  #namesRead(node: Node | null, scope: Scope): readonly string[] | null {
    const value = bare(node)
    if (value?.type === 'CallExpression') {
      const callee = bare(child(value, 'callee'))
      const object = bare(child(callee, 'object'))
      const isDeno = memberName(object) === 'env' && identifier(child(object, 'object')) === 'Deno'
      if (!isDeno || memberName(callee) !== 'get') return null
      return texts(children(value, 'arguments')[0] ?? null, scope)
    }
    if (value?.type !== 'MemberExpression' || !this.#knowledge.isEnvironment(child(value, 'object'), scope))
      return null
    const name = memberName(value)
    return name === null ? texts(child(value, 'property'), scope) : [name]
  }

  #helperOf(call: Node, scope: Scope): Helper | null {
    const called = functionOf(child(call, 'callee'), scope)
    if (called !== null) return this.#helpers.get(called) ?? null
    const name = calleeName(call)
    return name === null ? null : (this.#helpersByName.get(name) ?? null)
  }

  /** What must be given so that a function of the program returns something. */
  #presenceOfCall(call: Node, scope: Scope): Presence | null {
    const called = functionOf(child(call, 'callee'), scope) ?? this.#results.named(calleeName(call) ?? '')
    if (called === null) return null
    const known = this.#presenceOfResults.get(called)
    if (known !== undefined) return known
    // A function that calls itself says nothing of itself.
    this.#presenceOfResults.set(called, null)
    const presence = presenceOfResult(this.#results.of(called), {
      presence: (node, at) => presenceOf(node, at, this.#knowledge),
      needed: (test, at) => needed(test, at, this.#knowledge),
    })
    this.#presenceOfResults.set(called, presence)
    return presence
  }

  /** The key of a read is no constant: when it comes from a parameter, the function is a helper. */
  #learnHelper(key: Node | null, place: Place, node: Node): void {
    const { scope, parents, program } = place
    const shape = shapeOf(bare(key), scope)
    if (shape === null) {
      this.#signal('reads_environment_by_computed_name', 'a computed name', program, node)
      return
    }
    const { owner, index, names } = shape
    const call = parents[parents.indexOf(owner) - 1]
    const method = call?.type === 'CallExpression' ? (calleeName(call) ?? '') : ''
    if (call !== undefined && METHODS_OF_LISTS.test(method) && index === 0) {
      // NAMES.filter((name) => !process.env[name])
      const isDemand = method === 'filter' && parents.at(-1)?.type === 'UnaryExpression'
      const list = child(bare(child(call, 'callee')), 'object')
      for (const name of texts(list, scope).flatMap((text) => names(text))) {
        this.#reads.note(name, program, node, isDemand ? { required: true } : {})
      }
      return
    }
    this.#addHelper(owner, { index, names, demands: throwsWithout(owner) }, nameOfHelper(owner, parents))
  }

  #addHelper(owner: Node, helper: Helper, name: string | null): void {
    if (!this.#helpers.has(owner)) this.#helpers.set(owner, helper)
    // Names of one or two letters are a minifier's.
    if (name !== null && name.length > 2) this.#helpersByName.set(name, helper)
  }

  /** `if (a) return …; if (b) return …; throw`: one of a and b must be there. */
  #readGuards(node: Node, { scope, program, parents }: Place): void {
    const block = parents.at(-1)
    if (block?.type !== 'BlockStatement' || !isFunction(parents.at(-2) ?? null)) return
    const tests: Presence[] = []
    for (const statement of children(block, 'body')) {
      if (statement === node) break
      if (statement.type !== 'IfStatement') continue
      const presence = presenceOf(child(statement, 'test'), scope, this.#knowledge)
      if (presence === null) return
      tests.push(presence)
    }
    if (tests.length > 0) this.#demand(either(...tests), program, node)
  }

  #demand(presence: Presence, program: Program, node: Node): void {
    if (presence.length === 0 || presence.some((one) => one.length === 0)) return
    if (presence.flat().some((name) => !VARIABLE_NAME.test(name))) return
    if (this.#originOf(program, node.start) === 'library') return
    for (const name of always(presence)) this.#reads.note(name, program, node, { required: true })
    if (presence.length > 1) {
      this.#facts.push({ kind: 'demand', alternatives: presence, evidence: evidenceAt(program, node) })
    }
  }

  /** After both passes: calls of helpers, conditions and prefixes. */
  conclude(): readonly Fact[] {
    // Helpers may call helpers: go on until nothing new is learnt.
    for (let round = 0; round < 4; round++) {
      const before = this.#reads.size + this.#helpers.size
      for (const call of this.#calls) this.#followCall(call)
      if (this.#reads.size + this.#helpers.size === before) break
    }
    for (const condition of this.#conditions) this.#followCondition(condition)
    for (const { test, scope, program } of this.#handedOn) {
      const presence = presenceOf(test, scope, this.#knowledge) ?? []
      // A request without its key is sent as well, and refused.
      for (const name of presence.flat().filter((one) => !looksSecret(one)))
        this.#reads.note(name, program, test, { required: false })
    }
    for (const { prefix, program, node } of this.#iterates ? this.#prefixes : []) {
      if (this.#originOf(program, node.start) === 'own')
        this.#reads.note(`${prefix}*`, program, node, { required: false })
    }
    return [...this.#facts, ...this.#reads.facts()]
  }

  #followCall({ node, scope, program, around }: Call): void {
    const helper = this.#helperOf(node, scope)
    if (helper === null) return
    const all = children(node, 'arguments')
    const key = all[helper.index] ?? null
    const handed = texts(key, scope)
    const fallback = around.default ?? constant(all[helper.index + 1] ?? null, scope)
    for (const name of handed.flatMap((text) => helper.names(text))) {
      if (!/[A-Z]/.test(name)) continue
      const isDemanded = helper.demands || around.required === true
      this.#reads.note(name, program, node, {
        default: fallback,
        required: fallback !== null ? false : isDemanded ? true : null,
      })
    }
    if (handed.length > 0) return
    const shape = shapeOf(bare(key), scope)
    if (shape === null || this.#helpers.has(shape.owner)) return
    const names = (text: string): readonly string[] => shape.names(text).flatMap((one) => helper.names(one))
    const demands = helper.demands || throwsWithout(shape.owner)
    this.#addHelper(shape.owner, { index: shape.index, names, demands }, identifier(child(shape.owner, 'id')))
  }

  #followCondition({ test, scope, program, isElse, failing, parents }: Condition): void {
    if (OF_A_PART.test(textsIn(failing))) return
    const read = isElse ? presenceOf : needed
    let presence = read(test, scope, this.#knowledge)
    // What the condition hangs on is not clear; what is said about it may be.
    if (presence === null && isAbsence(test, isElse))
      presence = askedIn(textsIn(failing), (name) => this.#reads.has(name))
    if (presence === null || presence.length === 0) return
    const assured: Presence[] = []
    for (let i = parents.length - 2; i >= 0; i--) {
      const outer = parents[i]
      if (outer?.type === 'BlockStatement') {
        if (isSwitchedOff(outer, parents[i + 1], scope)) return
        for (const way of waysOut(outer, parents[i + 1])) {
          const without = needed(way, scope, this.#knowledge)
          if (without !== null && without.length > 0) assured.push(without)
        }
      }
      if (outer === undefined || isFunction(outer)) {
        if (parents.slice(0, i).some((one) => one.type === 'SwitchCase')) return
        break
      }
      // What fails only in some mode is not demanded.
      if (outer.type === 'SwitchCase' || outer.type === 'ConditionalExpression') return
      if (outer.type !== 'IfStatement' || outer['test'] === parents[i + 1]) continue
      const also =
        outer['consequent'] === parents[i + 1] ? needed(child(outer, 'test'), scope, this.#knowledge) : null
      if (also === null) return
      presence = either(presence, also)
    }
    // Whoever comes here has given it.
    if (assured.some((one) => implies(one, presence ?? []))) return
    const handled = new Set(assured.flatMap((one) => always(one)))
    this.#demand(
      presence.map((names) => names.filter((name) => !handled.has(name))),
      program,
      test,
    )
  }

  #signal(signal: SignalFact['signal'], detail: string, program: Program, node: Node): void {
    if (this.#originOf(program, node.start) === 'library') return
    this.#facts.push({ kind: 'signal', signal, detail, evidence: evidenceAt(program, node) })
  }
}

/** `if (user) options.user = user`, and nothing else when there is none. */
function isHandedOn(node: Node): boolean {
  if (child(node, 'alternate') !== null) return false
  const consequent = child(node, 'consequent')
  const [only, ...more] = consequent?.type === 'BlockStatement' ? children(consequent, 'body') : [consequent]
  const assignment = bare(child(only ?? null, 'expression'))
  return (
    more.length === 0 &&
    assignment?.type === 'AssignmentExpression' &&
    bare(child(assignment, 'left'))?.type === 'MemberExpression'
  )
}

/** Conditions under which a block is left by a bare `return`, and nothing fails, before it comes to one of its statements. */
function waysOut(block: Node, statement: Node | undefined): readonly (Node | null)[] {
  const statements = children(block, 'body')
  const before = statements.slice(
    0,
    Math.max(
      0,
      statements.findIndex((one) => one === statement),
    ),
  )
  return before.flatMap((one) => {
    if (one.type !== 'IfStatement' || child(one, 'alternate') !== null) return []
    const consequent = child(one, 'consequent')
    const last = consequent?.type === 'BlockStatement' ? children(consequent, 'body').at(-1) : consequent
    return last?.type !== 'ReturnStatement' || failsIn(consequent) ? [] : [child(one, 'test')]
  })
}

/** `if (!enabled) return`, where `enabled` is what the function was called with: what follows is for who turned it on. */
function isSwitchedOff(block: Node, statement: Node | undefined, scope: Scope): boolean {
  return waysOut(block, statement).some((test) => {
    const value = bare(test)
    if (value?.type !== 'UnaryExpression' || value['operator'] !== '!') return false
    const name = identifier(bare(child(value, 'argument')))
    return name !== null && SWITCH.test(name) && scope.find(name)?.kind === 'parameter'
  })
}

/** `!x`, `x == null`, `x.length === 0`; for what fails in the other branch: `x`. */
function isAbsence(test: Node, isElse: boolean): boolean {
  const value = bare(test)
  if (isElse) return /^(?:Identifier|MemberExpression)$/.test(value?.type ?? '')
  if (value?.type === 'UnaryExpression') return value['operator'] === '!'
  return value?.type === 'BinaryExpression' && /^={2,3}$/.test(String(value['operator']))
}

/** What a function gives that does nothing but return it. */
function onlyResult(owner: Node | null): Node | null {
  const [first, ...more] = children(child(owner, 'body'), 'body')
  return first?.type === 'ReturnStatement' && more.length === 0 ? child(first, 'argument') : null
}

function evidenceAt(program: Program, node: Node): Fact['evidence'] {
  return { file: program.path, line: program.lineAt(node.start), reader: 'javascript' }
}

function canBeName(node: Node): boolean {
  return (
    (node.type === 'Literal' && typeof node['value'] === 'string' && node['value'].length < 80) ||
    node.type === 'Identifier' ||
    node.type === 'MemberExpression' ||
    node.type === 'TemplateLiteral' ||
    (node.type === 'BinaryExpression' && node['operator'] === '+')
  )
}
