import { readFile, rm, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { CatwalkError, type Snapshot } from '../../../../domain/index.ts'
import type { NpmOptions } from '../npm/npm-installer.ts'
import { compilerEnvironment, configurationFiles } from '../npm/npm-command.ts'
import { provideDirectory } from '../work.ts'
import type { BuildJob } from './git-installer.ts'
import { buildCommands, buildEnvironment, lockCommand, TOOLS, type BuildCommand } from './node-commands.ts'
import { planNodeProject, type NodeProject } from './node-project.ts'
import { copySnapshot } from './tree.ts'

const CONFIGURATION = '/opt/catwalk/configuration'
// They could send credentials elsewhere or bring code into the steps that have them.
const SETTINGS = ['.npmrc', '.pnpmfile.cjs', '.yarnrc']

/** Makes the lock file that a project lacks. Returns files by their paths in the repository: one, or none. */
export async function lockNodeProject(
  options: NpmOptions,
  snapshot: Snapshot,
  folder: string,
  job: BuildJob,
): Promise<Readonly<Record<string, string>>> {
  const project = planNodeProject(snapshot, folder)
  if (project.hasLock) return {}
  await copySnapshot(snapshot, job.work.tree, {}, options.identity)
  await run(options, job, project, lockCommand(project))
  const path = posix.join(project.root, 'package-lock.json')
  return { [path]: await readFile(join(job.work.tree, path), 'utf8') }
}

/** Installs and builds a project in the work's tree. */
export async function buildNodeProject(
  options: NpmOptions,
  snapshot: Snapshot,
  folder: string,
  lockFiles: Readonly<Record<string, string>>,
  job: BuildJob,
): Promise<void> {
  const project = planNodeProject(snapshot, folder)
  await copySnapshot(snapshot, job.work.tree, lockFiles, options.identity)
  for (const name of SETTINGS) {
    for (const place of new Set(['', project.root, folder])) {
      await rm(join(job.work.tree, place, name), { force: true })
    }
  }
  if (project.manager === 'yarn') await useRegistry(options, join(job.work.tree, project.root, 'yarn.lock'))
  await provideDirectory(join(job.work.tree, TOOLS), options.identity, {})
  for (const command of buildCommands(project, job.allowScripts)) await run(options, job, project, command)
  await rm(join(job.work.tree, TOOLS), { recursive: true, force: true })
}

/** yarn's lock files name the registry that they were made with; what is fetched is still checked against their hashes. */
async function useRegistry(options: NpmOptions, lockPath: string): Promise<void> {
  const { registry } = await options.configuration()
  const text = await readFile(lockPath, 'utf8')
  const own = registry.endsWith('/') ? registry : `${registry}/`
  await writeFile(
    lockPath,
    text.replaceAll(/https:\/\/registry\.(?:yarnpkg\.com|npmjs\.org)\//g, () => own),
  )
}

async function run(
  options: NpmOptions,
  job: BuildJob,
  project: NodeProject,
  command: BuildCommand,
): Promise<void> {
  const configuration = await options.configuration()
  const { identity, cache } = options
  const { work } = job
  await provideDirectory(cache, identity, {})
  const files = configurationFiles(configuration)
  await rm(work.configuration, { recursive: true, force: true })
  await provideDirectory(work.configuration, identity, command.credentials ? files : { ...files, npmrc: '' })
  const environment = new Map([
    ...buildEnvironment(project, configuration.registry),
    ...compilerEnvironment(options.nodeHeaders),
  ])
  if (configuration.extraCertificates !== null) {
    environment.set('NODE_EXTRA_CA_CERTS', `${CONFIGURATION}/extra-certificates.pem`)
  }
  const { end, lines } = await options.runStep(
    work,
    {
      name: command.name,
      argv: command.argv,
      folder: command.folder,
      environment,
      mounts: [
        { source: work.configuration, target: CONFIGURATION, writable: false },
        // What runs code of a repository could put something else into the cache.
        ...(command.credentials ? [{ source: cache, target: '/opt/catwalk/cache', writable: true }] : []),
      ],
      origins: configuration.origins,
      internet: command.name === 'scripts',
    },
    job.output,
    job.signal,
  )
  if (end.exitCode === 0) return
  const reason = end.outOfMemory
    ? 'it ran out of memory'
    : (lines.findLast((line) => /error/i.test(line) && !/log files|complete log/i.test(line))?.trim() ??
      `it ended with ${end.signal ?? `exit code ${end.exitCode ?? 'unknown'}`}`)
  throw new CatwalkError(
    'install_failed',
    `${job.label} could not be built: step '${command.name}': ${reason}.`,
  )
}
