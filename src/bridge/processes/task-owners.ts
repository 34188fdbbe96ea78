/** Who was given a task, and where what is said of it goes. */
export interface TaskOwner {
  readonly subject: string
  /** The id of the legacy session that made it; null for one of the modern era. */
  readonly session: string | null
  /** The number under which the server reports progress of it, and the letters of the token that its owner gave. */
  readonly progress: { readonly number: number; readonly token: string } | null
}

/** Whose the tasks of one server process are (2025-11-25, tasks, task isolation; tasks extension, auth binding). */
export interface TaskOwners {
  /** Notes whose a task is. Who was told of it first keeps it. */
  bind(taskId: string, owner: TaskOwner): void
  find(taskId: string): TaskOwner | undefined
  /** The owner of the task that reports progress under this number. */
  reporting(number: number): TaskOwner | undefined
}

/** Of one subject; of more the oldest are nobody's. */
const MAX_TASKS = 1000

export function createTaskOwners(): TaskOwners {
  const owners = new Map<string, TaskOwner>()
  const counts = new Map<string, number>()
  const reporting = new Map<number, TaskOwner>()

  function forgetOldestOf(subject: string): void {
    for (const [taskId, owner] of owners) {
      if (owner.subject !== subject) continue
      owners.delete(taskId)
      if (owner.progress !== null) reporting.delete(owner.progress.number)
      return
    }
  }

  return {
    bind(taskId, owner) {
      if (owners.has(taskId)) return
      const count = counts.get(owner.subject) ?? 0
      if (count >= MAX_TASKS) forgetOldestOf(owner.subject)
      else counts.set(owner.subject, count + 1)
      owners.set(taskId, owner)
      if (owner.progress !== null) reporting.set(owner.progress.number, owner)
    },
    find: (taskId) => owners.get(taskId),
    reporting: (number) => reporting.get(number),
  }
}
