import type { Mode } from '../clients/modes.ts'
import type { OfficialClient } from '../clients/official-client.ts'

/** The same client over a collection, speaking of one of its members as if there were no other. */
export function prefixed(mode: Mode, prefix: string): Mode {
  return { ...mode, connect: async (...given) => withPrefix(await mode.connect(...given), prefix) }
}

function withPrefix(client: OfficialClient, prefix: string): OfficialClient {
  const own = (names: readonly string[]): string[] =>
    names.filter((name) => name.startsWith(`${prefix}_`)).map((name) => name.slice(prefix.length + 1))
  return {
    get era() {
      return client.era
    },
    get heard() {
      return client.heard
    },
    get asked() {
      return client.asked
    },
    tools: async () => own(await client.tools()),
    prompts: async () => own(await client.prompts()),
    resources: () => client.resources(),
    templates: () => client.templates(),
    read: (uri) => client.read(uri),
    prompt: (name, given) => client.prompt(`${prefix}_${name}`, given),
    complete: (name, argument, value) => client.complete(`${prefix}_${name}`, argument, value),
    call: (name, given, options) => client.call(`${prefix}_${name}`, given, options),
    wantLogs: () => client.wantLogs(),
    subscribe: (uri) => client.subscribe(uri),
    ping: () => client.ping(),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}
