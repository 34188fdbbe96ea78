import { queries, type Database } from '../../src/db/index.ts'

/** Passes on the ids of deployments that changed, as the program does. */
export async function readAnnouncementsInto(
  database: Database,
  onChange: (deploymentId: string) => void,
): Promise<AsyncDisposable> {
  return database.listen(
    queries.CHANNEL,
    (payload) => {
      const change = queries.readAnnouncement(payload)
      if (change?.kind === 'deployment') onChange(change.deploymentId)
    },
    () => {},
  )
}
