/** The user and group of the host that a confined program runs as. */
export interface Identity {
  readonly uid: number
  readonly gid: number
}

/** Who runs what. Null means the user that runs Catwalk, who cannot become anybody else. */
export interface Identities {
  readonly installer: Identity | null
  /** Who trial boots run as. */
  readonly trial: Identity | null
  deployment(slot: number): Identity | null
}

/** The first user id that deployments get as root, unless configured otherwise. */
export const DEFAULT_FIRST_UID = 200_000

const LAST_SLOT = 59_998

/** Slot n is `firstUid + n` (slots begin at 1); installations are `firstUid` itself,
 * trial boots what follows the last slot. None of them needs a passwd entry. */
export function createIdentities(asRoot: boolean, firstUid: number): Identities {
  const at = (uid: number): Identity | null => (asRoot ? { uid, gid: uid } : null)
  return {
    installer: at(firstUid),
    trial: at(firstUid + LAST_SLOT + 1),
    deployment: (slot) => {
      if (!Number.isInteger(slot) || slot < 1 || slot > LAST_SLOT)
        throw new RangeError(`slot ${slot} is not 1…${LAST_SLOT}`)
      return at(firstUid + slot)
    },
  }
}
