import { Client } from 'pg'
import type { Connectable } from '../connect.ts'

/** Connects, does the work, disconnects. */
export async function withClient<T>(
  { client: config }: Connectable,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ ...config, application_name: 'catwalk-backup' })
  // A connection that breaks fails the query that waits on it; the event itself needs somebody to hear it.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
