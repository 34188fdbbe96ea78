// npm run generate: writes every file that is made from another. With --check it writes nothing and names those
// that are not what they should be.
import { generateConfigurationPage } from './lib/configuration-page.ts'
import { generateTroubleshootingPage } from './lib/troubleshooting-page.ts'
import { generateDatabaseTypes } from './generate-db-types.ts'

const check = process.argv.includes('--check')
const generators = {
  'docs/configuration.md': generateConfigurationPage,
  'docs/troubleshooting.md': generateTroubleshootingPage,
  'src/db/schema.gen.ts': generateDatabaseTypes,
}

for (const [file, generate] of Object.entries(generators)) {
  if (await generate({ check })) continue
  process.stdout.write(check ? `${file} is out of date. Type: npm run generate\n` : `${file} written\n`)
  if (check) process.exitCode = 1
}
