import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Certificate {
  /** PEM. */
  readonly key: string
  /** PEM; signed by itself, so that whoever trusts it trusts nothing else. */
  readonly certificate: string
  readonly certificatePath: string
}

/**
 * Makes a certificate in a directory.
 * @param name as OpenSSL writes it, such as `IP:127.0.0.1` or `DNS:localhost`
 */
export async function makeCertificate(directory: string, name: string): Promise<Certificate> {
  const file = name.replaceAll(/\W/g, '-')
  const keyPath = join(directory, `${file}.key.pem`)
  const certificatePath = join(directory, `${file}.pem`)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyPath]
  const about = ['-days', '2', '-subj', '/CN=test', '-addext', `subjectAltName=${name}`]
  await promisify(execFile)('openssl', ['req', '-x509', ...newKey, ...about, '-out', certificatePath])
  return {
    key: await readFile(keyPath, 'utf8'),
    certificate: await readFile(certificatePath, 'utf8'),
    certificatePath,
  }
}
