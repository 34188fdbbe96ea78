import { readFile } from 'node:fs/promises'
import { rootCertificates, type ConnectionOptions } from 'node:tls'
import { CatwalkError } from '../domain/index.ts'
import type { ConnectionTarget, SslMode } from './connection-url.ts'

/** Certificates as text, null where the URL names none. */
export interface TlsFiles {
  readonly rootCert: string | null
  readonly cert: string | null
  readonly key: string | null
}

/**
 * Reads the files that the URL names.
 * @throws CatwalkError `config_invalid` for a file that cannot be read
 */
export async function readTlsFiles(target: ConnectionTarget): Promise<TlsFiles> {
  const { sslRootCert, sslCert, sslKey } = target
  const rootCert =
    sslRootCert === 'system' ? rootCertificates.join('\n') : await readNamed('sslrootcert', sslRootCert)
  return { rootCert, cert: await readNamed('sslcert', sslCert), key: await readNamed('sslkey', sslKey) }
}

async function readNamed(parameter: string, file: string | null): Promise<string | null> {
  if (file === null) return null
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new CatwalkError(
      'config_invalid',
      `DATABASE_URL: the file of ${parameter}, ${file}, cannot be read.`,
      {
        details: { field: 'DATABASE_URL' },
        cause,
      },
    )
  }
}

/**
 * How to encrypt under a mode. `require` with a root certificate verifies it, as PostgreSQL's own clients do;
 * `verify-full` without one trusts the public authorities that come with Node.
 * @throws CatwalkError `config_invalid` for `verify-ca` without a root certificate: anyone can get a public one
 */
export function tlsOptions(mode: Exclude<SslMode, 'disable'>, files: TlsFiles): ConnectionOptions {
  const client = {
    ...(files.cert === null ? {} : { cert: files.cert }),
    ...(files.key === null ? {} : { key: files.key }),
  }
  const anyName = { checkServerIdentity: () => undefined }
  switch (mode) {
    case 'verify-full':
      return {
        ...client,
        rejectUnauthorized: true,
        ...(files.rootCert === null ? {} : { ca: files.rootCert }),
      }
    case 'verify-ca':
      if (files.rootCert === null) {
        throw new CatwalkError('config_invalid', 'DATABASE_URL: sslmode=verify-ca needs sslrootcert.', {
          help: 'Name the file of the certificate authority with sslrootcert=…, or use sslmode=verify-full.',
          details: { field: 'DATABASE_URL' },
        })
      }
      return { ...client, rejectUnauthorized: true, ca: files.rootCert, ...anyName }
    case 'require':
      if (files.rootCert !== null)
        return { ...client, rejectUnauthorized: true, ca: files.rootCert, ...anyName }
      break
    case 'allow':
    case 'prefer':
      break
  }
  return { ...client, rejectUnauthorized: false }
}
