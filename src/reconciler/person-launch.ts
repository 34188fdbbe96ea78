import type { queries } from '../db/index.ts'
import {
  CatwalkError,
  createRedactor,
  newId,
  placeholderFor,
  Secret,
  type Instance,
  type InstanceTools,
  type Offers,
  type Redactor,
  type ToolDoor,
} from '../domain/index.ts'
import { openPersonalCredentials } from '../services/index.ts'
import type { ReconcilerDependencies } from './dependencies.ts'
import type { PeopleOptions } from './people.ts'

const HOME = '/home/server'

/** Whose process is started, and with what. */
export interface PersonalLaunch {
  readonly person: string
  /** What they have brought, encrypted. */
  readonly own?: readonly queries.CredentialRow[]
  /** In place of that. */
  readonly values?: ReadonlyMap<string, Secret>
  readonly sealKey: Buffer
  /** Takes what the process offers that person's clients with certain capabilities. */
  readonly offered?: ToolDoor['offered']
}

/**
 * How a process is started for one person. The values are opened here, at the last moment, and are nowhere else.
 * @throws CatwalkError `credential_unreadable`
 */
export function launchFor(
  deps: ReconcilerDependencies,
  { launchable, epoch, lockFile, sessions, era }: PeopleOptions,
  { person, own = [], values = new Map(), sealKey, offered }: PersonalLaunch,
): { readonly start: (signal: AbortSignal) => Promise<Instance>; readonly redact: Redactor } {
  const { deployment, release, runtime } = launchable
  const credentials = new Map([
    ...launchable.credentials,
    ...values,
    ...openPersonalCredentials(deps.vault, own),
  ])
  // The values are revealed to a function that only ever removes them.
  const redact = createRedactor(new Map([...credentials].map(([name, secret]) => [name, secret.reveal()])))
  return {
    redact,
    start: async (signal) => {
      const instanceId = newId('instance')
      const output = launchable.outputOf(instanceId)
      return runtime.start(
        {
          instanceId,
          workspaceId: deployment.workspace_id,
          deploymentId: deployment.id,
          releaseId: release.id,
          person,
          epoch,
          slot: deployment.slot,
          spec: release.launch_spec,
          settings: release.settings,
          lockFile,
          credentials,
          sealKey,
          sessions,
          tools: doorFor(deps.tools(deployment.id, release.id), offered),
          processes: deployment.processes,
          stateful: deployment.stateful,
          era: era ?? null,
          output: (stream, line) => output(stream, redact(line)),
        },
        signal,
      )
    },
  }
}

/** A door that keeps what is offered with the person, and the tools alone with the release. */
function doorFor(door: InstanceTools, offered: ToolDoor['offered'] = () => undefined): InstanceTools {
  return {
    get rules() {
      return door.rules
    },
    source: door.source,
    saw: (tools) => door.saw(tools),
    knows: (set) => door.knows(set),
    offered(set, offers) {
      offered(set, offers)
      door.offered(set, withoutPersonal(offers, true))
    },
    onChange: (listener) => door.onChange(listener),
  }
}

/** Values of the right form that open nothing. */
export function placeholders(
  { launch_spec: spec }: queries.ReleaseRow,
  names: readonly string[],
): ReadonlyMap<string, Secret> {
  const declared = spec.variables.filter(({ name }) => names.includes(name))
  return new Map(
    declared.map(({ name, secret, default: standard, file }) => {
      const example = secret ? null : standard
      const format = file === undefined ? 'text' : 'file'
      return [name, new Secret(placeholderFor({ name, secret, example, format, choices: [] }, {}, HOME))]
    }),
  )
}

/**
 * What may be shown to all members. What a server says about one person's account, such as their files, stays with that
 * person: of a process that had somebody's own values, the tools are kept.
 */
export function withoutPersonal<T extends Offers>(manifest: T, isSomebodys: boolean): T {
  if (!isSomebodys) return manifest
  return { ...manifest, instructions: null, resources: [], resourceTemplates: [], prompts: [] }
}

/** Where a member brings their own credentials for a deployment, and how they are told. */
export function bringPage(
  publicUrl: string,
  { id, name }: Pick<queries.DeploymentRow, 'id' | 'name'>,
): { readonly url: string; readonly error: CatwalkError } {
  const url = `${publicUrl}/your-credentials?deployment=${id}`
  const text = `${name} works with your own credentials, and has none of yours that it could use. Bring them at ${url}`
  return { url, error: new CatwalkError('own_credentials_needed', text, { details: { url } }) }
}
