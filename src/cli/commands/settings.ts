import type { RouteInput, RouteOutput } from '../../contract/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatTable } from '../table.ts'

export interface SettingsOptions extends CommonOptions {
  readonly access?: RouteInput<'changeSettings'>['body']['access']
  readonly origin?: readonly string[]
  /** False for `--no-origins`. */
  readonly origins?: boolean
  readonly processes?: RouteOutput<'getSettings'>['processes']
  readonly stateful?: boolean
  readonly keepData?: boolean
  readonly alwaysOn?: boolean
  /** Seconds; `default` for what the installation is set to. */
  readonly idleTimeout?: number | 'default'
}

/** Shows the settings of an endpoint, after the changes that are asked for. */
export async function settings(
  context: CommandContext,
  id: string,
  { access, origin, origins, processes, stateful, keepData, alwaysOn, idleTimeout }: SettingsOptions,
): Promise<void> {
  const { output } = context
  const body: RouteInput<'changeSettings'>['body'] = {
    ...(access === undefined ? {} : { access }),
    ...(origin === undefined ? {} : { allowedOrigins: [...origin] }),
    ...(origins === false ? { allowedOrigins: [] } : {}),
    ...(processes === undefined ? {} : { processes }),
    ...(stateful === undefined ? {} : { stateful }),
    ...(keepData === undefined ? {} : { keepsData: keepData }),
    ...(alwaysOn === undefined ? {} : { alwaysOn }),
    ...(idleTimeout === undefined ? {} : { idleTimeoutS: idleTimeout === 'default' ? null : idleTimeout }),
  }
  const input = { params: { id } }
  const current =
    Object.keys(body).length === 0
      ? await context.call('getSettings', input)
      : await context.call('changeSettings', { ...input, body })
  if (access === 'public') output.note(PUBLIC_WARNING)
  output.result(current, () =>
    formatTable(
      output,
      ['SETTING', 'VALUE'],
      [
        ['access', ACCESS_WORDS[current.access]],
        ['allowed origins', current.allowedOrigins.join(' ') || '-'],
        ['processes', current.processes],
        ['stateful', current.stateful ? 'yes' : 'no'],
        ['keeps data', current.keepsData ? 'yes' : 'no'],
        ['always on', current.alwaysOn ? 'yes' : 'no'],
        ['sleeps after', current.idleTimeoutS === null ? 'default' : `${current.idleTimeoutS} s`],
      ].map((row) => row.map(cleanLine)),
    ),
  )
}

const ACCESS_WORDS: Readonly<Record<RouteOutput<'getSettings'>['access'], string>> = {
  token: 'token',
  oauth: 'oauth',
  both: 'both (token or oauth)',
  public: 'public (everybody)',
}

const PUBLIC_WARNING =
  'Everybody who can reach the endpoint may now call all of its tools, without a token, with the credentials that it has.'
