const KEY = 'catwalk.workspace'

let chosen: string | undefined = read()

/** The workspace that this tab works in; undefined for the one that the server takes by itself. */
export function chosenWorkspace(): string | undefined {
  return chosen
}

/** For this tab, and for those that are opened later. */
export function chooseWorkspace(id: string | undefined): void {
  chosen = id
  try {
    for (const storage of [sessionStorage, localStorage]) {
      if (id === undefined) storage.removeItem(KEY)
      else storage.setItem(KEY, id)
    }
  } catch {
    // Storage is forbidden; the choice lasts as long as the page.
  }
}

function read(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? undefined
  } catch {
    return undefined
  }
}
