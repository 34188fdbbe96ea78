// compile.ts FOLDER: the program as few files without types instead of hundreds with them, which start in half the time
// and take 12 MiB less memory.
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const [target = 'dist/program'] = process.argv.slice(2)

/** What the program looks for beside its own files is still where the sources are. */
const atHome: Plugin = {
  name: 'at-home',
  transform(code, id) {
    if (!id.startsWith(`${root}src/`)) return null
    const url = `new URL(${JSON.stringify(relative(join(root, target), id))}, import.meta.url)`
    return code.replaceAll('import.meta.url', `${url}.href`)
  },
}

await build({
  configFile: false,
  root,
  logLevel: 'warn',
  plugins: [atHome],
  // Packages stay what they are, but for small ones that every command loads.
  ssr: { external: true, noExternal: ['commander', 'ipaddr.js', 'typeid-js', 'uuid'] },
  build: {
    ssr: 'src/main.ts',
    outDir: target,
    emptyOutDir: true,
    target: 'node24',
    rolldownOptions: { output: { chunkFileNames: '[name]-[hash].js' } },
  },
})
