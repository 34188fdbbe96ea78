import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../../bin/catwalk', import.meta.url))

/** What `catwalk deploy --json --wait` prints. */
export interface Deployed {
  readonly id: string
  readonly slug: string
  readonly state: string
  readonly endpoint: string
  readonly token: string
}

/** Catwalk through its command line, as a script uses it. */
export interface Catwalk {
  deploy(
    source: string,
    options: readonly string[],
    variables: Readonly<Record<string, string>>,
  ): Promise<Deployed>
  /** Deletes a deployment and waits until it is gone. */
  remove(slug: string): Promise<void>
  /** The slugs of all deployments. */
  list(): Promise<readonly string[]>
}

/** `where` are the options that say which server is meant. */
export function createCatwalk(where: readonly string[]): Catwalk {
  return {
    async deploy(source, options, variables) {
      const env = Object.keys(variables).flatMap((name) => ['--env', name])
      const words = ['deploy', source, ...options, ...env, '--wait', '--json', ...where]
      // Documented in docs/cli.md.
      return (await run(words, variables)) as Deployed
    },
    async remove(slug) {
      await run(['rm', slug, '--yes', '--wait', '--json', ...where], {})
    },
    async list() {
      const deployments = (await run(['ls', '--json', ...where], {})) as { slug: string }[]
      return deployments.map(({ slug }) => slug)
    },
  }
}

/** @throws Error with the message, the help and the last output that the command line gives */
async function run(words: readonly string[], variables: Readonly<Record<string, string>>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...variables }
    execFile(process.execPath, [LAUNCHER, ...words], { env }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout))
      else reject(new Error(`catwalk ${words.join(' ')}\n${stdout}${stderr}`))
    })
  })
}
