/** How many packages a lock file names: npm's package-lock.json, or pip's requirements with hashes. */
export function countLocked(lockFile: string): number {
  if (!lockFile.trimStart().startsWith('{'))
    return lockFile.split('\n').filter((line) => line.includes('==')).length
  const lock: unknown = JSON.parse(lockFile)
  const packages: unknown =
    typeof lock === 'object' && lock !== null && 'packages' in lock ? lock.packages : null
  if (typeof packages !== 'object' || packages === null) return 0
  return Object.keys(packages).filter((path) => path !== '').length
}
