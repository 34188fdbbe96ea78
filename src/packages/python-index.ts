import { readFile } from 'node:fs/promises'
import type { Secret } from '../domain/index.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where Python packages come from on this host. */
export interface PythonIndexConfiguration {
  /** Address of the simple index (PEP 503); may hold credentials. */
  readonly url: string
  /** `host:port` of the index and of the files that its pages lead to. */
  readonly origins: readonly string[]
  /** Certificates (PEM) that pip is told to trust instead of its own; null for its own. */
  readonly certificates: string | null
}

const PYPI = 'https://pypi.org/simple/'
/** PyPI's pages lead to files on another host. */
const PYPI_FILES = 'files.pythonhosted.org:443'

/**
 * @param configured the index that Catwalk itself is set up for; null for the one of the host's pip, else PyPI
 * @param environment usually `process.env`
 */
export async function loadPythonIndex(
  configured: string | null,
  environment: Environment,
): Promise<PythonIndexConfiguration> {
  const text = configured ?? environment['PIP_INDEX_URL'] ?? PYPI
  const url = URL.canParse(text) ? new URL(text) : new URL(PYPI)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = url.port === '' ? (url.protocol === 'http:' ? '80' : '443') : url.port
  const file = ['PIP_CERT', 'REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE']
    .map((name) => environment[name])
    .find(Boolean)
  return {
    url: url.href,
    origins: host === 'pypi.org' ? [`${host}:${port}`, PYPI_FILES] : [`${host}:${port}`],
    certificates: file === undefined ? null : await readFile(file, 'utf8').catch(() => null),
  }
}

/** The same index with a token in place of the credentials in its address, as PyPI and its likes take one. */
export function withPythonToken(index: PythonIndexConfiguration, token: Secret): PythonIndexConfiguration {
  const url = new URL(index.url)
  url.username = '__token__'
  url.password = encodeURIComponent(token.reveal())
  return { ...index, url: url.href }
}
