import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // The content security policy allows files of our own origin only: nothing is inlined as a data: address.
    assetsInlineLimit: 0,
    // One small file: a room's look does not depend on which rooms were visited before.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
  },
})
