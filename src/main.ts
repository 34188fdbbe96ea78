import { readFile } from 'node:fs/promises'
import { readLocalInstallation, runCli, type ServeFlag } from './cli/index.ts'

// Every other room is loaded by the command that needs it, so that the cheap ones answer at once.
process.exitCode = await runCli(process.argv, {
  version: await readVersion(),
  async serve(flags) {
    const { serve } = await import('./program/index.ts')
    await serve({ env: process.env, flags })
  },
  async serveFlags() {
    const { settings } = await import('./config/index.ts')
    return settings.flatMap(({ name, flag, isSwitch, description, default: standard }): ServeFlag[] =>
      flag === null
        ? []
        : [
            {
              flags: `--${flag}${isSwitch ? '' : ' <value>'}`,
              description: `${description} (${name}${standard === null ? '' : `; default ${standard}`})`,
            },
          ],
    )
  },
  async bridge(command) {
    const { serveBridge } = await import('./bridge/index.ts')
    await serveBridge(command)
  },
  async backup(file, flags, signal) {
    const { backup } = await import('./program/backup.ts')
    return backup({ env: process.env, flags }, file, signal)
  },
  async restore(file, flags, signal) {
    const { restore } = await import('./program/backup.ts')
    return restore({ env: process.env, flags }, file, signal)
  },
  async locate(dataDir) {
    const { dataDirFrom } = await import('./config/index.ts')
    return readLocalInstallation(dataDirFrom({ env: process.env, flags: { dataDir } }))
  },
})

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  // Our own file.
  return (JSON.parse(text) as { version: string }).version
}
