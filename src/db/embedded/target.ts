import type { ConnectionTarget } from '../connection-url.ts'

/** PostgreSQL's name for the one user of the embedded database. */
export const DATABASE_USER = 'catwalk'

/** Leads to the server whose socket is in this directory. */
export function embeddedTarget(sockets: string): ConnectionTarget {
  return {
    host: sockets,
    port: 5432,
    user: DATABASE_USER,
    password: null,
    database: 'postgres',
    sslMode: 'disable',
    sslRootCert: null,
    sslCert: null,
    sslKey: null,
    applicationName: 'catwalk',
    options: null,
    ignored: [],
  }
}
