import { text } from 'node:stream/consumers'
import {
  CatwalkError,
  quoted,
  Secret,
  type GitSource,
  type PinnedSource,
  type SnapshotFile,
  type SourceOptions,
} from '../domain/index.ts'
import { readBytes, withRetries, type HttpClient } from '../network/index.ts'
import { archiveArgs, basicAuthorization, fetchArgs, gitEnvironment, initArgs } from './git-command.ts'
import { GitFailure, runGit } from './git-process.ts'
import { commitOfRef, parseGitRefs, type GitRefs } from './git-refs.ts'
import { placesOf } from './places.ts'
import { unpackTar, type UnpackOptions } from './unpack-tar.ts'

export interface GitReaderOptions {
  readonly http: HttpClient
  /** Origins that may be asked over plain HTTP. */
  readonly trustedOrigins: readonly string[]
  /** Path or name of git. */
  readonly command?: string | undefined
}

export interface GitReadOptions extends UnpackOptions {
  /** For git's own files; empty. */
  readonly scratch: string
  readonly token: Secret | null
}

export interface GitReader {
  pin(source: GitSource, options: SourceOptions): Promise<PinnedSource>
  /** Names of tags with their commits. */
  tags(source: GitSource, options: SourceOptions): Promise<ReadonlyMap<string, string>>
  /** Unpacks the files of a pinned source. */
  read(source: GitSource, options: GitReadOptions): Promise<readonly SnapshotFile[]>
}

const TAGS = 'refs/tags/'
const MAX_REFS_BYTES = 32 * 1024 * 1024

/** Reads repositories over git's smart HTTP protocol: asks for the refs itself and leaves the rest to git. */
export function createGitReader({ http, trustedOrigins, command = 'git' }: GitReaderOptions): GitReader {
  const discover = async (
    source: GitSource,
    { token, signal }: SourceOptions,
  ): Promise<{ base: URL; refs: GitRefs }> => {
    const url = plainIfTrusted(new URL(source.url), trustedOrigins)
    const asked = new URL(`${url.href.replace(/\/+$/, '')}/info/refs?service=git-upload-pack`)
    const authorization = token === null ? null : new Secret(basicAuthorization(url, token))
    const response = await withRetries(() => http.request(asked, { authorization, signal }), { signal })
    const { status } = response
    const answer = await readBytes(response, MAX_REFS_BYTES)
    if (status === 401 || status === 403) throw noAccess(url, token !== null)
    if (status === 404)
      throw new CatwalkError('source_not_found', `There is no repository at ${quoted(source.url)}.`)
    const refs = status === 200 ? parseGitRefs(answer) : null
    if (refs === null) {
      throw new CatwalkError(
        'source_unavailable',
        `${url.host} does not answer as a git server does at this address.`,
        {
          help: 'Check the address: it must be the one that git clone takes.',
        },
      )
    }
    return { base: new URL(response.url.href.replace(/\/info\/refs\?.*$/, '')), refs }
  }

  return {
    pin: async (source, options) => {
      const { refs } = await discover(source, options)
      for (const { ref, path } of placesOf(source)) {
        const commit = commitOfRef(refs, ref)
        if (commit === null) continue
        return { source: { ...source, ref: commit, path }, content: commit, url: source.url }
      }
      throw new CatwalkError(
        'source_not_found',
        source.ref === null
          ? 'The repository is empty.'
          : `The repository has no branch or tag ${quoted(source.ref)}.`,
        source.ref !== null && /^[0-9a-f]{7,39}$/.test(source.ref)
          ? { help: 'Give the whole hash of the commit.' }
          : {},
      )
    },
    tags: async (source, options) => {
      const { refs } = (await discover(source, options)).refs
      return new Map(
        [...refs].flatMap(([name, commit]): [string, string][] =>
          name.startsWith(TAGS) ? [[name.slice(TAGS.length), commit]] : [],
        ),
      )
    },
    read: async (source, { token, scratch, ...unpack }) => {
      const { signal, limits } = unpack
      const commit = source.ref ?? ''
      const { base } = await discover(source, { token, signal })
      try {
        const addresses = await http.addressesOf(base, signal)
        // Where the server redirected to does not get what was meant for it.
        const isSame = base.hostname === new URL(source.url).hostname
        const env = gitEnvironment({ directory: scratch, url: base, addresses, token: isSame ? token : null })
        const run = { command, directory: scratch, env, maxBytes: limits.archiveBytes, signal }
        await runGit({ ...run, args: initArgs() }, text)
        await runGit({ ...run, args: fetchArgs(base, commit) }, text)
        return await runGit({ ...run, args: archiveArgs(commit) }, (stdout) =>
          unpackTar(stdout, 'none', unpack),
        )
      } catch (error) {
        throw asCatwalkError(error, base)
      }
    },
  }
}

/** Sources are always https; a trusted server of a test is not. */
function plainIfTrusted(url: URL, trustedOrigins: readonly string[]): URL {
  const plain = new URL(url)
  plain.protocol = 'http:'
  return trustedOrigins.includes(plain.origin) ? plain : url
}

function noAccess(url: URL, hasToken: boolean): CatwalkError {
  return hasToken
    ? new CatwalkError('source_forbidden', `${url.host} does not accept the token for this repository.`)
    : new CatwalkError(
        'source_not_found',
        `There is no repository at ${quoted(url.host + url.pathname)}, or it is private.`,
      )
}

function asCatwalkError(error: unknown, { host }: URL): unknown {
  if (error instanceof GitFailure) {
    if (/not our ref|couldn't find remote ref|unadvertised object/.test(error.message)) {
      return new CatwalkError('source_not_found', 'The repository has no such commit.', { cause: error })
    }
    return new CatwalkError('source_unavailable', `The repository could not be fetched from ${host}.`, {
      cause: error,
    })
  }
  if (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ENOENT' &&
    'syscall' in error &&
    String(error.syscall).startsWith('spawn')
  ) {
    return new CatwalkError('source_unavailable', 'Git is not installed on this machine.', {
      help: 'Install git (Debian, Ubuntu: sudo apt-get install git), or use a repository on GitHub, which needs none.',
      cause: error,
    })
  }
  return error
}
