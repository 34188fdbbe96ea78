import { expect, test } from 'vitest'
import { CatwalkError, type PackageIndex, type PypiIndex } from '../../src/domain/index.ts'
import { warningsOfPackage } from '../../src/program/package-warnings.ts'

const DOWNLOADS: Readonly<Record<string, number>> = { 'weather-mcp-server': 50_000, 'wether-mcp-server': 12 }
const asked: string[] = []
const npm: PackageIndex = {
  resolve: async (name, version) => {
    if (name === 'missing') throw new CatwalkError('package_not_found', 'There is none.')
    return {
      name,
      version: version ?? '1.0.0',
      description: null,
      integrity: 'sha512-AAAA',
      executables: ['x'],
      repository: null,
      repositoryFolder: '',
      license: null,
      deprecated: null,
      publishedAt: new Date('2026-01-09'),
      hasInstallScripts: true,
      nodeRange: null,
      unpackedBytes: null,
      archive: null,
    }
  },
  download: () => Promise.reject(new Error('nothing is downloaded')),
  weeklyDownloads: async (name) => {
    asked.push(name)
    return DOWNLOADS[name] ?? null
  },
}
const pypi: PypiIndex = {
  resolve: async (name, version) => ({
    name,
    version: version ?? '1.0.0',
    description: null,
    hashes: [],
    consoleScripts: null,
    requiresPython: null,
    yanked: 'broken',
    repository: null,
    license: null,
    publishedAt: null,
    archive: { url: 'https://pypi.example/a.tar.gz', format: 'tar.gz', integrity: 'sha256-AAAA' },
    hasInstallScripts: false,
  }),
  download: () => Promise.reject(new Error('nothing is downloaded')),
}

const NAMES = {
  npm: ['weather-mcp-server', 'calendar', 'wether-mcp-server'],
  pypi: ['Weather_MCP_Server', 'calendar-server'],
}
const namesOf = async (index: 'npm' | 'pypi') => NAMES[index]
const now = () => new Date('2026-01-10')

async function codesOf(registry: 'npm' | 'pypi' | 'git', name: string) {
  asked.length = 0
  const launch = {
    package: { registry, name, version: null },
    command: 'x',
    args: [],
    transport: 'stdio' as const,
  }
  const warnings = await warningsOfPackage(
    { launch },
    { npm, pypi, namesOf, now, known: null },
    new AbortController().signal,
  )
  return warnings.map(({ code }) => code)
}

test('a name that is taken for one of the registries which far more people use is warned of', async () => {
  expect(await codesOf('npm', 'wether-mcp-server')).toEqual([
    'look_alike',
    'install_scripts',
    'recently_published',
  ])
  expect(await codesOf('npm', 'weather-mcp-server')).toEqual(['install_scripts', 'recently_published'])
})

test('downloads are asked for only where a name resembles another', async () => {
  await codesOf('npm', 'something-else')
  expect(asked).toEqual([])
  await codesOf('npm', 'wether-mcp-server')
  expect(asked.toSorted()).toEqual(['weather-mcp-server', 'wether-mcp-server'])
})

test('a name of PyPI that no registry lists is doubtful beside one that is listed, however it is written there', async () => {
  expect(await codesOf('pypi', 'wether-mcp-server')).toEqual(['look_alike', 'yanked'])
  expect(await codesOf('pypi', 'weather-mcp-server')).toEqual(['yanked'])
})

test('a package of PyPI is warned of as well, what is built from a repository or is missing is not', async () => {
  expect(await codesOf('pypi', 'thing')).toEqual(['yanked'])
  expect(await codesOf('git', 'thing')).toEqual([])
  expect(await codesOf('npm', 'missing')).toEqual([])
})
