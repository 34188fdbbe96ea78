import { quoted } from '../quoted.ts'
import type { GithubSource, GitSource } from '../source.ts'
import { checkPath, checkRef, pathSegments } from './paths.ts'
import { notASource } from './refuse.ts'

// What GitHub allows; accounts that a company manages have an underscore.
const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})$/
const REPOSITORY = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/
/** First parts of pages of GitHub itself. */
const NOT_AN_OWNER = new Set(
  'about apps codespaces collections customer-stories enterprise events explore features issues join login marketplace new notifications organizations orgs pricing pulls search security settings sponsors stars topics trending users'.split(
    ' ',
  ),
)

/** `owner/name`, `owner/name@ref`, `owner/name#ref`; null for anything else. */
export function parseShorthand(text: string): GithubSource | null {
  const [, owner, name, ref] = /^([^/@#\s]+)\/([^/@#\s]+?)(?:\.git)?\/?(?:[@#](\S+))?$/.exec(text) ?? []
  if (owner === undefined || name === undefined || !OWNER.test(owner) || !REPOSITORY.test(name)) return null
  return githubSource('github.com', owner, name, ref === undefined ? null : checkRef(ref), '')
}

/**
 * A page of GitHub: the repository, or a folder, file, branch, tag or commit in it.
 * @throws CatwalkError `invalid_source` for pages that are in no repository
 */
export function parseGithubUrl(url: URL, host: string): GithubSource {
  const segments = pathSegments(url)
  const [owner, named, ...rest] = segments ?? []
  // pip writes a branch as .../name.git@ref
  const [, base, at] = /^([^@]*)(?:@(.+))?$/.exec(named ?? '') ?? []
  const name = base?.replace(/\.git$/, '')
  if (
    owner === undefined ||
    name === undefined ||
    !OWNER.test(owner) ||
    !REPOSITORY.test(name) ||
    NOT_AN_OWNER.has(owner.toLowerCase())
  ) {
    throw notASource(
      `${quoted(host + url.pathname)} is not a repository on GitHub.`,
      'Open the repository in the browser and paste its address.',
    )
  }
  const [ref, path] = placeInGithub(rest)
  const written = ref ?? fragmentRef(url) ?? (at === undefined ? null : checkRef(at))
  // The name that stands for the default branch.
  return githubSource(host, owner, name, written === 'HEAD' ? null : written, path || subdirectory(url))
}

/** `https://raw.githubusercontent.com/owner/name/ref/path/file`, where the "raw" button leads. */
export function parseRawGithubUrl(url: URL): GithubSource {
  const [owner, name, ref, ...rest] = pathSegments(url) ?? []
  const page = new URL(`https://github.com/${owner ?? ''}/${name ?? ''}`)
  // The long form has refs/heads/ before the name.
  const [first, ...path] = ref === undefined || ref === 'refs' ? rest.slice(1) : [ref, ...rest]
  const found = parseGithubUrl(page, 'github.com')
  if (first === undefined) return found
  return { ...found, ref: checkRef(first), path: checkPath(path.slice(0, -1)) }
}

function placeInGithub([page, first, ...rest]: readonly string[]): [string | null, string] {
  if (page === undefined || first === undefined) return [null, '']
  switch (page) {
    case 'tree':
      return [checkRef(first), checkPath(rest)]
    case 'blob':
    case 'raw':
    case 'blame':
    case 'edit':
      // A file: the folder that it is in.
      return [checkRef(first), checkPath(rest.slice(0, -1))]
    case 'commit':
      return [checkRef(first), '']
    case 'commits':
      return [checkRef([first, ...rest].join('/')), '']
    case 'releases':
      return first === 'tag' && rest[0] !== undefined ? [checkRef(rest.join('/')), ''] : [null, '']
    default:
      // Issues, pull requests, the wiki: the repository is what is meant.
      return [null, '']
  }
}

function githubSource(
  host: string,
  owner: string,
  repository: string,
  ref: string | null,
  path: string,
): GithubSource {
  return { kind: 'github', host, owner, repository, ref, path }
}

// Hosts of git repositories that are known by name, besides GitHub.
const FORGES = new Set(['gitlab.com', 'bitbucket.org', 'codeberg.org', 'gitea.com', 'git.sr.ht', 'gitee.com'])
const FORGE_NAME = /^(?:git|gitlab|gitea|forgejo|gogs|bitbucket|scm)\./

/** Whether a host, by its name, keeps repositories. */
export function isForge(host: string): boolean {
  return FORGES.has(host) || FORGE_NAME.test(host)
}

/** Whether an address is that of a repository by its form: `.git`, a forge's host or a forge's kind of page. */
export function looksLikeRepository(url: URL): boolean {
  if (/\.git(?:@[^/]+)?\/?$/.test(url.pathname) || /\/-\/(?:tree|blob|raw)\//.test(url.pathname)) return true
  const parts = url.pathname.split('/').filter((part) => part !== '').length
  return parts >= 2 && isForge(url.hostname.replace(/^www\./, ''))
}

/**
 * A repository anywhere. Understands the pages of GitLab (`/-/tree/ref/path`), Bitbucket (`/src/ref/path`) and Gitea
 * (`/src/branch/ref/path`), `#ref` as npm writes it, and `@ref` with `#subdirectory=` as pip does.
 * @throws CatwalkError `invalid_source`
 */
export function parseGitUrl(url: URL): GitSource {
  const segments = pathSegments(url)
  if (segments === null || segments.length === 0) {
    throw notASource(`${quoted(url.host + url.pathname)} is not the address of a repository.`)
  }
  const { repository, ref, path } = placeInForge(segments)
  const last = repository.at(-1) ?? ''
  // A name has no @, so that its canonical text is read the same way.
  const at = /^([^@]+)@(.+)$/.exec(last)
  const names = at === null ? repository : [...repository.slice(0, -1), at[1] ?? '']
  const base = `https://${url.host}/${checkPath(names).split('/').map(encodeURIComponent).join('/')}`
  return {
    kind: 'git',
    url: base,
    ref: ref ?? fragmentRef(url) ?? (at?.[2] === undefined ? null : checkRef(at[2])),
    path: path || subdirectory(url),
  }
}

interface Place {
  readonly repository: readonly string[]
  readonly ref: string | null
  readonly path: string
}

function placeInForge(segments: readonly string[]): Place {
  const dash = segments.indexOf('-')
  const src = segments.indexOf('src', 2)
  if (dash >= 2) {
    const [page, ref, ...rest] = segments.slice(dash + 1)
    return place(segments.slice(0, dash), ref, page === 'blob' || page === 'raw' ? rest.slice(0, -1) : rest)
  }
  if (src === 2 && segments.length > 3) {
    const after = segments.slice(3)
    const [ref, ...rest] = /^(?:branch|tag|commit)$/.test(after[0] ?? '') ? after.slice(1) : after
    return place(segments.slice(0, 2), ref, rest)
  }
  return place(segments, undefined, [])
}

function place(repository: readonly string[], ref: string | undefined, path: readonly string[]): Place {
  return ref === undefined || ref === ''
    ? { repository, ref: null, path: '' }
    : { repository, ref: checkRef(ref), path: checkPath(path) }
}

/** `.git#main` is npm's form, `#subdirectory=x` pip's, `#ref=main` ours; another fragment is a heading of a page. */
function fragmentRef(url: URL): string | null {
  const fragment = url.hash.slice(1)
  const named = new URLSearchParams(fragment).get('ref')
  if (named !== null) return checkRef(named)
  if (!/\.git\/?$/.test(url.pathname) || fragment === '' || fragment.includes('=')) return null
  return checkRef(fragment)
}

function subdirectory(url: URL): string {
  const folder = new URLSearchParams(url.hash.slice(1)).get('subdirectory')
  return folder === null ? '' : checkPath(folder.split('/'))
}
