// compile-image.ts FOLDER: the program of the image as one file that needs nothing but Node.
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const [target = 'dist/image'] = process.argv.slice(2)

await build({
  configFile: false,
  root,
  logLevel: 'warn',
  ssr: { noExternal: true },
  build: {
    ssr: 'src/runtimes/image/main.ts',
    outDir: target,
    emptyOutDir: true,
    target: 'node24',
    rolldownOptions: { output: { entryFileNames: 'instance.mjs', codeSplitting: false } },
  },
})
